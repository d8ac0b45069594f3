/** What is there to be used or known beside the repository: skills, agents and memory, as lines that are appended when they change. */
import { fenced } from "./base/fenced.ts";
import { oneLine } from "./base/text.ts";
import { loadExtensions } from "./extensions.ts";
import type { House } from "./house.ts";
import { workspaceMemory } from "./store/memory.ts";

/** Lines of one index, and characters of one line. */
const MOST_LINES = 40;
const MOST_LINE = 160;

export type Fact = readonly [source: string, text: string | undefined];

export function factsOf(house: House, bare: boolean): readonly Fact[] {
  const { skills, agents } = loadExtensions(house, bare);
  const memory = bare ? [] : workspaceMemory(house.config.places.data, house.project).list();
  const shown = skills.filter(({ description }) => description !== "");
  return [
    ["skills", index('skills (load one when it fits: tool_call {"name":"skill","input":{"name":…}}):', shown)],
    ["agents", index("agents (for `agent` of the tool task):", agents)],
    ["memory", memory.length === 0 ? undefined : block("memory (the user's own words):", memory)],
  ];
}

function index(title: string, all: readonly { readonly name: string; readonly description: string }[]) {
  if (all.length === 0) return undefined;
  const lines = all.slice(0, MOST_LINES).map(({ name, description }) => oneLine(`${name}: ${description}`, MOST_LINE));
  return block(title, all.length > MOST_LINES ? [...lines, `and ${all.length - MOST_LINES} more`] : lines);
}

function block(title: string, lines: readonly string[]): string {
  return fenced(`${title}\n${lines.map((line) => `- ${line}`).join("\n")}`, ["context", "project-instructions"]);
}
