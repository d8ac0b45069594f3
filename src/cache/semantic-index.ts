/** Finds the nearest of many embeddings: 1-bit codes first, then the bytes of the best 64. */
import { CrucibleError } from "../base/error.ts";
import { createSemanticKernel, PAGE, type SemanticKernel } from "./semantic-kernel.ts";
import { lengthOf, type Vector, writeRounded, writeSigns } from "./unit-vector.ts";

/** So many candidates of the scan are compared by their bytes: also the most that `nearest` gives. */
export const CANDIDATES = 64;
/** Places are added so many at a time. */
const CHUNK = 256;
const NO_LIMIT = 0x7fff_ffff;

export interface Neighbour {
  readonly place: number;
  readonly cosine: number;
}

export interface SemanticIndex {
  readonly dimension: number;
  readonly capacity: number;
  readonly count: number;
  /** Bytes of shared memory that are held now. */
  readonly bytes: number;
  /** Bytes that the next `add` will take beside them: 0 while there is a free place. */
  readonly growth: number;
  /** Stores the direction of `vector` and gives its place. A freed place is used again first. Throws `bad-input`, and `storage` when full. */
  add(vector: Vector): number;
  /** Frees a place; false when nothing stood there. */
  remove(place: number): boolean;
  /** The `count` (1 to 64) nearest, nearest first; equal ones by place. Throws `bad-input`. */
  nearest(vector: Vector, count: number): Neighbour[];
  clear(): void;
}

/** Where things stand in the memory: a head for one question, then chunks of places. All in bytes. */
interface Layout {
  readonly codeBytes: number;
  readonly rowBytes: number;
  /** Within the head. */
  readonly queryWords: number;
  readonly best: number;
  readonly head: number;
  /** Within a chunk, after its codes. */
  readonly rows: number;
  readonly lengths: number;
  readonly alive: number;
  readonly chunk: number;
}

const upTo = (bytes: number, step: number): number => Math.ceil(bytes / step) * step;

function layoutOf(dimension: number): Layout {
  const codeBytes = upTo(dimension, 128) / 8;
  const rowBytes = upTo(dimension, 16);
  const best = codeBytes + rowBytes * 2;
  const rows = CHUNK * codeBytes;
  const lengths = rows + CHUNK * rowBytes;
  const alive = lengths + CHUNK * 4;
  return {
    codeBytes,
    rowBytes,
    queryWords: codeBytes,
    best,
    head: upTo(best + 8 + CANDIDATES * 8, 64),
    rows,
    lengths,
    alive,
    chunk: alive + CHUNK,
  };
}

/** The bytes that an index of `capacity` places may come to hold. */
export function bytesFor(dimension: number, capacity: number): number {
  const layout = layoutOf(dimension);
  return upTo(layout.head + Math.ceil(capacity / CHUNK) * layout.chunk, PAGE);
}

/**
 * An index over vectors of `dimension` numbers, of any length but 0. Speed, memory and accuracy: bench/cache.ts.
 * One thread writes and asks; the memory is shared so that others may be given it to read.
 */
export function createSemanticIndex(options: { dimension: number; capacity: number }): SemanticIndex {
  const { dimension, capacity } = options;
  const whole = (value: number, most: number) => Number.isInteger(value) && value > 0 && value <= most;
  if (!whole(dimension, 65_535) || !whole(capacity, 2 ** 31) || bytesFor(dimension, capacity) > 65_536 * PAGE)
    throw new CrucibleError("bad-input", `no semantic index holds ${capacity} vectors of ${dimension} numbers`, {
      hint: "ask for 1 to 65,535 numbers and at most 4 GiB",
    });
  return new SlabIndex(dimension, capacity);
}

class SlabIndex implements SemanticIndex {
  readonly dimension: number;
  readonly capacity: number;
  readonly #layout: Layout;
  readonly #kernel: SemanticKernel;
  /** The largest word of a question whose product with bytes fits an i32. */
  readonly #mostWord: number;
  #buffer: SharedArrayBuffer;
  #used = 0;
  #free: number[] = [];

  constructor(dimension: number, capacity: number) {
    this.dimension = dimension;
    this.capacity = capacity;
    this.#layout = layoutOf(dimension);
    const initial = Math.ceil(this.#layout.head / PAGE);
    this.#kernel = createSemanticKernel({ initial, maximum: bytesFor(dimension, capacity) / PAGE });
    this.#buffer = this.#kernel.memory.buffer;
    this.#mostWord = Math.min(32_767, Math.floor((2 ** 31 - 1) / (127 * dimension)));
  }

  get count(): number {
    return this.#used - this.#free.length;
  }

  get bytes(): number {
    return this.#buffer.byteLength;
  }

  get growth(): number {
    if (this.#free.length > 0 || this.#used % CHUNK !== 0) return 0;
    return Math.max(0, bytesFor(this.dimension, this.#used + 1) - this.bytes);
  }

  add(vector: Vector): number {
    lengthOf(vector, this.dimension);
    const place = this.#takePlace();
    const { base, row } = this.#whereIs(place);
    const { codeBytes, rowBytes, lengths, alive, rows } = this.#layout;
    const bytes = new Int8Array(this.#buffer, base + rows + row * rowBytes, rowBytes);
    new Float32Array(this.#buffer, base + lengths)[row] = writeRounded(vector, bytes, 127);
    writeSigns(vector, new Uint8Array(this.#buffer, base + row * codeBytes, codeBytes));
    new Uint8Array(this.#buffer, base + alive)[row] = 1;
    return place;
  }

  remove(place: number): boolean {
    if (!this.#isAlive(place)) return false;
    const { base, row } = this.#whereIs(place);
    new Uint8Array(this.#buffer, base + this.#layout.alive)[row] = 0;
    this.#free.push(place);
    return true;
  }

  nearest(vector: Vector, count: number): Neighbour[] {
    lengthOf(vector, this.dimension);
    if (!Number.isInteger(count) || count < 1 || count > CANDIDATES)
      throw new CrucibleError("bad-input", `the semantic index gives 1 to ${CANDIDATES} neighbours, not ${count}`);
    const { codeBytes, rowBytes, queryWords } = this.#layout;
    writeSigns(vector, new Uint8Array(this.#buffer, 0, codeBytes));
    const length = writeRounded(vector, new Int16Array(this.#buffer, queryWords, rowBytes), this.#mostWord);
    return this.#candidates()
      .map((place) => ({ place, cosine: this.#cosine(place, length) }))
      .sort((a, b) => b.cosine - a.cosine || a.place - b.place)
      .slice(0, count);
  }

  clear(): void {
    const { head, chunk, alive } = this.#layout;
    for (let first = 0; first < this.#used; first += CHUNK)
      new Uint8Array(this.#buffer, head + (first / CHUNK) * chunk + alive, CHUNK).fill(0);
    this.#used = 0;
    this.#free = [];
  }

  /** The places whose codes differ in the fewest bits from the question in the head. */
  #candidates(): number[] {
    const { head, chunk, codeBytes, alive, best } = this.#layout;
    const list = new Int32Array(this.#buffer, best, 2 + CANDIDATES * 2);
    list[0] = 0;
    list[1] = NO_LIMIT;
    for (let first = 0, base = head; first < this.#used; first += CHUNK, base += chunk) {
      const count = Math.min(CHUNK, this.#used - first);
      this.#kernel.scan(base, base + alive, first, count, codeBytes / 16, 0, best, CANDIDATES);
    }
    return Array.from({ length: list[0] ?? 0 }, (_, at) => list[2 + at * 2] ?? 0);
  }

  #cosine(place: number, queryLength: number): number {
    const { rows, rowBytes, lengths, queryWords } = this.#layout;
    const { base, row } = this.#whereIs(place);
    const length = new Float32Array(this.#buffer, base + lengths)[row] ?? 0;
    const product = this.#kernel.dot(base + rows + row * rowBytes, queryWords, rowBytes / 16);
    return Math.min(1, product / (length * queryLength));
  }

  #whereIs(place: number): { base: number; row: number } {
    return { base: this.#layout.head + Math.floor(place / CHUNK) * this.#layout.chunk, row: place % CHUNK };
  }

  #isAlive(place: number): boolean {
    if (!Number.isInteger(place) || place < 0 || place >= this.#used) return false;
    const { base, row } = this.#whereIs(place);
    return new Uint8Array(this.#buffer, base + this.#layout.alive)[row] === 1;
  }

  #takePlace(): number {
    const freed = this.#free.pop();
    if (freed !== undefined) return freed;
    if (this.#used === this.capacity)
      throw new CrucibleError("storage", `the semantic index is full: ${this.capacity} vectors`, {
        hint: "remove an entry first, or give the semantic cache more bytes",
      });
    const growth = this.growth;
    if (growth > 0) {
      this.#kernel.memory.grow(growth / PAGE);
      this.#buffer = this.#kernel.memory.buffer;
    }
    return this.#used++;
  }
}
