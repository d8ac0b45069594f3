/** Volatile facts are appended to the thread when they change, and then stay: date, git state, folder, instructions. */
import { fenced } from "../base/fenced.ts";
import { sha256 } from "../base/hash.ts";
import type { Emit, Event } from "../core/event.ts";
import { standing } from "../core/standing.ts";
import { type OutputStyle, STYLE_TEXTS } from "../core/style.ts";

/** What surrounds the work right now; read at the start of a turn. */
export interface Surroundings {
  /** `2026-11-22`. */
  date(): string;
  git(): Promise<string | undefined>;
  cwd(): string;
  mode(): string;
  style(): OutputStyle;
  /** Text of AGENTS.md and its like, or undefined. */
  instructions(): Promise<string | undefined>;
  /** Further facts by name; one without a text is not there (any more). */
  facts?(): Promise<readonly (readonly [source: string, text: string | undefined])[]>;
  /** Which foreign servers there are, one line each. */
  servers?(): string | undefined;
}

/** What a mode means for the work. */
const MODES: Readonly<Record<string, string>> = {
  plan: "plan (only reading is allowed; finish with a plan)",
  auto: "auto (nobody answers questions)",
};

/** Order within the user message: instructions before the prompt, the rest after it, the folder last. */
export async function appendContext(surroundings: Surroundings, events: readonly Event[], emit: Emit): Promise<void> {
  const known = new Map(
    standing(events).flatMap((event) => (event.kind === "context-added" ? [[event.source, event.hash] as const] : [])),
  );
  const instructions = await surroundings.instructions();
  const git = await surroundings.git();
  const facts: [string, string | undefined][] = [
    [
      "instructions",
      instructions ?? (known.has("instructions") ? "(the project instructions were removed)" : undefined),
    ],
    ["date", `date: ${surroundings.date()}`],
    ["git", git === undefined ? undefined : `git: ${git}`],
    [
      "mode",
      surroundings.mode() === "default" && !known.has("mode")
        ? undefined
        : `mode: ${MODES[surroundings.mode()] ?? surroundings.mode()}`,
    ],
    ["style", surroundings.style() === "normal" && !known.has("style") ? undefined : STYLE_TEXTS[surroundings.style()]],
    ...(await further(surroundings, known)),
    ["mcp", surroundings.servers?.()],
    ["cwd", `cwd: ${surroundings.cwd()}`],
  ];
  for (const [source, text] of facts) {
    if (text === undefined) continue;
    const hash = sha256(text);
    if (known.get(source) !== hash) emit({ kind: "context-added", source, text, hash });
  }
}

async function further(
  { facts }: Surroundings,
  known: ReadonlyMap<string, string>,
): Promise<[string, string | undefined][]> {
  const found = (await facts?.()) ?? [];
  return found.map(([source, text]) => [source, text ?? (known.has(source) ? `(no ${source} any more)` : undefined)]);
}

/** Project instructions as quoted data; a closing tag inside them cannot end the quotation. */
export function quoteInstructions(text: string): string {
  return `<project-instructions>\n${fenced(text, ["project-instructions"]).trim()}\n</project-instructions>`;
}
