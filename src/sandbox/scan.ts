/** One look at a root: every file, link and folder in reach of undo; contents are read only where times changed. */
import {
  type BigIntStats,
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from "node:fs";
import { controlPlace } from "../base/control-places.ts";
import { errnoOf } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";
import type { SavedState, UndoStore } from "../core/ports/undo.ts";
import { keptFiles, keptFolders, MAX_IGNORED_TREE, pacer } from "./snapshot.ts";
import { isTemporary } from "./temporary.ts";
import { MAX_FILE_BYTES } from "./verified-open.ts";

const BATCH_BYTES = 8 * 1024 * 1024;
const BATCH_ITEMS = 2000;
/** Share of the store that one look at a root may fill. */
const MOST = 0.8;
/** File times move in steps of some milliseconds: what changed this lately is read again next time. */
const RACY_NS = 50_000_000n;

export interface Seen extends SavedState {
  /** Last change of the entry (nanoseconds since the epoch). */
  readonly ctime: bigint;
}

export interface Scan {
  /** By absolute path. */
  readonly entries: ReadonlyMap<string, Seen>;
  /** Files and folders without contents of large ones: what the user reads as "files". */
  readonly files: number;
  /** What is not covered, each with its reason. */
  readonly dropped: readonly string[];
  /** Those paths; what lies below them is not known either. */
  readonly blind: ReadonlySet<string>;
  /** When the contents of each folder changed last; 0 where that was too lately to be told from now. */
  readonly folders: ReadonlyMap<string, bigint>;
}

export interface Scanning {
  readonly store: Pick<UndoStore, "has" | "put" | "cap">;
  readonly known: ReadonlyMap<string, SavedState>;
  /** Ignored trees that were found to be too large. */
  readonly heavy: Set<string>;
  readonly signal: AbortSignal;
}

interface Found {
  readonly path: string;
  readonly stat: BigIntStats;
}

interface Walk {
  readonly root: string;
  readonly found: Found[];
  readonly dropped: string[];
  readonly blind: Set<string>;
  readonly heavy: Set<string>;
}

export async function scanRoot(root: string, how: Scanning): Promise<Scan> {
  const walk: Walk = { root, found: [], dropped: [], blind: new Set(), heavy: how.heavy };
  const now = BigInt(Date.now()) * 1_000_000n;
  await walkTree(walk, how.signal);
  refuseHuge(walk, how.store.cap * MOST);
  const entries = await describe(walk, how, now);
  let files = 0;
  for (const { entry } of entries.values()) if (!entry.startsWith("d ")) files++;
  return { entries, files, dropped: walk.dropped, blind: walk.blind, folders: foldersOf(walk, now) };
}

/** With the root, whose own entry is nobody's. */
function foldersOf({ root, found }: Walk, now: bigint): Map<string, bigint> {
  const folders = new Map<string, bigint>();
  const own = lstatSync(root, { bigint: true, throwIfNoEntry: false });
  for (const { path, stat } of own ? [{ path: root, stat: own }, ...found] : found)
    if (stat.isDirectory()) folders.set(path, now - stat.ctimeNs > RACY_NS ? stat.ctimeNs : 0n);
  return folders;
}

/** True when nothing at all changed since `last`: times of every file and folder are as they were. */
export async function isSame(
  { folders }: Pick<Scan, "folders">,
  known: ReadonlyMap<string, SavedState>,
  signal: AbortSignal,
): Promise<boolean> {
  const pace = pacer(signal);
  for (const [path, ctime] of folders) {
    if (pace.due()) await pace.rest();
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (!stat?.isDirectory() || stat.ctimeNs !== ctime) return false;
  }
  for (const [path, { stamp }] of known) {
    if (stamp.startsWith("d")) continue;
    if (pace.due()) await pace.rest();
    const stat = stamp === "" ? undefined : lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (!stat || stampOf(stat) !== stamp) return false;
  }
  return true;
}

/** What would fill the store alone is not covered at all. */
function refuseHuge(walk: Walk, most: number): void {
  const size = walk.found.reduce(
    (sum, { stat }) => (stat.isFile() && stat.size <= MAX_FILE_BYTES ? sum + Number(stat.size) : sum),
    0,
  );
  if (size <= most) return;
  walk.found.length = 0;
  walk.blind.add(walk.root);
  walk.dropped.push(`${walk.root} (its files are more than undo.maxMegabytes holds)`);
}

async function walkTree(walk: Walk, signal: AbortSignal): Promise<void> {
  const { root } = walk;
  const kept = keptFolders(root, await keptFiles(root, signal));
  const queue = [root];
  const pace = pacer(signal);
  for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
    if (pace.due()) await pace.rest();
    if (!kept.has(folder)) {
      collectIgnored(walk, folder);
      continue;
    }
    if (folder !== root) add(folder, walk.found);
    for (const path of below(walk, folder, queue)) add(path, walk.found);
  }
}

/** Paths of files in `folder`; its folders go to `queue`. Nothing of git's and nothing that steers this program. */
function below({ root, blind, dropped }: Walk, folder: string, queue: string[]): string[] {
  const paths: string[] = [];
  const entries = namesIn(folder);
  if (!entries) {
    blind.add(folder);
    dropped.push(`${folder}/ (unreadable)`);
  }
  for (const entry of entries ?? []) {
    const { name } = entry;
    if (name === ".git" || (name.startsWith(".") && controlPlace(`${folder}/${name}`.slice(root.length)) !== undefined))
      continue;
    const path = `${folder}/${name}`;
    if (entry.isDirectory()) queue.push(path);
    else if (!isTemporary(name)) paths.push(path);
  }
  return paths;
}

/** Undefined for a folder that is there and closed to us. */
function namesIn(folder: string): Dirent[] | undefined {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    return errnoOf(error) === "EACCES" ? undefined : [];
  }
}

/** A tree without a single kept file: taken whole up to 50 MiB, else named as not covered. */
function collectIgnored(walk: Walk, tree: string): void {
  const { heavy } = walk;
  const inside: Found[] = [];
  const queue = [tree];
  let size = 0;
  while (queue.length > 0 && !heavy.has(tree)) {
    const folder = queue.pop() ?? tree;
    add(folder, inside);
    for (const path of below(walk, folder, queue)) size += Number(add(path, inside)?.size ?? 0n);
    if (size > MAX_IGNORED_TREE) heavy.add(tree);
  }
  if (!heavy.has(tree)) for (const file of inside) walk.found.push(file);
  else {
    walk.blind.add(tree);
    walk.dropped.push(`${tree}/ (ignored, more than 50 MiB)`);
  }
}

function add(path: string, found: Found[]): BigIntStats | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat && (stat.isFile() || stat.isSymbolicLink() || stat.isDirectory())) found.push({ path, stat });
  return stat;
}

/** `now`: before the walk began. */
async function describe(walk: Walk, how: Scanning, now: bigint): Promise<Map<string, Seen>> {
  const entries = new Map<string, Seen>();
  const pace = pacer(how.signal);
  const batch = contentBatch(how.store);
  for (const { path, stat } of walk.found) {
    if (pace.due()) await pace.rest();
    const stamp = stampOf(stat);
    const before = how.known.get(path);
    const entry = before && before.stamp === stamp ? before.entry : entryOf(path, stat, batch.add);
    if (typeof entry !== "string") {
      walk.blind.add(path);
      walk.dropped.push(`${path} (${entry.problem})`);
    } else entries.set(path, { entry, stamp: now - stat.ctimeNs > RACY_NS ? stamp : "", ctime: stat.ctimeNs });
  }
  batch.flush();
  return entries;
}

function stampOf(stat: BigIntStats): string {
  if (stat.isDirectory()) return `d${stat.ino}:${stat.mode}`;
  return `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}

const octal = (mode: bigint) => (mode & 0o7777n).toString(8);

function entryOf(
  path: string,
  stat: BigIntStats,
  keep: (hash: string, bytes: Uint8Array) => void,
): string | { readonly problem: string } {
  if (stat.isDirectory()) return `d ${octal(stat.mode)}`;
  if (stat.size > MAX_FILE_BYTES) return { problem: "more than 20 MiB" };
  if (stat.isSymbolicLink()) {
    const target = linkTarget(path);
    return target === undefined ? { problem: "unreadable" } : `l ${target}`;
  }
  const bytes = readPlain(path, stat);
  if (!bytes) return { problem: "unreadable" };
  const hash = sha256(bytes);
  keep(hash, bytes);
  return `f ${octal(stat.mode)} ${hash}`;
}

/** What stands at one path now; null: nothing. Undefined: something that undo does not cover. */
export function entryAt(path: string): { readonly entry: string; readonly bytes?: Uint8Array } | null | undefined {
  let stat: BigIntStats | undefined;
  try {
    stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    // Below a file, or a name that is too long.
    return null;
  }
  if (!stat) return null;
  if (!stat.isFile() && !stat.isSymbolicLink() && !stat.isDirectory()) return undefined;
  let bytes: Uint8Array | undefined;
  const entry = entryOf(path, stat, (_hash, content) => {
    bytes = content;
  });
  return typeof entry === "string" ? { entry, ...(bytes ? { bytes } : {}) } : undefined;
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The content of the very file that was looked at, or undefined. */
function readPlain(path: string, stat: BigIntStats): Uint8Array | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    return fstatSync(fd, { bigint: true }).ino === stat.ino ? readFileSync(fd) : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Collects new contents and stores them many at a time. */
function contentBatch(store: Scanning["store"]) {
  let items = new Map<string, Uint8Array>();
  let size = 0;
  const flush = () => {
    const full = items;
    items = new Map();
    size = 0;
    if (full.size > 0) store.put(full);
  };
  const add = (hash: string, bytes: Uint8Array) => {
    if (items.has(hash) || store.has(hash)) return;
    items.set(hash, bytes);
    size += bytes.length;
    if (size >= BATCH_BYTES || items.size >= BATCH_ITEMS) flush();
  };
  return { add, flush };
}
