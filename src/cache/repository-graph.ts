/** Which file uses what another defines, and how much each matters: PageRank over that, as a repo map does it. */
import { slices } from "../base/async.ts";
import type { FileSymbols } from "../core/ports/workers.ts";

export interface Graph {
  /** For every file where its edges begin, and after the last where they end. */
  readonly edges: Uint32Array;
  readonly targets: Uint32Array;
  readonly weights: Float32Array;
  /** The same for its definitions. */
  readonly defs: Uint32Array;
  /** How much each definition is used in other files. */
  readonly uses: Float32Array;
  /** Names that each file defines, in lower case, with a space before and behind each. */
  readonly names: readonly string[];
}

/** A name that so many files define tells nothing about which of them is meant. */
const COMMON = 16;
/** Longest piece of work on the main thread (milliseconds). */
const SLICE_MS = 8;

/** The graph of files in the order given. */
export async function buildGraph(files: readonly FileSymbols[]): Promise<Graph> {
  const pause = slices(SLICE_MS);
  const definers = new Map<string, number[]>();
  for (const [file, { defs }] of files.entries()) {
    for (const [name, kind] of defs)
      for (const key of kind === "method" ? [name, `.${name}`] : [name]) {
        const known = definers.get(key);
        if (!known) definers.set(key, [file]);
        else if (known.at(-1) !== file && known.length <= COMMON) known.push(file);
      }
    await pause();
  }
  const used = new Map<string, number>();
  const edges = new Uint32Array(files.length + 1);
  const targets: number[] = [];
  const weights: number[] = [];
  for (const [file, { refs }] of files.entries()) {
    const out = new Map<number, number>();
    for (let at = 0; at < refs.length; at += 2) {
      const name = refs[at] as string;
      const found = definers.get(name);
      if (!found || found.length > COMMON || found.includes(file)) continue;
      const weight = (weightOf(name) * Math.sqrt(refs[at + 1] as number)) / found.length;
      const plain = name.startsWith(".") ? name.slice(1) : name;
      used.set(plain, (used.get(plain) ?? 0) + weight);
      for (const target of found) out.set(target, (out.get(target) ?? 0) + weight);
    }
    for (const [target, weight] of out) {
      targets.push(target);
      weights.push(weight);
    }
    edges[file + 1] = targets.length;
    await pause();
  }
  const defs = new Uint32Array(files.length + 1);
  const uses: number[] = [];
  const names: string[] = [];
  for (const [file, symbols] of files.entries()) {
    for (const [name] of symbols.defs) uses.push(used.get(name) ?? 0);
    names.push(` ${symbols.defs.map(([name]) => name.toLowerCase()).join(" ")} `);
    defs[file + 1] = uses.length;
    await pause();
  }
  await pause();
  const [to, weight, use] = [Uint32Array.from(targets), Float32Array.from(weights), Float32Array.from(uses)];
  return { edges, targets: to, weights: weight, defs, uses: use, names };
}

/**
 * A long name of several words says what is meant; a name that begins with `_` is the file's own affair; a method of
 * one short word is as likely one of the language's own.
 */
function weightOf(name: string): number {
  if (/^\.?_/.test(name)) return 0.1;
  if (name.length >= 8 && /[a-z][A-Z]|[^_]_[^_]/.test(name)) return 3;
  return name.startsWith(".") ? 0.2 : 1;
}

const DAMPING = 0.85;
const ROUNDS = 25;
/** The ranks together (1) move no more than this. */
const SETTLED = 1e-4;
/** Of the restarts so much goes anywhere, whatever is focused on. */
const ANYWHERE = 0.1;

/** The rank of each file; with `focus` (a weight for each file, not all zero) as seen from there. */
export async function pageRank(graph: Graph, focus: Float64Array | undefined): Promise<Float64Array> {
  const pause = slices(SLICE_MS);
  const { edges, targets, weights } = graph;
  const count = edges.length - 1;
  const total = focus?.reduce((sum, weight) => sum + weight, 0) ?? 0;
  const restart = new Float64Array(count).map((_, file) =>
    focus ? ANYWHERE / count + ((1 - ANYWHERE) * (focus[file] ?? 0)) / total : 1 / count,
  );
  const out = new Float64Array(count);
  for (let file = 0; file < count; file++)
    for (let at = edges[file] ?? 0; at < (edges[file + 1] ?? 0); at++)
      out[file] = (out[file] ?? 0) + (weights[at] ?? 0);
  let rank = restart.slice();
  for (let round = 0; round < ROUNDS; round++) {
    const next = new Float64Array(count);
    let lost = 0;
    for (let file = 0; file < count; file++) {
      const sum = out[file] ?? 0;
      const own = rank[file] ?? 0;
      if (sum === 0) lost += own;
      else
        for (let at = edges[file] ?? 0; at < (edges[file + 1] ?? 0); at++) {
          const target = targets[at] ?? 0;
          next[target] = (next[target] ?? 0) + (own * (weights[at] ?? 0)) / sum;
        }
    }
    let moved = 0;
    for (let file = 0; file < count; file++) {
      const start = restart[file] ?? 0;
      const now = DAMPING * ((next[file] ?? 0) + lost * start) + (1 - DAMPING) * start;
      moved += Math.abs(now - (rank[file] ?? 0));
      next[file] = now;
    }
    rank = next;
    if (moved < SETTLED) break;
    await pause();
  }
  return rank;
}

/** One block of bytes: the lengths, the numbers, the names. `tree` says which files it is the graph of. */
export function encodeGraph(tree: string, graph: Graph): Uint8Array {
  const { edges, targets, weights, defs, uses } = graph;
  const names = Buffer.from(graph.names.join("\n"));
  const head = Buffer.from(tree);
  const lengths = Uint32Array.from([head.length, edges.length, targets.length, defs.length, uses.length]);
  const parts = [lengths, edges, targets, weights, defs, uses].map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  return Buffer.concat([...parts, head, names]);
}

/** The graph of the files that `tree` names; undefined when the bytes hold another one. */
export function decodeGraph(tree: string, bytes: Uint8Array): Graph | undefined {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const [head = 0, edges = 0, targets = 0, defs = 0, uses = 0] = new Uint32Array(buffer, 0, 5);
  let at = 20;
  const take = (words: number) => {
    const from = at;
    at += words * 4;
    return [buffer, from, words] as const;
  };
  const graph = {
    edges: new Uint32Array(...take(edges)),
    targets: new Uint32Array(...take(targets)),
    weights: new Float32Array(...take(targets)),
    defs: new Uint32Array(...take(defs)),
    uses: new Float32Array(...take(uses)),
  };
  const text = (from: number, to?: number) => Buffer.from(buffer.slice(from, to)).toString("utf8");
  return text(at, at + head) === tree ? { ...graph, names: text(at + head).split("\n") } : undefined;
}
