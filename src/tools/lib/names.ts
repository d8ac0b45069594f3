/** Where a name stands, where it is defined and used: the shared part of `definition` and `references`. */
import { CrucibleError } from "../../base/error.ts";
import { plural } from "../../base/text.ts";
import type { Hands } from "../../core/ports/hands.ts";
import type { Languages, SourcePlace } from "../../core/ports/languages.ts";
import { failedResult, type ToolResult, textResult } from "../../core/tool.ts";
import { need } from "./hands.ts";
import { decodeText } from "./text-file.ts";

/** Places that are shown. */
const MOST = 60;

export interface NameInput {
  readonly path: string;
  readonly line: number;
  readonly name: string;
}

/** Looks for the name in its line, asks, and shows each place with the text of its line. */
export async function askForName(
  input: NameInput,
  given: { readonly hands: Hands; readonly signal: AbortSignal; readonly ask: "definition" | "references" },
): Promise<ToolResult> {
  const { hands, signal, ask } = given;
  const files = need(hands, "files");
  const languages: Languages | undefined = hands.languages;
  if (!languages)
    throw new CrucibleError("tool-failed", "no language server is in use", {
      hint: "crucible doctor lists those that are looked for",
    });
  const read = async (path: string) => decodeText((await files.read(path)).bytes)?.text ?? "";
  const { path } = await files.read(input.path);
  const text = await read(input.path);
  const column = (text.split("\n")[input.line - 1] ?? "").indexOf(input.name);
  if (column < 0) return failedResult(`line ${input.line} of ${path} does not hold ${input.name}`);
  const found = await languages[ask]({ path, text }, { path, line: input.line, column: column + 1 }, signal);
  if (found.length === 0) return textResult(`no ${ask} of ${input.name} found`);
  const texts = new Map<string, readonly string[]>();
  const lines: string[] = [];
  for (const place of found.slice(0, MOST)) lines.push(await shown(place, texts, read));
  const more = found.length > MOST ? `\n… ${found.length - MOST} more` : "";
  return textResult(`${plural(found.length, "place")}\n${lines.join("\n")}${more}`);
}

/** A file that may not be read is named without its text. */
async function shown(
  { path, line }: SourcePlace,
  texts: Map<string, readonly string[]>,
  read: (path: string) => Promise<string>,
): Promise<string> {
  const known = texts.get(path) ?? (await read(path).catch(() => "")).split("\n");
  texts.set(path, known);
  return `${path}:${line}: ${(known[line - 1] ?? "").trim().slice(0, 200)}`;
}
