/** Undo material of commands: what every workspace file was, hashed again only where its times changed. */
import { execFile } from "node:child_process";
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
import { sha256 } from "../base/hash.ts";
import type { Blobs } from "../core/ports/store.ts";
import type { SandboxContext } from "./options.ts";
import { contains } from "./paths.ts";
import { isTemporary } from "./temporary.ts";
import { MAX_FILE_BYTES } from "./verified-open.ts";

export const MAX_IGNORED_TREE = 50 * 1024 * 1024;
const BATCH_BYTES = 8 * 1024 * 1024;
const BATCH_ITEMS = 2000;
const SLICE_MS = 15;
/** File times move in steps of some milliseconds: what changed this lately is hashed again next time. */
const RACY_NS = 50_000_000n;

export interface Snapshot {
  readonly listing: string;
  readonly files: number;
  readonly dropped: readonly string[];
}

/** One line of a listing: a file with mode and content hash, or a link with its target. */
type Entry = readonly [path: string, mode: number, hash: string] | readonly [path: string, link: string];

interface Known {
  readonly stat: BigIntStats;
  readonly hash: string;
}

interface Found {
  readonly path: string;
  readonly stat: BigIntStats;
}

/** A scanner with a memory. The listing blob is JSON `{v:1, roots:[{root, entries}]}`, entries sorted by path. */
export function createSnapshots(context: SandboxContext): (signal: AbortSignal) => Promise<Snapshot> {
  let known = new Map<string, Known>();
  const heavy = new Set<string>();
  return async (signal) => {
    const { paths, blobs } = context;
    const dropped: string[] = [];
    const roots: { root: string; entries: Entry[] }[] = [];
    const next = new Map<string, Known>();
    let files = 0;
    for (const root of paths.roots.filter((path) => path !== paths.tmp.view)) {
      if (contains(root, context.home)) {
        dropped.push(`${root} (it holds your whole home folder)`);
        continue;
      }
      const scan = await walk(root, { heavy, dropped, signal });
      const entries = await describe(scan, root, { blobs, known, next, dropped, signal });
      files += entries.length;
      roots.push({ root, entries });
    }
    known = next;
    const text = Buffer.from(JSON.stringify({ v: 1, roots }));
    const hash = sha256(text);
    const listing = blobs.has(hash) ? hash : await blobs.put(text);
    return { listing, files, dropped };
  };
}

interface Walking {
  /** Ignored trees already found to be too large. */
  readonly heavy: Set<string>;
  readonly dropped: string[];
  readonly signal: AbortSignal;
}

async function walk(root: string, walking: Walking): Promise<Found[]> {
  const kept = keptFolders(root, await keptFiles(root, walking.signal));
  const found: Found[] = [];
  const queue = [root];
  const pace = pacer(walking.signal);
  for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
    if (pace.due()) await pace.rest();
    if (!kept.has(folder)) {
      collectIgnored(folder, found, walking);
      continue;
    }
    for (const entry of entriesOf(folder)) {
      if (entry.name === ".git") continue;
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) queue.push(path);
      else if (!isTemporary(entry.name)) add(path, found);
    }
  }
  return found;
}

/** A tree without a single kept file: taken whole up to 50 MiB, else named as dropped. */
function collectIgnored(tree: string, found: Found[], walking: Walking): void {
  const inside: Found[] = [];
  const queue = [tree];
  let size = 0;
  while (queue.length > 0 && !walking.heavy.has(tree)) {
    const folder = queue.pop() ?? tree;
    for (const entry of entriesOf(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) queue.push(path);
      else if (!isTemporary(entry.name)) size += Number(add(path, inside)?.size ?? 0n);
    }
    if (size > MAX_IGNORED_TREE) walking.heavy.add(tree);
  }
  if (walking.heavy.has(tree)) walking.dropped.push(`${tree}/ (ignored, more than 50 MiB)`);
  else for (const file of inside) found.push(file);
}

function add(path: string, found: Found[]): BigIntStats | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat && (stat.isFile() || stat.isSymbolicLink())) found.push({ path, stat });
  return stat;
}

export function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Folders that hold, at any depth, one of `names`: files below `root` that no ignore file names. */
export function keptFolders(root: string, names: Iterable<string>): ReadonlySet<string> {
  const kept = new Set([root]);
  for (const name of names) {
    const path = `${root}/${name}`;
    for (let at = path.lastIndexOf("/"); at > root.length; at = path.lastIndexOf("/", at - 1)) {
      const folder = path.slice(0, at);
      if (kept.has(folder)) break;
      kept.add(folder);
    }
  }
  return kept;
}

/** Files that neither an ignore file in `root` nor `extra` names, relative to `root`; none of `.git`. */
export async function keptFiles(root: string, signal: AbortSignal, extra?: string): Promise<readonly string[]> {
  const { rgPath } = await import("@vscode/ripgrep");
  const args = [
    "--no-config",
    "--files",
    "--hidden",
    "--no-require-git",
    "--no-ignore-dot",
    "--no-messages",
    "--null",
    "--glob=!.git",
    ...(extra === undefined ? [] : [`--ignore-file=${extra}`]),
    "--",
    ".",
  ];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile(rgPath, args, { cwd: root, env: {}, maxBuffer: 512 * 1024 * 1024, signal }, (error, stdout) => {
    // Exit code 1 means no files, 2 that some folder could not be read.
    if (error && typeof error.code !== "number") reject(error);
    else resolve(stdout);
  });
  return (await promise)
    .split("\0")
    .filter((name) => name !== "")
    .map((name) => (name.startsWith("./") ? name.slice(2) : name));
}

interface Describing {
  readonly blobs: Blobs;
  readonly known: ReadonlyMap<string, Known>;
  readonly next: Map<string, Known>;
  readonly dropped: string[];
  readonly signal: AbortSignal;
}

async function describe(found: readonly Found[], root: string, how: Describing): Promise<Entry[]> {
  const { known, next, dropped } = how;
  const entries: Entry[] = [];
  const pace = pacer(how.signal);
  const batch = blobBatch(how.blobs);
  const now = BigInt(Date.now()) * 1_000_000n;
  for (const { path, stat } of found) {
    if (pace.due()) await pace.rest();
    const name = path.slice(root.length + 1);
    if (stat.isSymbolicLink()) {
      const target = linkTarget(path);
      if (target !== undefined) entries.push([name, target]);
      continue;
    }
    if (stat.size > MAX_FILE_BYTES) {
      dropped.push(`${path} (more than 20 MiB)`);
      continue;
    }
    const before = known.get(path);
    const hash = before && sameTimes(before.stat, stat) ? before.hash : await store(path, stat, batch);
    if (hash === undefined) {
      dropped.push(`${path} (unreadable)`);
      continue;
    }
    if (now - stat.ctimeNs > RACY_NS) next.set(path, { stat, hash });
    entries.push([name, Number(stat.mode & 0o7777n), hash]);
  }
  await batch.flush();
  return entries.sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

function sameTimes(a: BigIntStats, b: BigIntStats): boolean {
  return a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.ino === b.ino && a.size === b.size;
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

interface BlobBatch {
  add(hash: string, bytes: Uint8Array): Promise<void>;
  flush(): Promise<void>;
}

async function store(path: string, stat: BigIntStats, batch: BlobBatch): Promise<string | undefined> {
  const bytes = readPlain(path, stat);
  if (!bytes) return undefined;
  const hash = sha256(bytes);
  await batch.add(hash, bytes);
  return hash;
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
function blobBatch(blobs: Blobs): BlobBatch {
  let items = new Map<string, Uint8Array>();
  let size = 0;
  const flush = async () => {
    const full = [...items.values()];
    items = new Map();
    size = 0;
    if (full.length > 0) await blobs.putAll(full);
  };
  const add = async (hash: string, bytes: Uint8Array) => {
    if (items.has(hash) || blobs.has(hash)) return;
    items.set(hash, bytes);
    size += bytes.length;
    if (size >= BATCH_BYTES || items.size >= BATCH_ITEMS) await flush();
  };
  return { add, flush };
}

/** Lets other work in between slices of synchronous scanning; throws the signal's reason when it aborts. */
export function pacer(signal: AbortSignal): { due(): boolean; rest(): Promise<void> } {
  let since = performance.now();
  return {
    due: () => performance.now() - since > SLICE_MS,
    rest: async () => {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => setImmediate(resolve));
      since = performance.now();
    },
  };
}
