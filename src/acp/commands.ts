/** Slash commands of an editor's prompt: which there are, and what each means for the session. */
import type { AvailableCommand } from "@agentclientprotocol/sdk";
import { CrucibleError } from "../base/error.ts";
import type { Work } from "../core/ports/app.ts";
import type { UndoOptions } from "../core/ports/undo.ts";
import type { Mode } from "../core/verdict.ts";

export interface Meant {
  /** What is said in place of the line; without it nothing is asked of a model. */
  readonly words?: string;
  readonly work?: Work;
  readonly mode?: Mode;
  readonly undo?: UndoOptions;
  /** A summary takes the place of what was said. */
  readonly compact?: true;
}

interface SlashCommand {
  readonly about: string;
  readonly hint?: string;
  mean(words: string): Meant;
}

const LARGER = { budget: {}, files: [] } as const;

const COMMANDS: Readonly<Record<string, SlashCommand>> = {
  council: {
    about: "voices propose, check and vote on a question",
    hint: "question",
    mean: (words) => ({
      words: need(words, "council"),
      work: { council: { ...LARGER, next: "report", kind: "question" } },
    }),
  },
  review: {
    about: "voices read a change: what is not committed, or all since a branch",
    hint: "[branch]",
    mean: (base) => ({
      words: `Review ${base === "" ? "what is not committed" : `the changes since ${base}`}.`,
      work: { review: { ...LARGER, ...(base === "" ? {} : { base }) } },
    }),
  },
  spiral: {
    about: "larger work in five phases, each with a test that must hold",
    hint: "work",
    mean: (words) => ({ words: need(words, "spiral"), work: { spiral: { accept: [], threshold: 0.8, files: [] } } }),
  },
  goal: {
    about: "work that goes on until a command passes",
    hint: '"command" work',
    mean(line) {
      const [, quoted, bare, words = ""] = /^(?:"([^"]+)"|(\S+))\s+([\s\S]+)$/.exec(line) ?? [];
      return { words: need(words, "goal"), work: { goal: { check: quoted ?? bare ?? "", attempts: 10 } } };
    },
  },
  plan: {
    about: "only read, and end with a plan",
    hint: "work",
    mean: (words) => ({ mode: "plan", ...(words === "" ? {} : { words }) }),
  },
  undo: {
    about: "take the last turns back: files, commands' effects, and what was said",
    hint: "[how many]",
    mean(words) {
      const turns = words === "" ? 1 : Number(words);
      if (Number.isSafeInteger(turns) && turns >= 1) return { undo: { turns } };
      throw new CrucibleError("usage", `/undo ${words}: no number of turns`);
    },
  },
  compact: { about: "put a summary in the place of what was said so far", mean: () => ({ compact: true }) },
  redo: { about: "take the last undo back", mean: () => ({ undo: { redo: true } }) },
};

function need(words: string, name: string): string {
  if (words.trim() !== "") return words;
  throw new CrucibleError("usage", `/${name} needs words: what is it about?`, {
    hint: `/${name} ${COMMANDS[name]?.hint ?? ""}`,
  });
}

export const availableCommands: AvailableCommand[] = Object.entries(COMMANDS).map(([name, { about, hint }]) => ({
  name,
  description: about,
  ...(hint === undefined ? {} : { input: { hint } }),
}));

/** A line that begins with no command of ours is a prompt like any other. Throws `usage`. */
export function meantBy(text: string): Meant | undefined {
  const [, name = "", words = ""] = /^\/([a-z]+)(?:\s+([\s\S]*))?$/.exec(text.trim()) ?? [];
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name]?.mean(words.trim()) : undefined;
}
