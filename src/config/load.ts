/** One configuration from all layers, with the origin of every value; the only reader of the process environment. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { CrucibleError } from "../base/error.ts";
import { nearest } from "../base/text.ts";
import { unwritable } from "../base/unwritable.ts";
import { type Key, parseValue } from "./key.ts";
import { KEYS } from "./keys.ts";
import { findPlaces, type Places } from "./places.ts";
import { type FileValue, readConfigFile, readProjectFile } from "./read-file.ts";
import { workspaceTrust } from "./trust.ts";

export interface Setting {
  readonly value: unknown;
  /** `default`, `flag --x`, `env X`, or `file:line`. */
  readonly origin: string;
  /** Of a key with `entries`: what each layer says, the uppermost first. */
  readonly layers?: readonly (FileValue & { readonly rank: Rank })[];
}

export type Rank = "managed" | "flag" | "env" | "project" | "user";

export interface Config {
  readonly settings: ReadonlyMap<string, Setting>;
  readonly places: Places;
  /** Lines for the person: project keys that were not used. */
  readonly notes: readonly string[];
  get<T>(key: string): T;
}

/** The process environment without unset entries. Read here, once, and handed on. */
export function readEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}

/** The user's home folder. */
export function homeFolder(env: Readonly<Record<string, string>>): string {
  return env["HOME"] || homedir();
}

interface Layer {
  readonly name: string;
  readonly rank: Rank;
  readonly values: ReadonlyMap<string, FileValue>;
  /** Of a project file: the person trusts exactly what stands in it. */
  readonly trusted?: boolean;
}

export interface LoadOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly workspace: string;
  /** Dotted keys set by flags, with the flag's name. */
  readonly flags: ReadonlyMap<string, FileValue>;
  /** No project files (`--bare`). */
  readonly bare?: boolean;
}

/** Loads managed > flags > environment > project local > project > user > defaults. Throws `bad-config`. */
export async function loadConfig(options: LoadOptions): Promise<Config> {
  const places = findPlaces(options.env, homeFolder(options.env));
  const userFile = options.env["CODECRUCIBLE_CONFIG"] || join(places.config, "config.jsonc");
  const trust = workspaceTrust(places, options.workspace, () => 0);
  const project = async (name: string, file: string): Promise<Layer> => {
    if (options.bare) return { name, rank: "project", values: new Map() };
    const path = `.codecrucible/${file}`;
    return { name, rank: "project", ...(await readProjectFile(join(options.workspace, path), path, trust)) };
  };
  const layers: Layer[] = [
    { name: "managed", rank: "managed", values: await readConfigFile(join(places.managed, "managed.json")) },
    { name: "flags", rank: "flag", values: options.flags },
    { name: "environment", rank: "env", values: fromEnvironment(options.env, variableName) },
    { name: "environment", rank: "env", values: fromEnvironment(options.env, (name) => KEYS[name]?.variable) },
    await project("project local", "config.local.jsonc"),
    await project("project", "config.jsonc"),
    { name: "user", rank: "user", values: await readConfigFile(userFile) },
  ];
  const notes: string[] = [];
  const settings = new Map(Object.entries(KEYS).map(([name, key]) => [name, settle(name, key, layers, notes)]));
  return { settings, places, notes, get: <T>(key: string) => settings.get(key)?.value as T };
}

/** `CODECRUCIBLE_SANDBOX_MODE` for `sandbox.mode`, `CODECRUCIBLE_MODEL` for `model`. */
export function variableName(key: string): string {
  return `CODECRUCIBLE_${key
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .replaceAll(".", "_")
    .toUpperCase()}`;
}

function fromEnvironment(
  env: Readonly<Record<string, string>>,
  variableOf: (name: string) => string | undefined,
): ReadonlyMap<string, FileValue> {
  const values = new Map<string, FileValue>();
  for (const [name, key] of Object.entries(KEYS)) {
    const variable = variableOf(name);
    const text = variable === undefined ? undefined : env[variable];
    if (text === undefined || text === "") continue;
    const parsed = parseValue(key, text);
    if (!parsed.ok) throw new CrucibleError("bad-config", `${variable}: ${parsed.problem}`, { hint: key.about });
    values.set(name, { value: parsed.value, place: `env ${variable}` });
  }
  return values;
}

function settle(name: string, key: Key, layers: readonly Layer[], notes: string[]): Setting {
  const set = layers.flatMap((layer) => {
    const entry = layer.values.get(name);
    return entry ? [{ ...entry, rank: layer.rank, trusted: layer.trusted ?? true }] : [];
  });
  const foreign = set.find((entry) => entry.rank === "project");
  if (foreign && key.scope === "user") {
    throw new CrucibleError("bad-config", `${foreign.place}: ${name} cannot be set by a project`, {
      hint: `set it for yourself: crucible config set ${name} <value>`,
    });
  }
  const untrusted = set.find((entry) => !entry.trusted);
  if (untrusted && key.scope === "any")
    notes.push(`${untrusted.place}: ${name} is ignored until you trust it: crucible trust`);
  const usable = key.scope === "any" ? set.filter((entry) => entry.trusted) : set;
  if (key.entries && usable.length > 0) {
    const value = Object.assign({}, ...usable.map((entry) => entry.value).toReversed()) as unknown;
    return { value, origin: usable.map(({ place }) => place).join(" and "), layers: usable };
  }
  if (key.scope !== "tighten" || !key.tighter) {
    const [first] = usable;
    return first ? { value: first.value, origin: first.place } : { value: key.fallback, origin: "default" };
  }
  const own = usable.filter((entry) => entry.rank !== "project");
  // The person may choose another value than the default, a project only a stricter one than what would hold.
  const silent = own.length > 0 || key.fallback === undefined || Array.isArray(key.fallback);
  const base: Setting[] = silent ? [] : [{ value: key.fallback, origin: "default" }];
  const given = [...own, ...usable.filter((entry) => entry.rank === "project")];
  const all = [...base, ...given.map(({ value, place }) => ({ value, origin: place }))];
  return all.length === 0 ? { value: key.fallback, origin: "default" } : all.reduce((a, b) => stricter(key, a, b));
}

function stricter(key: Key, a: Setting, b: Setting): Setting {
  const value = key.tighter?.(a.value, b.value);
  if (value === a.value) return a;
  return { value, origin: value === b.value ? b.origin : `${a.origin} and ${b.origin}` };
}

/** Sets one key in the user's file, keeping its comments. Throws `usage` for an unknown key or a bad value, `storage`. */
export async function setUserValue(places: Places, name: string, text: string): Promise<string> {
  const key = KEYS[name];
  if (!key) {
    const near = nearest(name, Object.keys(KEYS));
    throw new CrucibleError("usage", `unknown key ${name}`, {
      hint: near ? `did you mean ${near}?` : "see: crucible config show",
    });
  }
  const parsed = parseValue(key, text);
  if (!parsed.ok) throw new CrucibleError("usage", `${name}: ${parsed.problem}`, { hint: key.about });
  const file = join(places.config, "config.jsonc");
  await readConfigFile(file);
  const { applyEdits, modify } = await import("jsonc-parser");
  const old = existsSync(file) ? readFileSync(file, "utf8") : "{}\n";
  const edits = modify(old, name.split("."), parsed.value, { formattingOptions: { insertSpaces: true, tabSize: 2 } });
  replace(file, applyEdits(old, edits));
  return file;
}

/** The new text as a whole, or the old one still. */
function replace(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.new`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, file);
  } catch (error) {
    if (existsSync(temporary)) rmSync(temporary, { force: true });
    throw unwritable(file, error);
  }
}
