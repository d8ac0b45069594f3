/** Finds secret-named files below a root; a folder is read again only when its times changed. */
import { type Dirent, lstatSync, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { secretIn } from "../base/secret-names.ts";
import { contains } from "./paths.ts";

/** Third-party code: its keys are test data, not the user's secrets. */
const SKIPPED: ReadonlySet<string> = new Set([
  "node_modules",
  ".git",
  ".hg",
  ".svn",
  "site-packages",
  "__pycache__",
  ".venv",
  ".tox",
]);
const MAX_FOLDERS = 50_000;

interface Folder {
  readonly stat: Stats;
  readonly folders: readonly string[];
  readonly secrets: readonly string[];
}

export interface SecretFile {
  readonly path: string;
  /** Device and inode: a replaced file needs a new mask. */
  readonly identity: string;
}

/** A scanner with a memory; each call answers for the tree as it is. Breadth first, at most 50,000 folders. */
export function secretScanner(root: string): () => readonly SecretFile[] {
  let known = new Map<string, Folder>();
  return () => {
    const next = new Map<string, Folder>();
    const secrets: SecretFile[] = [];
    const queue = [root];
    for (let at = 0; at < queue.length && at < MAX_FOLDERS; at++) {
      const path = queue[at] ?? root;
      const folder = look(root, path, known.get(path));
      if (!folder) continue;
      next.set(path, folder);
      queue.push(...folder.folders);
      for (const secret of folder.secrets) secrets.push(...identify(root, secret));
    }
    known = next;
    return secrets;
  };
}

function look(root: string, path: string, before: Folder | undefined): Folder | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return undefined;
  if (before && sameTimes(before.stat, stat)) return before;
  const entries = read(path);
  const below = (entry: Dirent) => `${path}/${entry.name}`;
  const folders = entries.filter((entry) => entry.isDirectory() && !SKIPPED.has(entry.name)).map(below);
  const isSecret = secretIn(path.slice(root.length));
  const secrets = entries
    .filter((entry) => isSecret(entry.name) && (entry.isFile() || entry.isSymbolicLink()))
    .map(below);
  return { stat, folders, secrets };
}

function sameTimes(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;
}

function read(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** The file itself, or what a link leads to when that lies below the root. */
function identify(root: string, path: string): SecretFile[] {
  try {
    const real = realpathSync.native(path);
    const stat = lstatSync(real);
    return contains(root, real) && stat.isFile() ? [{ path: real, identity: `${stat.dev}:${stat.ino}` }] : [];
  } catch {
    return [];
  }
}
