/** Reads one configuration file (JSON with comments) into dotted keys with the line of each. */
import type { Node } from "jsonc-parser";
import type { CrucibleError } from "../base/error.ts";
import { nearest } from "../base/text.ts";
import { badConfig, plainValue, readJsonFile } from "./json-file.ts";
import { checkValue } from "./key.ts";
import { ALIASES } from "./key-aliases.ts";
import { KEYS } from "./keys.ts";
import type { Trust } from "./trust.ts";

export interface FileValue {
  readonly value: unknown;
  /** `file:line`. */
  readonly place: string;
  /** Of a key with `entries`: `file:line` of everything inside by path (`name`, `name.members.0`). */
  readonly places?: ReadonlyMap<string, string>;
}

/** Values by dotted key; an absent file is empty. Throws `bad-config` with file:line and the nearest known key. */
export async function readConfigFile(file: string): Promise<ReadonlyMap<string, FileValue>> {
  const read = await readJsonFile(file);
  const found = new Map<string, FileValue>();
  if (read?.root) collect(read.root, "", { found, place: read.place });
  return found;
}

/** A project's file, and whether the person trusts what stands in it (`path` below the workspace). */
export async function readProjectFile(
  file: string,
  path: string,
  trust: Pick<Trust, "holds">,
): Promise<{ values: ReadonlyMap<string, FileValue>; trusted: boolean }> {
  const read = await readJsonFile(file);
  const values = new Map<string, FileValue>();
  if (read?.root) collect(read.root, "", { found: values, place: read.place });
  return { values, trusted: read !== undefined && values.size > 0 && trust.holds(path, read.hash) };
}

const NAMES = [...Object.keys(KEYS), ...Object.keys(ALIASES)];

interface Collected {
  readonly found: Map<string, FileValue>;
  readonly place: (offset: number) => string;
}

function collect(node: Node, prefix: string, into: Collected): void {
  for (const property of node.children ?? []) {
    const [name, value] = property.children ?? [];
    if (!name || !value) continue;
    const written = prefix + String(name.value);
    if (written === "$schema") continue;
    const key = Object.hasOwn(ALIASES, written) ? (ALIASES[written] ?? written) : written;
    if (Object.hasOwn(KEYS, key)) into.found.set(key, checked(key, value, property.offset, into.place));
    else if (value.type === "object" && NAMES.some((known) => known.startsWith(`${key}.`)))
      collect(value, `${key}.`, into);
    else throw unknownKey(key, into.place(property.offset));
  }
}

function unknownKey(key: string, place: string): CrucibleError {
  const near = nearest(key, Object.keys(KEYS));
  return badConfig(`${place}: unknown key ${key}`, near ? `did you mean ${near}?` : "see: crucible config show");
}

function checked(name: string, node: Node, offset: number, placeOf: Collected["place"]): FileValue {
  const key = Object.hasOwn(KEYS, name) ? KEYS[name] : undefined;
  const result = key ? checkValue(key, plainValue(node)) : { ok: false as const, problem: "unknown" };
  const place = placeOf(offset);
  if (!result.ok) throw badConfig(`${place}: ${name}: ${result.problem}`, key?.about ?? "");
  return { value: result.value, place, ...(key?.entries ? { places: placesIn(node, placeOf) } : {}) };
}

/** `file:line` of everything inside a value, by path. */
export function placesIn(node: Node, place: (offset: number) => string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const walk = (value: Node, path: string): void => {
    for (const [index, child] of (value.children ?? []).entries()) {
      const [name, inner] = value.type === "object" ? (child.children ?? []) : [undefined, child];
      const at = [path, value.type === "object" ? String(name?.value) : String(index)].filter(Boolean).join(".");
      found.set(at, place(child.offset));
      if (inner) walk(inner, at);
    }
  };
  walk(node, "");
  return found;
}
