/** Commands of a conversation: what begins with a slash. */
import type { Conversation } from "../conversation.ts";
import type { KeyRow } from "../face.ts";

export interface SlashCommand {
  readonly about: string;
  /** Its arguments, as help shows them. */
  readonly hint?: string;
  /** It may run while a turn is at work. */
  readonly whileBusy?: true;
  /** Values that its argument may begin with. */
  readonly complete?: (prefix: string, talk: Conversation) => Promise<readonly string[]> | readonly string[];
  run(words: string, talk: Talk): Promise<void> | void;
}

/** A conversation with what commands need beside it. */
export interface Talk extends Conversation {
  keys(): readonly KeyRow[];
  readonly commands: Readonly<Record<string, SlashCommand>>;
  say(...lines: readonly string[]): void;
  /** Runs a command of this program and shows what it prints. */
  program(...words: readonly string[]): Promise<void>;
}

/** Words of an argument line: quotes hold together. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
}
