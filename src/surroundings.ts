/** What surrounds the work of a voice: date, folder, repository, instructions; read at the start of each turn. */
import { existsSync } from "node:fs";
import { relative } from "node:path";
import type { Surroundings } from "./agent/context.ts";
import { systemClock } from "./base/clock.ts";
import { hasExtensions } from "./config/extension-places.ts";
import type { OpenOptions } from "./core/ports/app.ts";
import type { House } from "./house.ts";
import { gitState } from "./sandbox/git-state.ts";
import { readInstructions } from "./sandbox/instructions.ts";
import { memoryFile } from "./store/memory.ts";

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
      const text = given.bare ? undefined : instructionsText(house);
      return text === undefined ? undefined : redact(text);
    },
    facts: () => factsFor(house, given.bare, redact),
  };
}

/** Nothing of them is loaded where there are none. */
async function factsFor(house: House, bare: boolean, redact: (text: string) => string) {
  const { config, home, workspace, project } = house;
  const { places } = config;
  const remembered = existsSync(memoryFile(places.data, project));
  if (!remembered && !hasExtensions({ places, home, workspace, bare })) return NO_FACTS;
  const { factsOf } = await import("./facts.ts");
  return factsOf(house, bare).map(([source, text]) => [source, text === undefined ? text : redact(text)] as const);
}

/** Where nothing is there, it may have been: the thread is told so. */
const NO_FACTS = (["skills", "agents", "memory"] as const).map((source) => [source, undefined] as const);

/** Branch and commit in a few words; undefined outside a repository. */
function gitText(workspace: string): string | undefined {
  const state = gitState(workspace);
  if (!state) return undefined;
  const at = state.commit === undefined ? "no commits yet" : `at ${state.commit.slice(0, 12)}`;
  return state.branch === undefined ? `detached ${at}` : `branch ${state.branch} ${at}`;
}

/** Relative inside the workspace. */
function shownPath(workspace: string, path: string): string {
  const inside = relative(workspace, path);
  return inside.startsWith("..") ? path : inside;
}

/** Instruction files, nearest first, each under its path. */
export function instructionsText({ workspace, options, config, home }: House): string | undefined {
  const found = readInstructions(workspace, options.workspace, { folder: config.places.config, home });
  if (found.length === 0) return undefined;
  return found
    .map(({ path, text, cut }) => `# ${shownPath(workspace, path)}\n${text.trim()}${cut ? "\n(cut here)" : ""}`)
    .join("\n\n");
}
