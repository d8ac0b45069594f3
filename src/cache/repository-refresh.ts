/** Brings the symbols of a tree up to date: looks at every file, opens those that changed, parses what is new. */
import { slices } from "../base/async.ts";
import { CrucibleError } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";
import { type Language, languageOf } from "../base/languages.ts";
import type { FileStamp, TreeHands } from "../core/ports/hands.ts";
import type { Workers } from "../core/ports/workers.ts";
import type { KnownFile, RepositoryDisk } from "./repository-disk.ts";

export interface Parsing {
  /** Started with the first file that must be parsed. */
  readonly workers: () => Promise<Workers>;
  readonly grammars: (language: Language) => { readonly runtime: Uint8Array; readonly grammar: Uint8Array };
  /** Wall time in milliseconds. */
  readonly now: () => number;
}

export interface Tree {
  readonly root: string;
  /** Every readable source file, by path. */
  readonly files: readonly KnownFile[];
  /** How many of them were not opened. */
  readonly cached: number;
  readonly truncated: boolean;
}

/** More source files than this are not ranked. */
const MAX_FILES = 100_000;
/** Larger files are made by machines. */
const MAX_BYTES = 512 * 1024;
/** A batch for a worker: some milliseconds of parsing. */
const BATCH_BYTES = 128 * 1024;
const BATCH_FILES = 64;
const BATCH_MS = 20_000;
/** Longest piece of work on the main thread (milliseconds). */
const SLICE_MS = 8;
/** File times move in steps of some milliseconds, on some file systems of seconds. */
const RACY_MS = 50;
const COARSE_MS = 2000;
/** What stands for a file that cannot be parsed. */
const NOTHING = new TextEncoder().encode('{"defs":[],"refs":[]}');

export async function refresh(
  disk: RepositoryDisk,
  { tree, path, parsing }: { tree: TreeHands; path: string; parsing: Parsing },
  signal: AbortSignal,
): Promise<Tree> {
  const looked = parsing.now();
  const walking = tree.walk({ path, limit: MAX_FILES, wanted: (file) => languageOf(file) !== undefined }, signal);
  walking.catch(() => undefined);
  const known = await disk.files();
  const { root, files, truncated } = await walking;
  const pause = slices(SLICE_MS);
  const parser = createParser(disk, parsing, signal);
  const fresh: KnownFile[] = [];
  const current: KnownFile[] = [];
  for (const stamp of files) {
    const before = known.get(stamp.path);
    known.delete(stamp.path);
    if (before?.sure && sameStamp(before, stamp)) {
      current.push(before);
      continue;
    }
    const bytes = stamp.size <= MAX_BYTES ? read(tree, stamp.path) : undefined;
    if (!bytes) continue;
    const file = { ...stamp, hash: sha256(bytes), sure: isSure(stamp, looked) };
    current.push(file);
    fresh.push(file);
    await parser.take(file, bytes);
    await pause();
  }
  await parser.done();
  // One file may be all that was asked for: nothing is known of the others beside it.
  const gone = truncated || files.length < 2 ? [] : [...known.keys()].filter((each) => each.startsWith(`${root}/`));
  // The stamps come last: what they vouch for is there.
  if (fresh.length > 0 || gone.length > 0) await disk.remember(fresh, gone);
  if (fresh.length > 0) disk.prune();
  current.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { root, files: current, cached: current.length - fresh.length, truncated };
}

function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.inode === b.inode;
}

/** A change after this look will show in the stamp. The change time cannot be set back as the other one can. */
function isSure({ ctimeMs }: FileStamp, looked: number): boolean {
  return looked - ctimeMs > (ctimeMs % 1000 === 0 ? COARSE_MS : RACY_MS);
}

/** A file that went away meanwhile, or that may not be read, is left out. */
function read(tree: TreeHands, path: string): Uint8Array | undefined {
  try {
    return tree.bytes(path);
  } catch (error) {
    if (CrucibleError.isInstance(error)) return undefined;
    throw error;
  }
}

interface Batch {
  readonly hashes: string[];
  readonly files: Uint8Array[];
  bytes: number;
}

/** Gathers contents without symbols into batches; so many run at a time that every worker has one waiting. */
function createParser(disk: RepositoryDisk, parsing: Parsing, signal: AbortSignal) {
  const batches = new Map<Language, Batch>();
  const taken = new Set<string>();
  const running = new Set<Promise<void>>();
  const parse = async (language: Language, { hashes, files }: Batch): Promise<void> => {
    const workers = await parsing.workers();
    const input = { language, ...parsing.grammars(language) };
    const run = (some: readonly Uint8Array[]) =>
      workers.run("parse", { ...input, files: some }, { signal, timeoutMs: BATCH_MS });
    const symbols = await run(files).catch(async () => {
      // One file took the worker down or too long: the others are parsed without it.
      const alone: Uint8Array[] = [];
      for (const file of files) {
        signal.throwIfAborted();
        alone.push((await run([file]).catch(() => undefined))?.[0] ?? NOTHING);
      }
      return alone;
    });
    signal.throwIfAborted();
    disk.put(
      "symbols.1",
      hashes.map((hash, index) => [hash, symbols[index] ?? NOTHING]),
    );
  };
  const start = async (language: Language, batch: Batch): Promise<void> => {
    batches.delete(language);
    const work = parse(language, batch).finally(() => running.delete(work));
    running.add(work);
    work.catch(() => undefined);
    if (running.size > 2 * (await parsing.workers()).size) await Promise.race(running);
  };
  return {
    async take({ path, hash }: KnownFile, bytes: Uint8Array): Promise<void> {
      const language = languageOf(path);
      if (language === undefined || taken.has(hash) || disk.has("symbols.1", hash)) return;
      taken.add(hash);
      const batch = batches.get(language) ?? { hashes: [], files: [], bytes: 0 };
      batches.set(language, batch);
      batch.hashes.push(hash);
      batch.files.push(bytes);
      batch.bytes += bytes.length;
      if (batch.bytes >= BATCH_BYTES || batch.files.length === BATCH_FILES) await start(language, batch);
    },
    async done(): Promise<void> {
      for (const [language, batch] of [...batches]) await start(language, batch);
      await Promise.all(running);
    },
  };
}
