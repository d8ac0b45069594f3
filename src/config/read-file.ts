/** Reads one configuration file (JSON with comments) into dotted keys with the line of each. */
import { readFileSync } from "node:fs";
import type { Node } from "jsonc-parser";
import { CrucibleError, errnoOf } from "../base/error.ts";
import { nearest } from "../base/text.ts";
import { checkValue, KEYS } from "./keys.ts";

export interface FileValue {
  readonly value: unknown;
  /** `file:line`. */
  readonly place: string;
}

/** Values by dotted key; an absent file is empty. Throws `bad-config` with file:line and the nearest known key. */
export async function readConfigFile(file: string): Promise<ReadonlyMap<string, FileValue>> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return new Map();
    throw new CrucibleError(
      "bad-config",
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { hint: "mend its permissions", cause: error },
    );
  }
  const { parseTree, printParseErrorCode } = await import("jsonc-parser");
  const errors: { error: number; offset: number; length: number }[] = [];
  const root = parseTree(text.replace(/^\ufeff/, " "), errors, { allowTrailingComma: true });
  const place = (offset: number) => `${file}:${text.slice(0, offset).split("\n").length}`;
  const [first] = errors;
  if (first) throw bad(`${place(first.offset)}: ${printParseErrorCode(first.error)}`, "mend the JSON there");
  const found = new Map<string, FileValue>();
  if (root) {
    if (root.type !== "object") throw bad(`${place(0)}: the file is not a JSON object`, 'begin with {"model": …}');
    collect(root, "", { found, place });
  }
  return found;
}

function bad(message: string, hint: string): CrucibleError {
  return new CrucibleError("bad-config", message, { hint });
}

interface Collected {
  readonly found: Map<string, FileValue>;
  readonly place: (offset: number) => string;
}

function collect(node: Node, prefix: string, into: Collected): void {
  for (const property of node.children ?? []) {
    const [name, value] = property.children ?? [];
    if (!name || !value) continue;
    const key = prefix + String(name.value);
    if (key === "$schema") continue;
    if (KEYS[key]) into.found.set(key, checked(key, value, into.place(property.offset)));
    else if (value.type === "object" && Object.keys(KEYS).some((known) => known.startsWith(`${key}.`)))
      collect(value, `${key}.`, into);
    else throw unknownKey(key, into.place(property.offset));
  }
}

function unknownKey(key: string, place: string): CrucibleError {
  const near = nearest(key, Object.keys(KEYS));
  return bad(`${place}: unknown key ${key}`, near ? `did you mean ${near}?` : "see: crucible config show");
}

function checked(name: string, node: Node, place: string): FileValue {
  const key = KEYS[name];
  const result = key ? checkValue(key, plain(node)) : { ok: false as const, problem: "unknown" };
  if (!result.ok) throw bad(`${place}: ${name}: ${result.problem}`, key?.about ?? "");
  return { value: result.value, place };
}

function plain(node: Node): unknown {
  if (node.type === "array") return (node.children ?? []).map(plain);
  if (node.type !== "object") return node.value;
  return Object.fromEntries(
    (node.children ?? []).map((property) => [
      String(property.children?.[0]?.value),
      property.children?.[1] ? plain(property.children[1]) : undefined,
    ]),
  );
}
