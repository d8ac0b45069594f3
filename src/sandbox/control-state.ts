/** How the control places stand at one moment: what a sweep compares with, also after a kill (it is plain JSON). */
import { lstatSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { findRepositories, includedFiles, inside, STEERING } from "./git-places.ts";
import { readShort } from "./short-file.ts";
import type { Tree } from "./tree-scan.ts";

export interface Entry {
  readonly kind: "directory" | "file" | "link" | "other";
  /** Device and inode. */
  readonly id: string;
  /** Target of a link; content of a short file that may be put back. */
  readonly text?: string;
}

export interface FolderState {
  readonly path: string;
  readonly id: string;
  readonly worktree: boolean;
  /** By name; absent ones are not there. */
  readonly entries: Readonly<Record<string, Entry>>;
}

export interface ControlState {
  readonly roots: readonly string[];
  /** Entries with the name of a control place, by path. */
  readonly places: Readonly<Record<string, Entry>>;
  readonly folders: readonly FolderState[];
  /** Files that configs take in: device and inode, or empty when missing. */
  readonly included: Readonly<Record<string, string>>;
}

/** Files that are short and may be put back as they were. */
const KEPT: ReadonlySet<string> = new Set(["HEAD", "commondir", "gitdir", ".git"]);
const MAX_KEPT = 4096;

/** What is looked at in one git folder. */
export const WATCHED = [...STEERING.filter((name) => name !== "info"), "gitdir", "HEAD"];

export function controlState(roots: readonly string[], tree: Tree): ControlState {
  const places = tree.controls.flatMap((path) => {
    const entry = entryOf(path);
    return entry ? [[path, entry] as const] : [];
  });
  const folders = findRepositories(roots, tree).folders.flatMap((folder) => folderState(folder.path, folder.worktree));
  const included = folders.flatMap(({ path }) => includedFiles(path).filter((file) => inside(roots, file)));
  return {
    roots,
    places: Object.fromEntries(places),
    folders,
    included: Object.fromEntries(included.map((path) => [path, entryOf(path)?.id ?? ""])),
  };
}

export function folderState(path: string, worktree: boolean): FolderState[] {
  const own = entryOf(path);
  if (own?.kind !== "directory") return [];
  const entries = WATCHED.flatMap((name) => {
    const entry = entryOf(join(path, name));
    return entry ? [[name, entry] as const] : [];
  });
  return [{ path, id: own.id, worktree, entries: Object.fromEntries(entries) }];
}

export function entryOf(path: string): Entry | undefined {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) return undefined;
    const id = `${stat.dev}:${stat.ino}`;
    if (stat.isSymbolicLink()) return { kind: "link", id, text: readlinkSync(path) };
    if (stat.isDirectory()) return { kind: "directory", id };
    if (!stat.isFile()) return { kind: "other", id };
    const kept = KEPT.has(basename(path)) && stat.size <= MAX_KEPT;
    return kept ? { kind: "file", id, text: readShort(path, "latin1") } : { kind: "file", id };
  } catch {
    return undefined;
  }
}
