/** Finds the files of hooks: the machine owner's, the person's, and a project's with exactly the bytes that are trusted. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../base/hash.ts";
import { type JsonFile, plainValue, readJsonFile } from "./json-file.ts";
import type { Places } from "./places.ts";
import { workspaceTrust } from "./trust.ts";

const PROJECT = ".codecrucible/hooks.json";

export interface HookGround {
  readonly places: Places;
  readonly workspace: string;
  /** Nothing of the project. */
  readonly bare: boolean;
}

export interface HookFile {
  readonly origin: "managed" | "user" | "project";
  readonly file: string;
  readonly value: unknown;
}

function filesOf({ places, workspace, bare }: HookGround) {
  return [
    { origin: "managed" as const, file: join(places.managed, "hooks.json") },
    { origin: "user" as const, file: join(places.config, "hooks.json") },
    ...(bare ? [] : [{ origin: "project" as const, file: join(workspace, PROJECT) }]),
  ];
}

/** True when some file is there: a start without any reads nothing more of hooks. */
export function hasHookFiles(ground: HookGround): boolean {
  return filesOf(ground).some(({ file }) => existsSync(file));
}

/** Their values; what nobody trusts is not even parsed. Throws `bad-config`. */
export async function readHookFiles(ground: HookGround): Promise<{
  readonly files: readonly HookFile[];
  readonly notes: readonly string[];
}> {
  const files: HookFile[] = [];
  const notes: string[] = [];
  for (const { origin, file } of filesOf(ground)) {
    if (!existsSync(file)) continue;
    const json = origin === "project" ? await trustedFile(ground, file) : await readJsonFile(file);
    if (json) files.push({ origin, file, value: json.root ? plainValue(json.root) : {} });
    else notes.push(`${PROJECT} is ignored until you trust it: crucible trust`);
  }
  return { files, notes };
}

const MAX_BYTES = 1024 * 1024;

async function trustedFile({ places, workspace }: HookGround, file: string): Promise<JsonFile | undefined> {
  const trust = workspaceTrust(places, workspace, () => 0);
  const holds = (hash: string) => trust.holds(PROJECT, hash);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size > MAX_BYTES || !holds(sha256(readFileSync(file)))) return undefined;
  const json = await readJsonFile(file);
  return json && holds(json.hash) ? json : undefined;
}
