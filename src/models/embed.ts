/** Texts as vectors: batched, each text once, normalised by us because not every engine does it. */
import { abortable } from "../base/async.ts";
import { CrucibleError } from "../base/error.ts";
import type { ModelInfo } from "../core/model.ts";
import type { Embedder } from "../core/ports/models.ts";

/** Texts of one request: more gain nothing, and a failed request costs all of them. */
const BATCH = 64;

/** One request to the server: vectors in the order of `texts`. */
export type Ask = (texts: readonly string[]) => Promise<readonly (readonly number[])[]>;

interface Waiting {
  readonly text: string;
  readonly settle: PromiseWithResolvers<Float32Array>;
}

export function createEmbedder({ ref }: ModelInfo, ask: Ask): Embedder {
  const onTheWay = new Map<string, Promise<Float32Array>>();
  const counts = { texts: 0, sent: 0, requests: 0 };
  let waiting: Waiting[] = [];
  const send = async (batch: readonly Waiting[]) => {
    counts.requests++;
    counts.sent += batch.length;
    try {
      const rows = await ask(batch.map(({ text }) => text));
      for (const [index, { settle }] of batch.entries()) settle.resolve(unit(rows[index] ?? [], ref.model));
    } catch (error) {
      for (const { settle } of batch) settle.reject(error);
    }
  };
  const flush = () => {
    const all = waiting;
    waiting = [];
    for (let at = 0; at < all.length; at += BATCH) void send(all.slice(at, at + BATCH));
  };
  const vectorOf = (text: string): Promise<Float32Array> => {
    const known = onTheWay.get(text);
    if (known !== undefined) return known;
    const settle = Promise.withResolvers<Float32Array>();
    if (waiting.length === 0) setImmediate(flush);
    waiting.push({ text, settle });
    const vector = settle.promise.finally(() => onTheWay.delete(text));
    // Who asked hears of a failure; nobody may be left who did.
    vector.catch(() => undefined);
    onTheWay.set(text, vector);
    return vector;
  };
  return {
    ref,
    counts,
    embed(texts, signal) {
      counts.texts += texts.length;
      return abortable(Promise.all(texts.map(vectorOf)), signal);
    },
  };
}

/** Length 1. Throws `server-error` for a vector without direction. */
function unit(row: readonly number[], model: string): Float32Array {
  const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
  if (!(norm > 0) || !Number.isFinite(norm))
    throw new CrucibleError("server-error", `${model} gave a vector without direction`);
  return Float32Array.from(row, (value) => value / norm);
}
