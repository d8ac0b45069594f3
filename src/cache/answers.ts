/** The cache of answers: the same question by its key, a near one by the serve rule; shadow checks keep it honest. */

import * as z from "zod/mini";
import { abortable } from "../base/async.ts";
import type { Clock } from "../base/clock.ts";
import { sha256 } from "../base/hash.ts";
import { CacheEntry, type CacheScope, type NeverReason, type RefusalReason } from "../core/cache.ts";
import { nameOf } from "../core/message.ts";
import type { AnswerCache, AnswerQuestion, CachedAnswer, CacheLook, OfferedAnswer } from "../core/ports/cache.ts";
import type { Embedder } from "../core/ports/models.ts";
import { isTimeDependent, whyNotCacheable } from "./cacheable.ts";
import type { EntryBook } from "./entry-book.ts";
import { differenceOf, intentOf } from "./guards.ts";
import type { Layers } from "./layers.ts";
import { createSemanticSlabs, type SemanticSlabs } from "./semantic-slabs.ts";
import { decideServe, FIRST_BOUND, fingerprintOf, isShadowed, observe } from "./serve.ts";

export interface AnswersOptions {
  readonly scope: CacheScope;
  readonly layers: Layers;
  readonly book: EntryBook;
  /** Absent: only the same words find their answer. */
  readonly embedder?: () => Promise<Embedder>;
  readonly clock: Clock;
  readonly ttlMs: number;
  readonly maxBytes: number;
  /** Keeps answers that were sampled with a temperature too. */
  readonly anyTemperature: boolean;
  /** Where the bound of a new entry stands; never below 0.95. */
  readonly similarity: number;
  /** True when a text holds a secret. */
  readonly hasSecret: (text: string) => boolean;
}

/** Neighbours that are looked at: the nearest may be the right words in another context. */
const NEIGHBOURS = 8;
/** Longest wait for an embedding (milliseconds): a model that has to be loaded first. */
const EMBED_MS = 60_000;
/** Answers nearer than this, with the same numbers and names, say the same. */
const SAME_ANSWER = 0.95;

export function createAnswers(options: AnswersOptions): AnswerCache {
  const { scope, layers, book, clock } = options;
  const near = createNeighbours(options);
  /** Would-be hits that the model answers all the same, by the question's key. */
  const compared = new Map<string, { entry: CacheEntry; similarity: number }>();
  // Starts anywhere: a process that asks once is compared as often as one that asks all day.
  let lookups = clock.now();
  let cleared = book.cleared();
  let broken: string | undefined;

  /** What breaks here makes a turn slower at most; `crucible cache stats` says what it was. */
  const unharmed = async <T>(work: () => Promise<T>, instead: T, signal?: AbortSignal): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      broken = error instanceof Error ? error.message : String(error);
      return instead;
    }
  };
  /** What another process has cleared is not given from here either. */
  const keepUp = async () => {
    const now = book.cleared();
    if (now === cleared) return;
    cleared = now;
    near.clear();
    await layers.forget();
  };
  const exact = async (key: string): Promise<CachedAnswer | undefined> => {
    const found = await layers.get(key);
    const parsed = found ? z.safeParse(CacheEntry, JSON.parse(found.body)) : undefined;
    if (!found || !parsed?.success) return undefined;
    return hitOf(parsed.data, clock.now(), { similarity: 1, tier: found.tier });
  };
  const lookNear = async (question: AnswerQuestion, known: Key, signal: AbortSignal): Promise<CacheLook> => {
    let because: RefusalReason | "nothing" = "nothing";
    for (const { entry, similarity } of await near.of(question.text, signal)) {
      const evidence = book.evidence(entry.kind);
      const shadow = isShadowed(scope.workspace, lookups);
      const asked = { text: question.text, scope, fingerprint: known.fingerprint };
      const decision = decideServe(asked, { entry, similarity, evidence, now: clock.now(), shadow });
      if (decision.serve) {
        lookups++;
        return { hit: hitOf(entry, clock.now(), { similarity, tier: "semantic" }) };
      }
      if (because === "nothing") because = decision.because;
      if (!decision.compare) continue;
      lookups++;
      compared.set(known.key, { entry, similarity });
      return { because: decision.because };
    }
    return { because };
  };
  const keep = async (question: AnswerQuestion, answer: OfferedAnswer, known: Key) => {
    const candidate = compared.get(known.key);
    compared.delete(known.key);
    const vector = await near.vectorOf(question.text).catch(() => undefined);
    if (candidate) near.replace(await judge(options, candidate, answer.text));
    const now = clock.now();
    const entry: CacheEntry = {
      id: known.key,
      question: question.text,
      answer: answer.text,
      scope,
      fingerprint: known.fingerprint,
      kind: intentOf(question.text),
      createdAt: now,
      bound: Math.max(FIRST_BOUND, options.similarity),
      evidence: { agreed: 0, disagreed: 0 },
      label: answer.label,
    };
    await layers.set(known.key, JSON.stringify(entry), options.ttlMs);
    book.put({
      entry,
      ...(vector ? { vector: vector.vector } : {}),
      model: vector?.model ?? "",
      expires: now + options.ttlMs,
    });
    if (vector) near.add(entry, vector.vector);
    return undefined;
  };
  return {
    async lookup(question, signal) {
      const known = keyed(question, scope);
      const never = neverAsked(question, options.anyTemperature);
      if (never) return { because: never };
      if (!known) return { because: "no-fingerprint" };
      const look = async (): Promise<CacheLook> => {
        await keepUp();
        const same = await exact(known.key);
        return same ? { hit: same } : lookNear(question, known, signal);
      };
      return unharmed(look, { because: "cache-failed" }, signal);
    },
    async offer(question, answer) {
      const known = keyed(question, scope);
      const never = whyNot(question, answer, { scope, fingerprint: known?.fingerprint, options });
      if (never && known) compared.delete(known.key);
      if (never || !known) return never ?? "no-fingerprint";
      return unharmed(() => keep(question, answer, known), "cache-failed");
    },
    async explain(text, signal) {
      const found = new Map((await near.of(text, signal)).map(({ entry, similarity }) => [entry.id, similarity]));
      const rows = book.list(scope, near.model(), clock.now()).map(({ entry }) => {
        const similarity = entry.question === text ? 1 : found.get(entry.id);
        const difference = differenceOf(text, entry.question);
        return {
          question: entry.question,
          ageMs: clock.now() - entry.createdAt,
          bound: entry.bound,
          ...(similarity === undefined ? {} : { similarity }),
          ...(difference === undefined ? {} : { difference }),
        };
      });
      return rows.toSorted((a, b) => (b.similarity ?? 0) - (a.similarity ?? 0)).slice(0, NEIGHBOURS);
    },
    async stats() {
      const problem = near.problem() ?? broken;
      return {
        tiers: await layers.stats(),
        semantic: {
          entries: book.count(),
          bytes: near.bytes(),
          evidence: book.kinds(),
          ...(problem === undefined ? {} : { problem }),
        },
      };
    },
    async clear() {
      near.clear();
      const semantic = book.clear();
      return { ...(await layers.clear()), semantic };
    },
    async close() {
      await layers.close();
      book.close();
    },
  };
}

function hitOf(entry: CacheEntry, now: number, where: { similarity: number; tier: string }): CachedAnswer {
  return { text: entry.answer, ageMs: Math.max(0, now - entry.createdAt), label: entry.label, ...where };
}

interface Key {
  readonly key: string;
  readonly fingerprint: string;
}

/** The key of the same question in the same context; undefined when a part of the context is not known. */
function keyed({ text, parts }: AnswerQuestion, scope: CacheScope): Key | undefined {
  const fingerprint = fingerprintOf(parts);
  if (fingerprint === undefined) return undefined;
  return { fingerprint, key: sha256(JSON.stringify([scope.user, scope.workspace, scope.role, fingerprint, text])) };
}

/** What is known before any answer: such a question never has one here. */
function neverAsked({ text, temperature }: AnswerQuestion, anyTemperature: boolean): NeverReason | undefined {
  if (temperature !== 0 && !anyTemperature) return "temperature";
  return isTimeDependent(text) ? "time-dependent" : undefined;
}

function whyNot(
  question: AnswerQuestion,
  answer: OfferedAnswer,
  known: { scope: CacheScope; fingerprint: string | undefined; options: AnswersOptions },
): NeverReason | undefined {
  const { scope, fingerprint, options } = known;
  return whyNotCacheable({
    prompt: question.text,
    text: answer.text,
    scope,
    fingerprint,
    stop: answer.stop,
    temperature: question.temperature,
    anyTemperature: options.anyTemperature,
    made: {
      toolCalls: answer.toolCalls,
      edits: false,
      commands: false,
      approvals: false,
      verdicts: false,
      vote: false,
    },
    secrets: options.hasSecret(question.text) || options.hasSecret(answer.text),
    label: answer.label,
  });
}

/** Compares the model's answer with the one that would have been served, and learns from it. */
async function judge(
  options: AnswersOptions,
  { entry, similarity }: { entry: CacheEntry; similarity: number },
  text: string,
): Promise<CacheEntry> {
  const { book, embedder } = options;
  const agreed = await sameAnswer(entry.answer, text, embedder);
  const after = observe({ entry, similarity, evidence: book.evidence(entry.kind) }, agreed);
  book.update(after.entry);
  book.setEvidence(entry.kind, after.evidence);
  return after.entry;
}

async function sameAnswer(a: string, b: string, embedder: AnswersOptions["embedder"]): Promise<boolean> {
  const plain = (text: string) => text.replace(/\s+/g, " ").trim();
  if (plain(a) === plain(b)) return true;
  const facts = (text: string) =>
    (text.match(/[\w./-]*\d[\w./-]*|`[^`]+`|--?[a-z][\w-]*|[\w-]+\/[\w./-]+/gi) ?? []).toSorted().join("\n");
  if (!embedder || facts(a) !== facts(b)) return false;
  const [one, two] = await (await embedder()).embed([a, b], AbortSignal.timeout(EMBED_MS));
  if (!one || !two) return false;
  return one.reduce((sum, value, at) => sum + value * (two[at] ?? 0), 0) >= SAME_ANSWER;
}

interface Neighbours {
  /** Entries near the text, nearest first; none without an embedding model, or while it does not answer. */
  of(text: string, signal: AbortSignal): Promise<readonly { entry: CacheEntry; similarity: number }[]>;
  vectorOf(text: string): Promise<{ vector: Float32Array; model: string } | undefined>;
  add(entry: CacheEntry, vector: Float32Array): void;
  /** The same entry with another bound. */
  replace(entry: CacheEntry): void;
  model(): string;
  bytes(): number;
  /** Why the embedding model did not answer the last time. */
  problem(): string | undefined;
  clear(): void;
}

/** The index of this scope, rebuilt from the book at the first question. */
function createNeighbours({ scope, book, embedder, clock, maxBytes, ttlMs }: AnswersOptions): Neighbours {
  let slabs: SemanticSlabs | undefined;
  let model = "";
  let problem: string | undefined;
  /** Of the last text: the answer to a question needs it once more. */
  let last: { text: string; vector: Float32Array | undefined } | undefined;
  const entries = new Map<number, CacheEntry>();
  const places = new Map<string, number>();
  const space = () => ({ scope, model });
  const forget = () => {
    entries.clear();
    places.clear();
  };
  const add = (entry: CacheEntry, vector: Float32Array) => {
    if (!slabs) return;
    const before = places.get(entry.id);
    if (before !== undefined) slabs.remove(space(), before);
    const { place, dropped } = slabs.add(space(), vector);
    if (dropped.length > 0) forget();
    entries.set(place, entry);
    places.set(entry.id, place);
  };
  const rebuild = (dimension: number) => {
    slabs = createSemanticSlabs({ bytes: maxBytes });
    for (const { entry, vector } of book.list(scope, model, clock.now()).toReversed())
      if (vector?.length === dimension) add(entry, vector);
  };
  const vectorOf = async (text: string) => {
    if (!embedder) return undefined;
    if (last?.text !== text) {
      last = { text, vector: undefined };
      const engine = await embedder();
      model = engine.ref.digest ?? nameOf(engine.ref);
      const [vector] = await engine.embed([text], AbortSignal.timeout(EMBED_MS));
      last = { text, vector };
      problem = undefined;
    }
    const { vector } = last;
    if (!vector) return undefined;
    if (!slabs) rebuild(vector.length);
    return { vector, model };
  };
  const near = (vector: Float32Array) =>
    (slabs?.nearest(space(), vector, NEIGHBOURS) ?? []).flatMap(({ place, cosine }) => {
      const entry = entries.get(place);
      return entry && entry.createdAt + ttlMs > clock.now() ? [{ entry, similarity: cosine }] : [];
    });
  return {
    async of(text, signal) {
      last = undefined;
      try {
        const known = await abortable(vectorOf(text), signal);
        return known ? near(known.vector) : [];
      } catch (error) {
        if (signal.aborted) throw error;
        // Only the same words find their answer now; `crucible cache stats` says why.
        problem = error instanceof Error ? error.message : String(error);
        return [];
      }
    },
    vectorOf,
    add,
    replace(entry) {
      const place = places.get(entry.id);
      if (place !== undefined) entries.set(place, entry);
    },
    model: () => model,
    bytes: () => slabs?.bytes ?? 0,
    problem: () => problem,
    clear() {
      slabs?.clear();
      forget();
    },
  };
}
