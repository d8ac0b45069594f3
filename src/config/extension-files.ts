/** Finds the files of skills, commands and agents: the person's own, and exactly those of a project that the person trusts. */
import { type Dirent, lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { CrucibleError } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";
import { plural } from "../base/text.ts";
import type { ExtensionKind, ExtensionOrigin } from "../core/ports/extensions.ts";
import { type ExtensionFolder, type ExtensionGround, extensionFolders } from "./extension-places.ts";
import { type Trust, workspaceTrust } from "./trust.ts";

export interface ExtensionFile {
  readonly kind: ExtensionKind;
  readonly name: string;
  readonly file: string;
  readonly folder: string;
  readonly origin: ExtensionOrigin;
  readonly text: string;
}

const MAX_BYTES = 64 * 1024;
/** Files of one kind in one place, and how deep folders go. */
const MOST = 200;
const DEPTH = 4;

export function readExtensionFiles(ground: ExtensionGround): {
  readonly files: readonly ExtensionFile[];
  readonly notes: readonly string[];
} {
  const trust = workspaceTrust(ground.places, ground.workspace, () => 0);
  const files: ExtensionFile[] = [];
  let untrusted = 0;
  for (const place of extensionFolders(ground)) {
    for (const full of filesOf(place)) {
      const bytes = bytesOf(full);
      if (!bytes) continue;
      const inside = relative(place.folder, full).split(sep).join("/");
      const path = place.path === undefined ? full : `${place.path}/${inside}`;
      if (place.path !== undefined && !trust.holds(path, sha256(bytes))) untrusted++;
      else files.push(found(place, { full, inside, path, text: bytes.toString("utf8") }));
    }
  }
  const note = `${plural(untrusted, "skill, command or agent file")} of this folder ignored until you trust it: crucible trust`;
  return { files, notes: untrusted === 0 ? [] : [note] };
}

interface Found {
  readonly full: string;
  readonly inside: string;
  readonly path: string;
  readonly text: string;
}

function found({ kind, origin }: ExtensionFolder, { full, inside, path, text }: Found): ExtensionFile {
  const name = kind === "skill" ? basename(dirname(full)) : inside.replace(/\.md$/, "").replaceAll("/", ":");
  return { kind, origin, file: path, folder: dirname(full), name, text };
}

/** SKILL.md of each folder, or every Markdown file, in the order of their names. */
function filesOf({ kind, folder }: ExtensionFolder): readonly string[] {
  if (kind === "skill") return entriesOf(folder).map(({ name }) => join(folder, name, "SKILL.md"));
  const files: string[] = [];
  const walk = (at: string, depth: number) => {
    for (const entry of entriesOf(at)) {
      const full = join(at, entry.name);
      if (entry.isDirectory() && depth < DEPTH) walk(full, depth + 1);
      else if (entry.isFile() && entry.name.endsWith(".md")) files.push(full);
    }
  };
  walk(folder, 1);
  return files.slice(0, MOST);
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith("."))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .slice(0, MOST);
  } catch {
    return [];
  }
}

function bytesOf(file: string): Buffer | undefined {
  try {
    const stat = lstatSync(file);
    return stat.isFile() && stat.size <= MAX_BYTES ? readFileSync(file) : undefined;
  } catch {
    return undefined;
  }
}

const MOST_FILES = 50;

/** Names of the files beside a SKILL.md, relative to its folder. */
export function skillFiles(folder: string): readonly string[] {
  const names: string[] = [];
  const walk = (at: string, depth: number) => {
    for (const entry of entriesOf(at)) {
      const full = join(at, entry.name);
      if (entry.isDirectory() && depth < DEPTH) walk(full, depth + 1);
      else if (entry.isFile() && full !== join(folder, "SKILL.md")) names.push(relative(folder, full));
    }
  };
  walk(folder, 1);
  return names.slice(0, MOST_FILES);
}

/** A text file beside a SKILL.md; of a project only with the bytes that are trusted. Throws `file-missing`, `denied`. */
export function skillFile(
  { folder, file, origin }: Pick<ExtensionFile, "folder" | "file" | "origin">,
  name: string,
  ground: ExtensionGround,
): string {
  const full = join(folder, name);
  const missing = new CrucibleError("file-missing", `the skill has no file ${name}`, {
    hint: "load the skill without `file`: it lists its files",
  });
  const bytes = bytesOf(full);
  if (!bytes || !realpathSync(full).startsWith(realpathSync(folder) + sep)) throw missing;
  const trust: Trust = workspaceTrust(ground.places, ground.workspace, () => 0);
  const path = `${dirname(file)}/${relative(folder, full).split(sep).join("/")}`;
  if (origin === "project" && !trust.holds(path, sha256(bytes)))
    throw new CrucibleError("denied", `${path} is not trusted`, { hint: "crucible trust" });
  return bytes.toString("utf8");
}
