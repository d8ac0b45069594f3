/** What surrounds the work of a voice: date, folder, repository, instructions; read at the start of each turn. */
import { relative } from "node:path";
import type { Surroundings } from "./agent/context.ts";
import { systemClock } from "./base/clock.ts";
import type { OpenOptions } from "./core/ports/app.ts";
import type { House } from "./house.ts";
import { gitState } from "./sandbox/git-state.ts";
import { readInstructions } from "./sandbox/instructions.ts";

export function surroundingsOf(house: House, given: OpenOptions, redact: (text: string) => string): Surroundings {
  const { workspace } = house;
  const cwd = house.options.workspace;
  return {
    date: () => new Date(systemClock.now()).toISOString().slice(0, 10),
    git: async () => gitText(workspace),
    cwd: () => (cwd === workspace ? cwd : `${cwd} (in the repository ${workspace})`),
    mode: () => given.mode,
    style: () => given.style,
    instructions: async () => {
      const text = given.bare ? undefined : instructionsText(workspace, cwd);
      return text === undefined ? undefined : redact(text);
    },
  };
}

/** Branch and commit in a few words; undefined outside a repository. */
function gitText(workspace: string): string | undefined {
  const state = gitState(workspace);
  if (!state) return undefined;
  const at = state.commit === undefined ? "no commits yet" : `at ${state.commit.slice(0, 12)}`;
  return state.branch === undefined ? `detached ${at}` : `branch ${state.branch} ${at}`;
}

/** Instruction files, nearest first, each under its path. */
export function instructionsText(workspace: string, cwd: string): string | undefined {
  const found = readInstructions(workspace, cwd);
  if (found.length === 0) return undefined;
  return found
    .map(({ path, text, cut }) => `# ${relative(workspace, path)}\n${text.trim()}${cut ? "\n(cut here)" : ""}`)
    .join("\n\n");
}
