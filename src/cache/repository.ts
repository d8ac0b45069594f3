/** What is known of a repository: its symbols and their graph, kept by content hash and served behind the gate. */
import { slices } from "../base/async.ts";
import { sha256 } from "../base/hash.ts";
import type { RepositoryHands, SymbolFile, SymbolMap, TreeHands } from "../core/ports/hands.ts";
import type { FileSymbols } from "../core/ports/workers.ts";
import {
  dropRepositoryDisk,
  isDamage,
  openRepositoryDisk,
  RepositoryDamage,
  type RepositoryDisk,
} from "./repository-disk.ts";
import { type Focus, focusOn } from "./repository-focus.ts";
import { buildGraph, decodeGraph, encodeGraph, type Graph, pageRank } from "./repository-graph.ts";
import { type Parsing, refresh, type Tree } from "./repository-refresh.ts";

export interface RepositoryOptions extends Parsing {
  /** Folder of the cache's file; absent: nothing outlives the session. */
  readonly folder?: string | undefined;
}

export interface Repository {
  /** The powers of one grant, over what its hands show. */
  hands(tree: TreeHands): RepositoryHands;
  close(): void;
}

type Query = Parameters<RepositoryHands["map"]>[0];

/** Definitions given back of one file. */
const MOST_SYMBOLS = 16;
const SLICE_MS = 8;

/** Opens nothing before the first question; questions are answered one after the other. */
export function createRepository(options: RepositoryOptions): Repository {
  let disk: RepositoryDisk | undefined;
  let { folder } = options;
  let last: Promise<unknown> = Promise.resolve();
  /** A cache that fails is made anew, or done without; the question is asked again, once. */
  const recover = (error: unknown) => {
    disk?.close();
    disk = undefined;
    if (folder !== undefined && isDamage(error)) dropRepositoryDisk(folder);
    else folder = undefined;
  };
  const answer = async (tree: TreeHands, query: Query, signal: AbortSignal): Promise<SymbolMap> => {
    const look = () => {
      disk ??= openRepositoryDisk(folder);
      return map(disk, { tree, query, parsing: options }, signal);
    };
    try {
      return await look();
    } catch (error) {
      if (!isCacheFault(error)) throw error;
      recover(error);
      return look();
    }
  };
  return {
    hands: (tree) => ({
      map: (query, signal) => {
        const next = last.then(() => {
          signal.throwIfAborted();
          return answer(tree, query, signal);
        });
        last = next.catch(() => undefined);
        return next;
      },
    }),
    close: () => {
      disk?.close();
      disk = undefined;
    },
  };
}

/** Faults of SQLite and of the folder that holds it. */
function isCacheFault(error: unknown): boolean {
  return (
    isDamage(error) ||
    (error instanceof Error && "code" in error && /^(?:ERR_SQLITE|E[A-Z]+$)/.test(String(error.code)))
  );
}

async function map(
  disk: RepositoryDisk,
  { tree, query, parsing }: { tree: TreeHands; query: Query; parsing: Parsing },
  signal: AbortSignal,
): Promise<SymbolMap> {
  const found = await refresh(disk, { tree, path: query.path, parsing }, signal);
  const pause = slices(SLICE_MS);
  const graph = await graphOf(disk, found);
  await pause();
  const names = found.files.map(({ path }) => path.slice(found.root.length + 1));
  const focus = focusOn(query.focus, names, graph);
  await pause();
  const rank = await pageRank(graph, focus?.files);
  const order = [...rank.keys()]
    .filter((file) => (graph.defs[file + 1] ?? 0) > (graph.defs[file] ?? 0))
    .sort((a, b) => (rank[b] ?? 0) - (rank[a] ?? 0) || a - b);
  await pause();
  const files = order.slice(0, query.most).map((file): SymbolFile => {
    const symbols = symbolsOf(disk, found.files[file]?.hash ?? "");
    return { path: names[file] ?? "", symbols: bestOf(symbols, { graph, file, focus }) };
  });
  return { root: found.root, files, ranked: order.length, cached: found.cached, truncated: found.truncated };
}

/** Throws `RepositoryDamage` when they are not there as they were put. */
function symbolsOf(disk: RepositoryDisk, hash: string): FileSymbols {
  const body = disk.get("symbols.1", hash);
  if (!body) throw new RepositoryDamage(`the symbols of ${hash} are gone`);
  return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8")) as FileSymbols;
}

/** The graph of exactly these contents at these places. */
async function graphOf(disk: RepositoryDisk, { root, files }: Tree): Promise<Graph> {
  const tree = sha256(files.map(({ path, hash }) => `${hash}${path}`).join("\n"));
  const pause = slices(SLICE_MS);
  await pause();
  const kept = disk.get("graph.1", root);
  const known = kept && decodeGraph(tree, kept);
  if (known) return known;
  const all: FileSymbols[] = [];
  for (const { hash } of files) {
    all.push(symbolsOf(disk, hash));
    await pause();
  }
  const graph = await buildGraph(all);
  await pause();
  const bytes = encodeGraph(tree, graph);
  await pause();
  disk.put("graph.1", [[root, bytes]]);
  return graph;
}

/** The most used definitions, those in focus before all others; constants that no other file uses are left out. */
function bestOf(
  { defs }: FileSymbols,
  { graph, file, focus }: { graph: Graph; file: number; focus: Focus | undefined },
): SymbolFile["symbols"] {
  const first = graph.defs[file] ?? 0;
  const scored = defs.map(([name, kind, line, signature], index) => ({
    kind,
    line,
    signature,
    score: (graph.uses[first + index] ?? 0) + (focus?.wants(name) ? 1e6 : 0),
  }));
  return scored
    .filter(({ kind, score }) => kind !== "const" || score > 0)
    .sort((a, b) => b.score - a.score || a.line - b.line)
    .slice(0, MOST_SYMBOLS)
    .map(({ line, signature }) => ({ line, signature }));
}
