/** Decides what a throw-away copy does with ignored trees: small ones are copied, of large ones as much is shared as their tools can bear. */
import { type BigIntStats, existsSync, lstatSync } from "node:fs";
import { basename } from "node:path";
import type { PlannedEntry, SharedPlace } from "./copy-plan.ts";
import { entriesOf, MAX_IGNORED_TREE, type pacer } from "./snapshot.ts";
import { isTemporary } from "./temporary.ts";

/** Runners write beside the packages (`.vite-temp`, `.cache`), so the packages are shared one by one. */
const OPENED = "node_modules";
/** Cargo, Maven and sbt lock and rewrite all of it; what it held is made anew. */
const REMADE = "target";
/** The mark of folders whose content a tool makes anew (bford.info/cachedir); Python environments bear it too. */
const [CACHE_MARK, PYTHON_MARK] = ["CACHEDIR.TAG", "pyvenv.cfg"];
/**
 * Each shared place is a mount, and bubblewrap reads the list of all mounts again for each: measured, 200 make a
 * start 70 ms longer, 800 more than 0.5 s, 1,500 1.8 s.
 */
const MAX_PARTS = 200;
/** A hidden folder up to this size is a tool's own: it is copied, so that the tool may go on writing. */
const MAX_TOOL_BYTES = 5 * 1024 * 1024;
/** Hidden folders that start empty when they are larger: their tools fill them again, but cannot do with a read-only one. */
const REFILLED = /^\.(cache|vite)/;

export interface Ignored {
  /** Relative to the workspace. */
  readonly path: string;
  readonly entries: readonly PlannedEntry[];
  readonly size: number;
}

export interface Sharing {
  readonly entries: readonly PlannedEntry[];
  readonly shared: readonly SharedPlace[];
}

interface Room {
  readonly workspace: string;
  readonly pace: ReturnType<typeof pacer>;
}

/** The smallest are copied; what does not fit into 50 MiB any more is shared, opened or starts empty. */
export async function share(room: Room, ignored: readonly Ignored[]): Promise<Sharing> {
  const all: Sharing[] = [];
  let bytes = MAX_IGNORED_TREE;
  let parts = MAX_PARTS;
  for (const tree of ignored.toSorted((a, b) => a.size - b.size)) {
    bytes -= tree.size;
    const sharing = bytes >= 0 ? { entries: tree.entries, shared: [] } : await shareTree(room, tree, parts);
    if (sharing.entries.length > 0) parts -= sharing.shared.length;
    all.push(sharing);
  }
  return { entries: all.flatMap(({ entries }) => entries), shared: all.flatMap(({ shared }) => shared) };
}

async function shareTree(room: Room, { path, entries }: Ignored, parts: number): Promise<Sharing> {
  const folder = entries[0]?.kind === "folder";
  const whole: Sharing = { entries: [], shared: [{ path, folder }] };
  if (!folder) return whole;
  if (basename(path) === OPENED) return (await opened(room, path, parts)) ?? whole;
  const empty: Sharing = { entries: [{ path, kind: "folder", kept: false }], shared: [] };
  return isRemade(`${room.workspace}/${path}`) ? empty : whole;
}

function isRemade(folder: string): boolean {
  if (basename(folder) === REMADE) return true;
  return existsSync(`${folder}/${CACHE_MARK}`) && !existsSync(`${folder}/${PYTHON_MARK}`);
}

/**
 * The folder and its links are the copy's own, and so is what is small of a tool's; the rest is shared, the largest
 * first and at most `parts` of it. Undefined when what is left then is too large to be copied.
 */
async function opened({ workspace, pace }: Room, tree: string, parts: number): Promise<Sharing | undefined> {
  const own: (readonly PlannedEntry[])[] = [[{ path: tree, kind: "folder", kept: false }]];
  const others: SharedPlace[] = [];
  for (const entry of entriesOf(`${workspace}/${tree}`)) {
    const path = `${tree}/${entry.name}`;
    const copied = toolsOwn(workspace, path, entry);
    if (copied) own.push(copied);
    else if (entry.isFile() || entry.isDirectory()) others.push({ path, folder: entry.isDirectory() });
  }
  if (others.length <= parts) return { entries: own.flat(), shared: others };
  const bySize: (Ignored & { readonly place: SharedPlace })[] = [];
  for (const place of others) {
    if (pace.due()) await pace.rest();
    const { path, folder } = place;
    bySize.push({ place, ...(folder ? measure(workspace, path) : ignoredFile(workspace, path)) });
  }
  bySize.sort((a, b) => b.size - a.size);
  const copied = bySize.slice(parts);
  if (copied.reduce((sum, { size }) => sum + size, 0) > MAX_IGNORED_TREE) return undefined;
  return {
    entries: [...own, ...copied.map(({ entries }) => entries)].flat(),
    shared: bySize.slice(0, parts).map(({ place }) => place),
  };
}

/** What is copied of a link, a small file or a small hidden folder; undefined for all others. */
function toolsOwn(
  workspace: string,
  path: string,
  entry: ReturnType<typeof entriesOf>[number],
): readonly PlannedEntry[] | undefined {
  if (isTemporary(entry.name)) return [];
  if (entry.isSymbolicLink()) return [{ path, kind: "link", kept: false }];
  const isFile = entry.isFile();
  if (!isFile && !(entry.isDirectory() && entry.name.startsWith("."))) return undefined;
  const { entries, size } = isFile ? ignoredFile(workspace, path) : measure(workspace, path, MAX_TOOL_BYTES);
  if (size <= MAX_TOOL_BYTES) return entries;
  return !isFile && REFILLED.test(entry.name) ? entries.slice(0, 1) : undefined;
}

export function ignoredFile(workspace: string, path: string): Ignored {
  return { path, entries: [{ path, kind: "file", kept: false }], size: sizeOf(`${workspace}/${path}`) };
}

/** Stops counting where the tree is too large anyway. */
export function measure(workspace: string, tree: string, limit: number = MAX_IGNORED_TREE): Ignored {
  const entries: PlannedEntry[] = [];
  let size = 0;
  const queue = [tree];
  for (let at = 0; at < queue.length && size <= limit; at++) {
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
