/** The parser behind one name, and the strict subset of text it is trusted with. */

import { type ParsedScript, parse, type Word, type WordPart } from "unbash";
import { hidesText } from "../../base/invisible.ts";
import { ask, deny, type Finding } from "./types.ts";

export type {
  AndOr,
  Assignment,
  Command,
  CommandNode,
  CompoundList,
  ParsedScript,
  PipelineNode,
  Redirection,
  Statement,
  TestExpression,
  Word,
  WordPart,
} from "unbash";
export type Node = Word | WordPart;

/** Longest command that is read (characters); longer ones are not understood and ask. */
const MAX_LENGTH = 65_536;

/** Characters that a shell, a terminal or a reader would see differently: checked before any parsing. */
export function strictSubset(command: string): Finding | undefined {
  if (command.length > MAX_LENGTH) return ask("shell.too-long", "the command is too long to check");
  if (/[\u0000\u001b]/.test(command))
    return deny("shell.control-characters", "the command has NUL or escape characters");
  if (/[\u0001-\u0008\u000b-\u001f\u007f-\u009f]/.test(command))
    return ask("shell.control-characters", "the command has control characters");
  if (hidesText(command) || /[\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f\u3000\ufeff]/.test(command)) {
    return ask("shell.invisible-characters", "the command has invisible or direction-changing characters");
  }
  return undefined;
}

/** Parses bash; errors travel in the result. */
export function parseShell(command: string): ParsedScript {
  return parse(command);
}
