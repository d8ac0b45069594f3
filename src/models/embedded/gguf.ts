/** Reads the head of a GGUF file (github.com/ggml-org/ggml, docs/gguf.md): what the model is, and whether the file is whole. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { CrucibleError, errnoOf } from "../../base/error.ts";

export interface GgufHead {
  /** Single values by key; lists are left out. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly sizeBytes: number;
  /** Milliseconds since the epoch. */
  readonly mtimeMs: number;
}

/** Sizes in bytes of the value types 0 to 12; 0 = of varying length. */
const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const TEXT = 8;
const LIST = 9;
/** No real file has more of either. */
const MOST = 1_000_000;
const CHUNK = 1 << 20;

/** Throws `model-missing` when there is no such file, `model-unfit` when it is no GGUF or not whole. */
export function readGguf(path: string): GgufHead {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    const why = errnoOf(error) === "ENOENT" ? "does not exist" : `cannot be read (${errnoOf(error) ?? "unknown"})`;
    throw new CrucibleError("model-missing", `${path} ${why}`, { hint: "name a GGUF file that is there" });
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw unfit(path, "is no file");
    return { ...readHead(new Reader(fd, path, stat.size)), sizeBytes: stat.size, mtimeMs: Math.floor(stat.mtimeMs) };
  } finally {
    closeSync(fd);
  }
}

function unfit(path: string, what: string): CrucibleError {
  return new CrucibleError("model-unfit", `${path} ${what}`, { hint: "name a GGUF file of a model that runs here" });
}

function readHead(reader: Reader): Pick<GgufHead, "fields"> {
  if (reader.size < 24 || reader.take(4).toString("latin1") !== "GGUF") throw reader.no("is no GGUF file");
  const version = reader.u32();
  if (version < 2 || version > 3) throw reader.no(`is GGUF of version ${version}; 2 and 3 are known`);
  const tensors = reader.count();
  const pairs = reader.count();
  const fields: Record<string, unknown> = {};
  for (let at = 0; at < pairs; at++) {
    const key = reader.text();
    const value = readValue(reader, reader.u32());
    if (value !== undefined) fields[key] = value;
  }
  let end = 0;
  for (let at = 0; at < tensors; at++) end = Math.max(end, tensorEnd(reader));
  const alignment = Number(fields["general.alignment"] ?? 32) || 32;
  const start = Math.ceil(reader.position / alignment) * alignment;
  // A download that broke off is found here, and not by an engine that says no more than that it failed.
  if (tensors > 0 && start + end > reader.size) throw reader.no("is damaged: it ends before its last tensor");
  return { fields };
}

/** Numbers in a block and its bytes, by GGML type (ggml.h, ggml-common.h). */
const BLOCKS: Readonly<Record<number, readonly [number, number]>> = {
  0: [1, 4],
  1: [1, 2],
  2: [32, 18],
  3: [32, 20],
  6: [32, 22],
  7: [32, 24],
  8: [32, 34],
  10: [256, 84],
  11: [256, 110],
  12: [256, 144],
  13: [256, 176],
  14: [256, 210],
  30: [1, 2],
};

/** Where a tensor's data ends, from the start of all data; of a type that is not in the table only where it starts. */
function tensorEnd(reader: Reader): number {
  reader.text();
  const dimensions = reader.u32();
  if (dimensions > 8) throw reader.no("is damaged: a tensor has more than 8 dimensions");
  let numbers = 1;
  for (let at = 0; at < dimensions; at++) numbers *= reader.u64();
  const [block, bytes] = BLOCKS[reader.u32()] ?? [1, 0];
  return reader.u64() + (numbers / block) * bytes;
}

/** A single value; a list is passed over. */
function readValue(reader: Reader, type: number): unknown {
  if (type === TEXT) return reader.text();
  if (type === LIST) {
    const inner = reader.u32();
    const length = reader.u64();
    const size = SIZES[inner];
    if (size === undefined || inner === LIST) throw reader.no("is damaged: a list of an unknown type");
    if (size > 0) reader.skip(size * length);
    else for (let at = 0; at < length; at++) reader.skip(reader.u64());
    return undefined;
  }
  const size = SIZES[type];
  if (!size) throw reader.no("is damaged: a value of an unknown type");
  return numberIn(reader.take(size), type);
}

function numberIn(bytes: Buffer, type: number): number | boolean {
  if (type === 6) return bytes.readFloatLE();
  if (type === 12) return bytes.readDoubleLE();
  if (type === 7) return bytes[0] !== 0;
  if (type === 10) return Number(bytes.readBigUInt64LE());
  if (type === 11) return Number(bytes.readBigInt64LE());
  return type % 2 === 0 ? bytes.readUIntLE(0, bytes.length) : bytes.readIntLE(0, bytes.length);
}

/** Reads forward in chunks: vocabularies are megabytes long, the rest of the file is never touched. */
class Reader {
  readonly size: number;
  readonly #fd: number;
  readonly #path: string;
  #chunk = Buffer.alloc(0);
  #start = 0;
  position = 0;

  constructor(fd: number, path: string, size: number) {
    this.#fd = fd;
    this.#path = path;
    this.size = size;
  }

  no(what: string): CrucibleError {
    return unfit(this.#path, what);
  }

  take(length: number): Buffer {
    if (this.position + length > this.size) throw this.no("is damaged: it ends inside its head");
    let at = this.position - this.#start;
    if (at < 0 || at + length > this.#chunk.length) {
      const chunk = Buffer.alloc(Math.max(CHUNK, length));
      const read = readSync(this.#fd, chunk, 0, chunk.length, this.position);
      this.#chunk = chunk.subarray(0, read);
      this.#start = this.position;
      at = 0;
      if (read < length) throw this.no("cannot be read to its end");
    }
    this.position += length;
    return this.#chunk.subarray(at, at + length);
  }

  skip(length: number): void {
    if (this.position + length > this.size) throw this.no("is damaged: it ends inside its head");
    this.position += length;
  }

  u32(): number {
    return this.take(4).readUInt32LE();
  }

  u64(): number {
    return Number(this.take(8).readBigUInt64LE());
  }

  count(): number {
    const count = this.u64();
    if (count > MOST) throw this.no("is damaged: its head is not plausible");
    return count;
  }

  text(): string {
    const length = this.u64();
    if (length > 64 * CHUNK) throw this.no("is damaged: its head is not plausible");
    return this.take(length).toString("utf8");
  }
}
