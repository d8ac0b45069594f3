/** Path facts: where a path really leads, seen as commands see it (`/tmp` is private, the workspace may be a copy). */
import { lstatSync, readlinkSync, realpathSync, type Stats } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { CrucibleError, errnoOf } from "../base/error.ts";
import type { PathFact, PathFacts } from "../core/ports/sandbox.ts";
import { readShort } from "./short-file.ts";

const MAX_LINKS = 40;
/** Longest text that is compared (characters). */
const MAX_TEXT = 1024 * 1024;

/** `view` is the path that tools and commands use, `host` where the folder really lies. */
export interface TmpPlace {
  readonly view: string;
  readonly host: string;
}

/** Path facts plus the translation between what is shown and what is opened. */
export interface PathView extends PathFacts {
  readonly workspace: string;
  readonly tmp: TmpPlace;
  /** Roots that commands may change, as shown: not `/tmp`, and of a copy not what it shares. */
  readonly own: readonly string[];
  /** True for what a copy shows of the real workspace: nothing there is changed. */
  isShared(shown: string): boolean;
  /** The path to open for a resolved path as shown. */
  host(shown: string): string;
  /** The path as shown for a path that was really opened. */
  shown(host: string): string;
}

/** A copy that stands for the workspace. */
export interface CopyPlace {
  /** The folder with the copied files. */
  readonly files: string;
  /** What is not copied but shown as it is, for reading only: below the workspace or added folders. */
  readonly shared: readonly string[];
}

/** True when `path` is `root` or lies below it, by segment. */
export function contains(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith("/") ? root : `${root}/`);
}

/**
 * `workspace` and `addDirs` are resolved once; each look then costs one `realpath` and one `lstat`.
 * A path that cannot be resolved (loop, no permission) has no root.
 */
export function pathView(options: {
  workspace: string;
  /** Folder below the workspace at which relative paths start. */
  cwd?: string | undefined;
  addDirs: readonly string[];
  home: string;
  tmp: TmpPlace;
  copy?: CopyPlace | undefined;
}): PathView {
  const { home, tmp, copy } = options;
  const workspace = realOrPlain(options.workspace);
  const real = [workspace, ...options.addDirs.map(realOrPlain)];
  const roots = [...real, tmp.view];

  // An added folder may hold the workspace itself: that is the copy's all the same.
  const shared = new Set(copy?.shared);
  const isShared = (path: string) => {
    for (let at = path; shared.size > 0 && at !== ""; at = at.slice(0, at.lastIndexOf("/")))
      if (shared.has(at) && !(contains(at, workspace) && contains(workspace, path))) return true;
    return shared.has("/") && !contains(workspace, path);
  };
  const isCopied = (path: string) => copy !== undefined && contains(workspace, path) && !isShared(path);
  const isPrivate = (path: string) =>
    tmp.view !== tmp.host && contains(tmp.view, path) && !real.some((root) => contains(root, path));
  const host = (shown: string) => {
    if (copy && isCopied(shown)) return copy.files + shown.slice(workspace.length);
    return isPrivate(shown) ? tmp.host + shown.slice(tmp.view.length) : shown;
  };
  const shown = (path: string) => {
    if (copy && contains(copy.files, path)) return workspace + path.slice(copy.files.length);
    return contains(tmp.host, path) ? tmp.view + path.slice(tmp.host.length) : path;
  };
  // The system knows nothing of a copy: every path is followed step by step.
  const isMoved = (path: string) => copy !== undefined || isPrivate(path);

  const expand = (path: string, cwd: string) => {
    if (path === "~") return home;
    return resolve(cwd, path.startsWith("~/") ? join(home, path.slice(2)) : path);
  };

  const start = options.cwd === undefined ? workspace : realOrPlain(options.cwd);
  const look = (path: string, cwd: string = start): PathFact => {
    if (path.includes("\0")) throw new CrucibleError("bad-input", "the path holds a NUL character");
    const absolute = expand(path, cwd);
    const resolved = resolveLinks(absolute, host, isMoved);
    if (resolved === undefined) return { absolute, resolved: absolute, exists: true, kind: "other", links: 1 };
    const stat = lstat(host(resolved));
    const root = roots.find((candidate) => contains(candidate, resolved));
    const fact = { absolute, resolved, exists: stat !== undefined, kind: kindOf(stat), links: linksOf(stat) };
    return root === undefined ? fact : { ...fact, root };
  };
  const text = (path: string, cwd?: string): string | undefined => {
    const fact = look(path, cwd);
    if (fact.root === undefined || fact.kind !== "file") return undefined;
    try {
      const content = readShort(host(fact.resolved));
      return content.length <= MAX_TEXT ? content : undefined;
    } catch {
      // Not readable is the same as not there: this text is only compared and shown.
      return undefined;
    }
  };
  const own = real.filter((root) => !isShared(root));
  return { roots, own, home, cwd: start, workspace, tmp, host, shown, isShared, look, text };
}

/** A root that is not there (a policy asked about another machine) is taken as it is written. */
function realOrPlain(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return resolve(path);
    throw error;
  }
}

function kindOf(stat: Stats | undefined): PathFact["kind"] {
  if (!stat) return "missing";
  if (stat.isFile()) return "file";
  return stat.isDirectory() ? "directory" : "other";
}

function linksOf(stat: Stats | undefined): number {
  return stat?.isFile() ? stat.nlink : 1;
}

function lstat(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function resolveLinks(
  absolute: string,
  host: (path: string) => string,
  isMoved: (path: string) => boolean,
): string | undefined {
  if (isMoved(absolute)) return walk(absolute, host);
  try {
    const real = realpathSync.native(absolute);
    return isMoved(real) ? walk(absolute, host) : real;
  } catch (error) {
    const code = errnoOf(error);
    return code === "ENOENT" || code === "ENOTDIR" ? walk(absolute, host) : undefined;
  }
}

/** Follows links segment by segment; the first missing segment ends the walk and the tail stands as it is. */
function walk(absolute: string, host: (path: string) => string): string | undefined {
  let pending = absolute.split("/");
  let done = "/";
  let links = 0;
  while (pending.length > 0) {
    const [name = "", ...rest] = pending;
    pending = rest;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      done = dirname(done);
      continue;
    }
    const next = join(done, name);
    const stat = lstat(host(next));
    if (!stat) return join(next, ...pending);
    if (!stat.isSymbolicLink()) {
      done = next;
      continue;
    }
    if (++links > MAX_LINKS) return undefined;
    const target = readlinkSync(host(next));
    if (target.startsWith("/")) done = "/";
    pending = [...target.split("/"), ...pending];
  }
  return done;
}
