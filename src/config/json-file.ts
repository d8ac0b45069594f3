/** One JSON-with-comments file as a tree whose nodes know their line. */
import { readFileSync, statSync } from "node:fs";
import type { Node } from "jsonc-parser";
import { CrucibleError, errnoOf } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";

export interface JsonFile {
  /** SHA-256 of the file's bytes. */
  readonly hash: string;
  /** Undefined for an empty file. */
  readonly root: Node | undefined;
  /** `file:line` of an offset into `text`. */
  place(offset: number): string;
}

const MAX_BYTES = 1024 * 1024;

/** What the parser says, by its number (`ParseErrorCode` of jsonc-parser). */
const MISTAKES: Readonly<Record<number, string>> = {
  1: "this word is no JSON (words stand in double quotes)",
  2: "this is no number",
  3: 'a name in double quotes is due ("name": ...)',
  4: "a value is due",
  5: "a colon is due after the name",
  6: "a comma is due before this",
  7: "a closing brace } is missing",
  8: "a closing bracket ] is missing",
  9: "there is more after the end of the object",
  10: "this is no comment (// or /* ... */)",
  11: "a comment does not end (*/ is missing)",
  12: "a text does not end (a double quote is missing)",
  13: "a number does not end",
  14: "this is no character number (\\u and four digits 0-9 a-f)",
  15: "this is no escape (a backslash is written \\\\)",
  16: "a text holds a control character (write \\n, \\t or \\u0000)",
};

/** Undefined when the file is absent. Throws `bad-config` with file:line. */
export async function readJsonFile(file: string): Promise<JsonFile | undefined> {
  const bytes = readBytes(file);
  return bytes === undefined ? undefined : parseJsonText(file, bytes.toString("utf8"), sha256(bytes));
}

/** The same of a text; `file` stands for its origin. Throws `bad-config`. */
export async function parseJsonText(file: string, text: string, hash: string): Promise<JsonFile> {
  const { parseTree } = await import("jsonc-parser");
  const errors: { error: number; offset: number; length: number }[] = [];
  const root = parseTree(text.replace(/^\ufeff/, " "), errors, { allowTrailingComma: true });
  const place = (offset: number) => `${file}:${text.slice(0, offset).split("\n").length}`;
  const [first] = errors;
  if (first)
    throw badConfig(`${place(first.offset)}: ${MISTAKES[first.error] ?? "this is no JSON"}`, "mend the JSON there");
  if (root && root.type !== "object")
    throw badConfig(`${place(0)}: the file is not a JSON object`, 'begin with {"…": …}');
  return { hash, root, place };
}

function readBytes(file: string): Buffer | undefined {
  try {
    // A pipe would be waited on for ever, and no settings are this large.
    const stat = statSync(file);
    if (!stat.isFile() || stat.size > MAX_BYTES) throw new Error("it is no plain file of at most 1 MiB");
    return readFileSync(file);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw new CrucibleError("bad-config", `${file} cannot be read: ${why}`, {
      hint: "mend the file or its permissions",
      cause: error,
    });
  }
}

/** A configuration fault with what to do about it. */
export function badConfig(message: string, hint: string): CrucibleError {
  return new CrucibleError("bad-config", message, { hint });
}

/** The plain value of a node. */
export function plainValue(node: Node): unknown {
  if (node.type === "array") return (node.children ?? []).map(plainValue);
  if (node.type !== "object") return node.value;
  return Object.fromEntries(
    (node.children ?? []).map((property) => [
      String(property.children?.[0]?.value),
      property.children?.[1] ? plainValue(property.children[1]) : undefined,
    ]),
  );
}
