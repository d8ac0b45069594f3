/** Repositories in and around the roots: which of their files steer git, and which of those commands may not touch. */
import { chownSync, lstatSync, mkdirSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Owner } from "./options.ts";
import { contains } from "./paths.ts";
import { readShort } from "./short-file.ts";
import type { Tree } from "./tree-scan.ts";

/** One folder of git's own: `.git`, a bare repository, a submodule's or a linked worktree's part of one. */
export interface GitFolder {
  readonly path: string;
  /** A linked worktree's folder: it has links to its common folder and its files, which git itself may remove. */
  readonly worktree: boolean;
}

export interface Repositories {
  /** Folders of git that lie outside the roots and must be shown. */
  readonly common: readonly string[];
  /** Bound on themselves so that they cannot be renamed away. */
  readonly pinned: readonly string[];
  readonly folders: readonly GitFolder[];
  /** What commands may not write. */
  readonly readOnly: readonly string[];
}

/** What leads git to other configuration, hooks or objects (gitrepository-layout(5)). */
export const STEERING = ["config", "config.worktree", "hooks", "info", "commondir", "objects/info/alternates"] as const;
/** Of a linked worktree git must be able to remove the links: they are put back after a command instead. */
const OF_WORKTREE = ["config", "config.worktree", "hooks", "info"];

/** Each mount makes all others slower: of so many repositories the rest are shut whole, with one mount each. */
const MAX_SHUT = 60;

export function findRepositories(roots: readonly string[], tree: Pick<Tree, "controls" | "bare">): Repositories {
  const common: string[] = [];
  const pinned: string[] = [];
  const folders = tree.bare.flatMap(gitFoldersIn);
  const readOnly: string[] = [];
  const whole = (path: string) => pinned.length >= MAX_SHUT && !roots.includes(dirname(path));
  const shut: string[] = [];
  for (const dot of tree.controls.filter((path) => basename(path) === ".git")) {
    const stat = lstatSync(dot, { throwIfNoEntry: false });
    const real = stat?.isSymbolicLink() ? linkedFolder(dot, roots) : stat?.isDirectory() ? dot : undefined;
    if (real !== undefined) {
      (whole(real) ? shut : pinned).push(real);
      folders.push(...gitFoldersIn(real));
    }
    if (!stat?.isFile() || !roots.includes(dirname(dot))) continue;
    readOnly.push(dot);
    const linked = linkedWorktree(dirname(dot), dot);
    if (linked === undefined) continue;
    pinned.push(dirname(linked.own), linked.own);
    if (!roots.some((root) => contains(root, linked.common))) common.push(linked.common);
    folders.push(...gitFoldersIn(linked.common));
    readOnly.push(...["commondir", "gitdir"].map((name) => join(linked.own, name)));
  }
  const unique = [...new Map(folders.map((folder) => [folder.path, folder])).values()];
  shut.push(...tree.bare.slice(MAX_SHUT).filter((path) => !roots.includes(path)));
  readOnly.push(...shut);
  for (const folder of unique) {
    if (inside(shut, folder.path)) continue;
    pinned.push(...moduleParents(folder.path));
    readOnly.push(...steeringFiles(folder, roots));
  }
  const once = (paths: readonly string[]) => [...new Set(paths)];
  return { common: once(common), pinned: once(pinned), folders: unique, readOnly: once(readOnly) };
}

/** Missing `hooks` and `info` of a root's repository are made (empty): what does not exist cannot be bound read-only. */
export function makeGuardable(roots: readonly string[], owner: Owner | undefined): void {
  for (const root of roots) {
    const git = commonGit(root);
    if (git === undefined) continue;
    for (const name of ["hooks", "info"]) {
      if (lstatSync(join(git, name), { throwIfNoEntry: false })) continue;
      mkdirSync(join(git, name));
      if (owner) chownSync(join(git, name), owner.uid, owner.gid);
    }
  }
}

/** The folder of git that all checkouts of a repository share, of the checkout at `root`; undefined when it is none. */
export function commonGit(root: string): string | undefined {
  const dot = join(root, ".git");
  const stat = lstatSync(dot, { throwIfNoEntry: false });
  return stat?.isDirectory() ? realOf(dot) : stat?.isFile() ? linkedWorktree(root, dot)?.common : undefined;
}

/** `git` itself and, at any depth, the folders of its submodules and linked worktrees. */
export function gitFoldersIn(git: string): GitFolder[] {
  const worktrees = children(join(git, "worktrees")).map((path) => ({ path, worktree: true }));
  return [{ path: git, worktree: false }, ...worktrees, ...modulesIn(join(git, "modules"))];
}

/** A submodule's name may hold slashes: every folder with a HEAD is one. */
function modulesIn(folder: string): GitFolder[] {
  return children(folder).flatMap((path) => {
    const isOne = lstatSync(join(path, "HEAD"), { throwIfNoEntry: false }) !== undefined;
    return isOne ? gitFoldersIn(path) : modulesIn(path);
  });
}

/** Folders between a git folder and its submodules', they and `worktrees`: another in their place would lead elsewhere. */
function moduleParents(git: string): string[] {
  const modules = join(git, "modules");
  const paths = modulesIn(modules).flatMap(({ path }) => {
    const parts = path.slice(modules.length).split("/");
    return parts.map((_part, index) => modules + parts.slice(0, index + 1).join("/"));
  });
  const worktrees = join(git, "worktrees");
  return children(worktrees).length > 0 ? [...paths, worktrees] : paths;
}

/** Real folders in a real folder: links are never followed. */
function children(folder: string): string[] {
  try {
    if (!lstatSync(folder).isDirectory()) return [];
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name));
  } catch {
    return [];
  }
}

/** Existing files and folders; of a link what it leads to, when that lies in a root. */
function steeringFiles(folder: GitFolder, roots: readonly string[]): string[] {
  const names = folder.worktree ? OF_WORKTREE : STEERING;
  const own = names.map((name) => join(folder.path, name));
  return [...own, ...includedFiles(folder.path)].flatMap((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() || stat?.isDirectory()) return own.includes(path) || inside(roots, path) ? [path] : [];
    const real = stat?.isSymbolicLink() ? realOf(path) : undefined;
    return real !== undefined && inside(roots, real) ? [real] : [];
  });
}

/** Files that a repository's config takes in (git-config(1), Includes), existing or not. */
export function includedFiles(git: string): string[] {
  try {
    const text = readShort(join(git, "config"));
    if (!/^\s*\[include/im.test(text)) return [];
    return [...text.matchAll(/^\s*path\s*=\s*"?([^"\n]+?)"?\s*$/gim)].map((found) => resolve(git, found[1] ?? ""));
  } catch {
    return [];
  }
}

export function inside(roots: readonly string[], path: string): boolean {
  return roots.some((root) => contains(root, path));
}

function linkedFolder(path: string, roots: readonly string[]): string | undefined {
  const real = realOf(path);
  return real !== undefined && inside(roots, real) && statSync(real).isDirectory() ? real : undefined;
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

/** The folder that a `.git` file names. */
export function namedFolder(dot: string): string | undefined {
  try {
    const named = /^gitdir: (.+)$/m.exec(readShort(dot))?.[1]?.trim();
    return named === undefined ? undefined : realpathSync.native(resolve(dirname(dot), named));
  } catch {
    return undefined;
  }
}

/**
 * A linked worktree's own and common folder (gitrepository-layout(5)). The `.git` file may say anything, so the
 * folder it names must point back to this very file.
 */
function linkedWorktree(root: string, dot: string): { own: string; common: string } | undefined {
  try {
    const own = namedFolder(dot);
    if (own === undefined) return undefined;
    const back = resolve(own, readShort(join(own, "gitdir")).trim());
    if (realpathSync.native(back) !== realpathSync.native(join(root, ".git"))) return undefined;
    const common = realpathSync.native(resolve(own, readShort(join(own, "commondir")).trim()));
    const whole = statSync(join(common, "objects")).isDirectory() && statSync(join(common, "HEAD")).isFile();
    return whole && dirname(dirname(own)) === common ? { own, common } : undefined;
  } catch {
    return undefined;
  }
}
