/** Writes small models of the llama architecture in the GGUF format (version 3): random weights, or weights that say a given text. */
import { writeFileSync } from "node:fs";

export interface TinyModel {
  /** Pieces the model says one after another, each a token of its own; without it the output is random printable text. */
  readonly says?: readonly string[];
  readonly seed?: number;
  /** Window that the file claims (tokens). */
  readonly window?: number;
  /** A model for embeddings: pooled by the mean. */
  readonly pooled?: boolean;
  /** How likely the end token is, as a logit. */
  readonly endBias?: number;
}

const WIDTH = 64;
const HIDDEN = 96;
const LAYERS = 2;
const HEADS = 4;
const ALIGNMENT = 32;
const TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** GGUF's numbers for value types. */
const U32 = 4;
const I32 = 5;
const F32 = 6;
const BOOL = 7;
const TEXT = 8;
const LIST = 9;

/** The vocabulary: three control tokens, 256 bytes, `<|im_start|>`, and these. */
const BYTES = 3;
const NEWLINE = BYTES + 10;
const END = 260;
const SPACE = 261;
const FIRST_PIECE = 262;

interface Tensor {
  readonly name: string;
  /** Fastest dimension first. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export function writeTinyGguf(path: string, model: TinyModel = {}): string {
  writeFileSync(path, tinyGguf(model));
  return path;
}

export function tinyGguf(model: TinyModel = {}): Buffer {
  const pieces = model.says ?? [];
  const tensors = weights(model, FIRST_PIECE + pieces.length);
  const fields = [...shapeFields(model), ...tokenizerFields(pieces)];
  let offset = 0;
  const infos = tensors.map(({ name, shape, data }) => {
    const info = [text(name), u32(shape.length), ...shape.map((length) => u64(length)), u32(0), u64(offset)];
    offset = padded(offset + data.byteLength);
    return Buffer.concat(info);
  });
  const head = Buffer.concat([
    Buffer.from("GGUF"),
    u32(3),
    u64(tensors.length),
    u64(fields.length),
    ...fields,
    ...infos,
  ]);
  const bodies = tensors.flatMap(({ data }) => {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    return [bytes, Buffer.alloc(padded(bytes.length) - bytes.length)];
  });
  return Buffer.concat([head, Buffer.alloc(padded(head.length) - head.length), ...bodies]);
}

function shapeFields({ window = 32_768, pooled = false }: TinyModel): Buffer[] {
  const numbers: Readonly<Record<string, number>> = {
    context_length: window,
    embedding_length: WIDTH,
    block_count: LAYERS,
    feed_forward_length: HIDDEN,
    "attention.head_count": HEADS,
    "attention.head_count_kv": HEADS,
    "rope.dimension_count": WIDTH / HEADS,
    ...(pooled ? { pooling_type: 1 } : {}),
  };
  return [
    field("general.architecture", TEXT, text("llama")),
    field("general.name", TEXT, text("tiny")),
    ...Object.entries(numbers).map(([name, value]) => field(`llama.${name}`, U32, u32(value))),
    field("llama.attention.layer_norm_rms_epsilon", F32, f32(1e-5)),
  ];
}

/** A SentencePiece vocabulary of single bytes, so that every text has tokens. */
function tokenizerFields(pieces: readonly string[]): Buffer[] {
  const bytes = Array.from({ length: 256 }, (_, value) => `<0x${value.toString(16).toUpperCase().padStart(2, "0")}>`);
  const tokens = ["<unk>", "<s>", "</s>", ...bytes, "<|im_start|>", "<|im_end|>", "\u2581"];
  const said = pieces.map((piece) => piece.replaceAll(" ", "\u2581"));
  const types = [2, 3, 3, ...bytes.map(() => 6), 3, 3, 1, ...said.map(() => 1)];
  const all = [...tokens, ...said];
  // A piece must not be what a text is cut into: its score is the lowest.
  const scores = all.map((_, index) => (index < FIRST_PIECE ? 0 : -1_000));
  return [
    field("tokenizer.ggml.model", TEXT, text("llama")),
    field("tokenizer.ggml.tokens", LIST, list(TEXT, all.map(text))),
    field("tokenizer.ggml.scores", LIST, list(F32, scores.map(f32))),
    field("tokenizer.ggml.token_type", LIST, list(I32, types.map(u32))),
    field("tokenizer.ggml.bos_token_id", U32, u32(1)),
    field("tokenizer.ggml.eos_token_id", U32, u32(END)),
    field("tokenizer.ggml.unknown_token_id", U32, u32(0)),
    field("tokenizer.ggml.add_bos_token", BOOL, Buffer.from([0])),
    field("tokenizer.ggml.add_space_prefix", BOOL, Buffer.from([0])),
    field("tokenizer.chat_template", TEXT, text(TEMPLATE)),
  ];
}

/**
 * Channel 0 of every embedding is constant: through it the output layer gives each token its bias. A model that says a
 * text has no attention and no feed-forward part, so that each token depends on the one before it alone.
 */
function weights(model: TinyModel, tokens: number): Tensor[] {
  const { says, seed = 1, endBias = -2 } = model;
  const random = randomFrom(seed);
  const matrix = (rows: number, columns: number, size: number) =>
    Float32Array.from({ length: rows * columns }, () => random() * size);
  const ones = () => new Float32Array(WIDTH).fill(1);
  const scale = says ? 0 : 0.1;
  /** Writes to every channel but the first. */
  const writer = (columns: number) => matrix(WIDTH, columns, scale).fill(0, 0, columns);
  const embedding = matrix(tokens, WIDTH, 1);
  const output = matrix(tokens, WIDTH, says ? 0 : 0.25);
  for (let token = 0; token < tokens; token++) {
    embedding[token * WIDTH] = 2;
    const printable = (token >= BYTES + 0x21 && token <= BYTES + 0x7e) || token === SPACE;
    output[token * WIDTH] = token === END ? endBias : printable ? 3 : -10;
  }
  if (says) {
    const chain = [NEWLINE, ...says.map((_, index) => FIRST_PIECE + index), END];
    for (const [index, next] of chain.slice(1).entries()) {
      const before = chain[index] ?? 0;
      output[next * WIDTH] = 0;
      for (let at = 1; at < WIDTH; at++)
        output[next * WIDTH + at] = (output[next * WIDTH + at] ?? 0) + (embedding[before * WIDTH + at] ?? 0);
    }
  }
  const layers = Array.from({ length: LAYERS }, (_, layer): Tensor[] => {
    const name = (part: string) => `blk.${layer}.${part}.weight`;
    const square = (part: string, size: number) => ({
      name: name(part),
      shape: [WIDTH, WIDTH],
      data: matrix(WIDTH, WIDTH, size),
    });
    return [
      { name: name("attn_norm"), shape: [WIDTH], data: ones() },
      square("attn_q", 0.3),
      square("attn_k", 0.3),
      square("attn_v", 0.3),
      { name: name("attn_output"), shape: [WIDTH, WIDTH], data: writer(WIDTH) },
      { name: name("ffn_norm"), shape: [WIDTH], data: ones() },
      { name: name("ffn_gate"), shape: [WIDTH, HIDDEN], data: matrix(HIDDEN, WIDTH, 0.3) },
      { name: name("ffn_up"), shape: [WIDTH, HIDDEN], data: matrix(HIDDEN, WIDTH, 0.3) },
      { name: name("ffn_down"), shape: [HIDDEN, WIDTH], data: writer(HIDDEN) },
    ];
  }).flat();
  return [
    { name: "token_embd.weight", shape: [WIDTH, tokens], data: embedding },
    ...layers,
    { name: "output_norm.weight", shape: [WIDTH], data: ones() },
    { name: "output.weight", shape: [WIDTH, tokens], data: output },
  ];
}

/** Evenly spread over -1 to 1 (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

const padded = (length: number) => Math.ceil(length / ALIGNMENT) * ALIGNMENT;

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function field(name: string, type: number, value: Buffer): Buffer {
  return Buffer.concat([text(name), u32(type), value]);
}

function list(type: number, values: readonly Buffer[]): Buffer {
  return Buffer.concat([u32(type), u64(values.length), ...values]);
}
