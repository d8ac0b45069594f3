/** Walks a root for what the sandbox must know of it; a folder is read again only when its times changed. */
import { type Dirent, lstatSync, readdirSync, realpathSync, type Stats } from "node:fs";
import { controlPlace } from "../base/control-places.ts";
import { isKeyFile, secretIn } from "../base/secret-names.ts";
import { contains } from "./paths.ts";
import { socket, socketsAtop } from "./sockets.ts";
import { isTemporary } from "./temporary.ts";

/** Third-party code: walked last; its key files are test data and public certificates. */
const THIRD_PARTY: ReadonlySet<string> = new Set(["node_modules", "site-packages", ".venv", ".tox", "__pycache__"]);
/** Histories: git's is looked through by `git-places`; only sockets atop are told. */
const CLOSED: ReadonlySet<string> = new Set([".git", ".hg", ".svn"]);
const MAX_FOLDERS = 200_000;
/** File times move in steps of some milliseconds: a folder changed this lately is read again next time. */
const RACY_MS = 50;

export interface SecretFile {
  readonly path: string;
  /** Device and inode: a replaced file needs a new mask. */
  readonly identity: string;
}

export interface Tree {
  readonly secrets: readonly SecretFile[];
  /** Socket files: something outside may listen there. */
  readonly sockets: readonly SecretFile[];
  /** Everything with the name of a control place, at any depth. */
  readonly controls: readonly string[];
  /** Folders that git would take for a repository though they are not called `.git`. */
  readonly bare: readonly string[];
  /** Files that a write of ours may have left behind. */
  readonly temporaries: readonly string[];
  /** Files and folders that a rule of the person forbids to write; none lies in another. */
  readonly held: readonly string[];
}

/** What rules of the person say of absolute paths. */
export interface PathRules {
  /** Not to be read: shown empty, like a secret. */
  hides(path: string): boolean;
  /** Not to be written. */
  holds(path: string): boolean;
}

interface Folder {
  readonly stat: Stats;
  readonly racy: boolean;
  readonly folders: readonly string[];
  readonly late: readonly string[];
  readonly secrets: readonly string[];
  readonly sockets: readonly string[];
  /** Histories. */
  readonly closed: readonly string[];
  readonly controls: readonly string[];
  readonly temporaries: readonly string[];
  readonly held: readonly string[];
  readonly bare: boolean;
}

/** Where files really lie; all paths of a scan are as shown. */
export interface ScanPlaces {
  host(shown: string): string;
  /** Follows every link. Throws when there is no end to them. */
  real(shown: string): string;
}

const AS_SHOWN: ScanPlaces = { host: (path) => path, real: (path) => realpathSync.native(path) };

export interface ScanOptions {
  readonly rules?: PathRules | undefined;
  readonly places?: ScanPlaces;
}

/** A scanner with a memory; each call answers for the tree as it is. Breadth first, at most 200,000 folders. */
export function treeScanner(root: string, skip: string, { rules, places = AS_SHOWN }: ScanOptions = {}): () => Tree {
  let known = new Map<string, Folder>();
  return () => {
    const next = new Map<string, Folder>();
    const tree = {
      secrets: [] as SecretFile[],
      sockets: [] as SecretFile[],
      controls: [] as string[],
      bare: [] as string[],
      temporaries: [] as string[],
      held: [] as string[],
    };
    const visit = (path: string, third: boolean, queue: string[], late: string[]) => {
      if (path === skip || next.size >= MAX_FOLDERS) return;
      const folder = look(root, path, { third, before: known.get(path), rules, places });
      if (!folder) return;
      next.set(path, folder);
      for (const each of folder.folders) queue.push(each);
      for (const each of folder.late) late.push(each);
      for (const each of folder.secrets) tree.secrets.push(...identify(root, each, places));
      for (const each of folder.sockets) tree.sockets.push(...socket(each));
      for (const each of folder.closed) tree.sockets.push(...socketsAtop(each));
      for (const each of folder.controls) tree.controls.push(each);
      for (const each of folder.temporaries) tree.temporaries.push(each);
      for (const each of folder.held) if (!tree.held.some((held) => contains(held, each))) tree.held.push(each);
      if (folder.bare) tree.bare.push(path);
    };
    const queue = [root];
    const late: string[] = [];
    for (let at = 0; at < queue.length; at++) visit(queue[at] ?? root, false, queue, late);
    for (let at = 0; at < late.length; at++) visit(late[at] ?? root, true, late, late);
    known = next;
    return tree;
  };
}

export function mergeTrees(trees: readonly Tree[]): Tree {
  return {
    secrets: trees.flatMap((tree) => tree.secrets),
    sockets: trees.flatMap((tree) => tree.sockets),
    controls: [...new Set(trees.flatMap((tree) => tree.controls))],
    bare: [...new Set(trees.flatMap((tree) => tree.bare))],
    temporaries: trees.flatMap((tree) => tree.temporaries),
    held: trees.flatMap((tree) => tree.held),
  };
}

function look(
  root: string,
  path: string,
  { third, before, rules, places }: ScanOptions & { third: boolean; before: Folder | undefined; places: ScanPlaces },
): Folder | undefined {
  const stat = lstatSync(places.host(path), { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return undefined;
  if (before && !before.racy && sameTimes(before.stat, stat)) return before;
  const racy = Date.now() - stat.ctimeMs < RACY_MS;
  const folders: string[] = [];
  const late: string[] = [];
  const secrets: string[] = [];
  const sockets: string[] = [];
  const closed: string[] = [];
  const controls: string[] = [];
  const temporaries: string[] = [];
  const held: string[] = [];
  const isSecret = secretIn(path.slice(root.length));
  const entries = read(places.host(path));
  for (const entry of entries) {
    const { name } = entry;
    const below = `${path}/${name}`;
    if (controlPlace(name) !== undefined) controls.push(below);
    // A folder is held when a name in it that nobody has thought of would be.
    if (rules?.holds(entry.isDirectory() ? `${below}/\u0001` : below)) held.push(below);
    if (entry.isDirectory()) {
      (CLOSED.has(name.toLowerCase()) ? closed : THIRD_PARTY.has(name) ? late : folders).push(below);
      continue;
    }
    if (entry.isSocket()) sockets.push(below);
    if (isTemporary(name)) temporaries.push(below);
    if (rules?.hides(below) !== true && (!isSecret(name) || (third && isKeyFile(name)))) continue;
    if (entry.isFile() || entry.isSymbolicLink()) secrets.push(below);
  }
  return {
    stat,
    racy,
    folders,
    late,
    secrets,
    sockets,
    closed,
    controls,
    temporaries,
    held,
    bare: isGitFolder(entries.map(({ name }) => name)),
  };
}

/** git's own test (is_git_directory in setup.c): HEAD, and objects and refs here or in a common folder. */
export function isGitFolder(names: readonly string[]): boolean {
  return (
    names.includes("HEAD") && (names.includes("commondir") || (names.includes("objects") && names.includes("refs")))
  );
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
function identify(root: string, path: string, places: ScanPlaces): SecretFile[] {
  try {
    const real = places.real(path);
    const stat = lstatSync(places.host(real));
    return contains(root, real) && stat.isFile() ? [{ path: real, identity: `${stat.dev}:${stat.ino}` }] : [];
  } catch {
    return [];
  }
}
