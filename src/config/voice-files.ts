/** Finds the files that describe voices: the package's, the person's, and those of a project that the person trusts. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { CrucibleError, errnoOf } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";
import type { Places } from "./places.ts";
import { workspaceTrust } from "./trust.ts";

export interface VoiceFile {
  readonly file: string;
  readonly origin: "built-in" | "user" | "project";
  readonly text: string;
}

export interface VoiceFolders {
  readonly places: Places;
  readonly workspace: string;
  /** The folder of the voices that come with the program. */
  readonly builtIn: string;
  /** No files of the project. */
  readonly bare?: boolean;
}

const MAX_BYTES = 64 * 1024;
const PROJECT = ".codecrucible/voices";

/** All of them, the package's first; `notes` tells of project files that are left alone. Throws `bad-config`. */
export function readVoiceFiles({ places, workspace, builtIn, bare = false }: VoiceFolders): {
  readonly files: readonly VoiceFile[];
  readonly notes: readonly string[];
} {
  const files: VoiceFile[] = [
    ...read(builtIn).map((found) => ({ ...found, origin: "built-in" as const })),
    ...read(join(places.config, "voices")).map((found) => ({ ...found, origin: "user" as const })),
  ];
  if (bare) return { files, notes: [] };
  const trust = workspaceTrust(places, workspace, () => 0);
  const notes: string[] = [];
  for (const name of namesIn(join(workspace, PROJECT))) {
    const path = `${PROJECT}/${name}`;
    const bytes = trustedBytes(join(workspace, path), (hash) => trust.holds(path, hash));
    if (bytes) files.push({ file: path, text: bytes.toString("utf8"), origin: "project" });
    else notes.push(`${path} is ignored until you trust it: crucible trust`);
  }
  return { files, notes };
}

function read(folder: string): { file: string; text: string }[] {
  return namesIn(folder).map((name) => {
    const file = join(folder, name);
    return { file, text: bytesOf(file).toString("utf8") };
  });
}

/** Markdown files of a folder in the order of their names; an absent folder has none. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".md"))
      .sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return [];
    throw unreadable(folder, error);
  }
}

function bytesOf(file: string): Buffer {
  try {
    const stat = statSync(file);
    if (!stat.isFile() || stat.size > MAX_BYTES) throw new Error("it is no plain file of at most 64 KiB");
    return readFileSync(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** What cannot be read cannot be trusted either: a project that nobody trusts stops nothing. */
function trustedBytes(file: string, holds: (hash: string) => boolean): Buffer | undefined {
  try {
    const bytes = bytesOf(file);
    return holds(sha256(bytes)) ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function unreadable(path: string, cause: unknown): CrucibleError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CrucibleError("bad-config", `${path} cannot be read: ${why}`, {
    hint: "mend the file or its permissions",
    cause,
  });
}
