/** Decides what of a workspace a throw-away copy holds itself and what it shares with the workspace. */
import { type BigIntStats, lstatSync } from "node:fs";
import { contains } from "./paths.ts";
import { entriesOf, keptFiles, keptFolders, MAX_IGNORED_TREE, pacer } from "./snapshot.ts";
import { isTemporary } from "./temporary.ts";

/** Each shared folder is a mount, and each mount makes all others slower. */
const MAX_HISTORIES = 60;

export interface PlannedEntry {
  /** Relative to the workspace. */
  readonly path: string;
  readonly kind: "folder" | "file" | "link";
  /** No ignore file names it: it can be in a difference. */
  readonly kept: boolean;
}

export interface CopyPlan {
  /** Folders stand before what is in them. */
  readonly entries: readonly PlannedEntry[];
  /** Histories, and ignored files and trees beyond 50 MiB in all, relative to the workspace. */
  readonly shared: readonly { readonly path: string; readonly folder: boolean }[];
}

interface Ignored {
  readonly path: string;
  readonly entries: readonly PlannedEntry[];
  readonly size: number;
}

/** `skip` is a folder that is left out wherever it lies. */
export async function planCopy(workspace: string, skip: string, signal: AbortSignal): Promise<CopyPlan> {
  const names = new Set(await keptFiles(workspace, signal));
  const folders = keptFolders(workspace, names);
  const entries: PlannedEntry[] = [];
  const shared: { path: string; folder: boolean }[] = [];
  const ignored: Ignored[] = [];
  const pace = pacer(signal);
  const place = (path: string, entry: Kinds) => {
    const below = path.slice(workspace.length + 1);
    if (entry.name === ".git" && !entry.isSymbolicLink()) {
      if (shared.length < MAX_HISTORIES) shared.push({ path: below, folder: entry.isDirectory() });
    } else if (entry.isDirectory()) {
      if (folders.has(path)) return queue.push(path);
      if (!contains(path, skip)) ignored.push(measure(workspace, below));
    } else if (entry.isSymbolicLink()) entries.push({ path: below, kind: "link", kept: true });
    else if (names.has(below)) entries.push({ path: below, kind: "file", kept: true });
    else if (entry.isFile() && !isTemporary(entry.name)) ignored.push(ignoredFile(workspace, below));
    return undefined;
  };
  const queue = [workspace];
  for (let at = 0; at < queue.length; at++) {
    const folder = queue[at] ?? workspace;
    if (pace.due()) await pace.rest();
    if (folder === skip) continue;
    if (folder !== workspace) entries.push({ path: folder.slice(workspace.length + 1), kind: "folder", kept: true });
    for (const entry of entriesOf(folder)) place(`${folder}/${entry.name}`, entry);
  }
  share(ignored, entries, shared);
  return { entries, shared };
}

type Kinds = ReturnType<typeof entriesOf>[number];

/** The smallest are copied; what does not fit into 50 MiB any more is shared. */
function share(
  ignored: readonly Ignored[],
  entries: PlannedEntry[],
  shared: { path: string; folder: boolean }[],
): void {
  let room = MAX_IGNORED_TREE;
  for (const tree of ignored.toSorted((a, b) => a.size - b.size)) {
    room -= tree.size;
    if (room < 0) shared.push({ path: tree.path, folder: tree.entries[0]?.kind === "folder" });
    else for (const entry of tree.entries) entries.push(entry);
  }
}

function ignoredFile(workspace: string, path: string): Ignored {
  return { path, entries: [{ path, kind: "file", kept: false }], size: sizeOf(`${workspace}/${path}`) };
}

/** Stops counting where the tree is too large anyway. */
function measure(workspace: string, tree: string): Ignored {
  const entries: PlannedEntry[] = [];
  let size = 0;
  const queue = [tree];
  for (let at = 0; at < queue.length && size <= MAX_IGNORED_TREE; at++) {
    const folder = queue[at] ?? tree;
    entries.push({ path: folder, kind: "folder", kept: false });
    for (const entry of entriesOf(`${workspace}/${folder}`)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) queue.push(path);
      else if (entry.isSymbolicLink()) entries.push({ path, kind: "link", kept: false });
      else if (entry.isFile() && !isTemporary(entry.name)) {
        entries.push({ path, kind: "file", kept: false });
        size += sizeOf(`${workspace}/${path}`);
      }
    }
  }
  return { path: tree, entries, size };
}

function sizeOf(path: string): number {
  const stat: BigIntStats | undefined = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return Number(stat?.size ?? 0n);
}
