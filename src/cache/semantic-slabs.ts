/** One index for each scope and embedding space, all within one number of bytes. */
import { canonicalJson } from "../base/canonical-json.ts";
import { CrucibleError } from "../base/error.ts";
import type { CacheScope } from "../core/cache.ts";
import { bytesFor, createSemanticIndex, type Neighbour, type SemanticIndex } from "./semantic-index.ts";
import { lengthOf, type Vector } from "./unit-vector.ts";

/** Vectors are compared within one scope and one embedding model only. */
export interface Space {
  readonly scope: CacheScope;
  /** Digest of the embedding model. */
  readonly model: string;
}

export interface SemanticSlabs {
  /** Shared memory of all slabs together; never more than was given. */
  readonly bytes: number;
  readonly count: number;
  /**
   * Stores a vector; the dimension of a space is that of its first. When the bytes are spent, the slabs that were used
   * longest ago go, and are named in `dropped`: their places hold nothing any more. Throws `bad-input`, and `storage` when
   * this slab alone would need more.
   */
  add(space: Space, vector: Vector): { readonly place: number; readonly dropped: readonly Space[] };
  remove(space: Space, place: number): boolean;
  /** Nothing for a space that is not known. Throws `bad-input`. */
  nearest(space: Space, vector: Vector, count: number): Neighbour[];
  /** Drops one space, or all. */
  clear(space?: Space): void;
}

export function createSemanticSlabs(options: { bytes: number }): SemanticSlabs {
  /** In the order of their last use. */
  const slabs = new Map<string, { readonly space: Space; readonly index: SemanticIndex }>();
  const sum = (of: "bytes" | "count") => [...slabs.values()].reduce((total, { index }) => total + index[of], 0);
  const used = (space: Space) => {
    const key = canonicalJson(space);
    const slab = slabs.get(key);
    if (slab) {
      slabs.delete(key);
      slabs.set(key, slab);
    }
    return slab?.index;
  };
  const makeRoom = (needed: number, keep: string): Space[] => {
    const dropped: Space[] = [];
    for (const [key, { space }] of slabs) {
      if (sum("bytes") + needed <= options.bytes) break;
      if (key === keep) continue;
      slabs.delete(key);
      dropped.push(space);
    }
    if (sum("bytes") + needed <= options.bytes) return dropped;
    throw new CrucibleError("storage", `the semantic cache is full: ${options.bytes} bytes`, {
      hint: "remove entries first, or give the semantic cache more bytes",
    });
  };
  return {
    get bytes() {
      return sum("bytes");
    },
    get count() {
      return sum("count");
    },
    add(space, vector) {
      const key = canonicalJson(space);
      const known = used(space);
      const index = known ?? firstIndex(vector, options.bytes);
      // Before any slab is dropped for it.
      lengthOf(vector, index.dimension);
      const dropped = makeRoom(index.growth + (known ? 0 : index.bytes), key);
      slabs.set(key, { space, index });
      return { place: index.add(vector), dropped };
    },
    remove: (space, place) => slabs.get(canonicalJson(space))?.index.remove(place) ?? false,
    nearest: (space, vector, count) => used(space)?.nearest(vector, count) ?? [],
    clear(space) {
      if (space) slabs.delete(canonicalJson(space));
      else slabs.clear();
    },
  };
}

/** An index that may grow to all the bytes: as many places as surely fit. */
function firstIndex(vector: Vector, bytes: number): SemanticIndex {
  const dimension = vector.length;
  const many = 1 << 16;
  const each = dimension > 0 ? bytesFor(dimension, many) / many : 1;
  return createSemanticIndex({ dimension, capacity: Math.max(256, Math.floor(bytes / each)) });
}
