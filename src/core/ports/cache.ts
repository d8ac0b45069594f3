/** Ports of what may be reused: tiers that keep bodies under exact keys, and the cache of answers above them. */

import type { CacheEvidence, FingerprintParts, NeverReason, QuestionDifference, RefusalReason } from "../cache.ts";
import type { Label } from "../label.ts";
import type { StopReason } from "../message.ts";

/** A body and its times (milliseconds since the epoch). */
export interface TierEntry {
  readonly body: string;
  readonly at: number;
  readonly expires: number;
}

export interface TierStats {
  readonly name: string;
  /** `down` with the reason: slower, never wrong. */
  readonly state: "up" | "down";
  readonly problem?: string;
  readonly entries?: number;
  readonly bytes?: number;
  readonly hits: number;
  readonly misses: number;
}

/** A place for entries. Keys are hashes in hex; a tier may forget any entry at any time, and gives back what was put in or nothing. */
export interface CacheTier {
  readonly name: string;
  get(key: string): Promise<TierEntry | undefined>;
  set(key: string, entry: TierEntry): Promise<void>;
  remove(key: string): Promise<void>;
  /** Removes everything this program has put here; how much that was. */
  clear(): Promise<number>;
  size(): Promise<{ readonly entries: number; readonly bytes: number }>;
  close(): Promise<void>;
}

/** A question at the start of a turn, and all its answer rests on. */
export interface AnswerQuestion {
  readonly text: string;
  readonly parts: FingerprintParts;
  /** The sampling temperature that is sent; undefined when the server chooses. */
  readonly temperature: number | undefined;
}

export interface CachedAnswer {
  readonly text: string;
  readonly ageMs: number;
  /** 1 for the same words. */
  readonly similarity: number;
  /** Where it was found. */
  readonly tier: string;
  readonly label: Label;
}

export type CacheLook =
  | { readonly hit: CachedAnswer }
  /** `because`: why the nearest entry was not served; `nothing` when there was none. */
  | { readonly hit?: undefined; readonly because: RefusalReason | NeverReason | "nothing" };

/** An answer of a model that may be kept. */
export interface OfferedAnswer {
  readonly text: string;
  readonly stop: StopReason;
  readonly toolCalls: boolean;
  readonly label: Label;
}

export interface AnswerCacheStats {
  readonly tiers: readonly TierStats[];
  /** Entries with vectors, and the shared memory that holds them. */
  readonly semantic: {
    readonly entries: number;
    readonly bytes: number;
    readonly problem?: string;
    readonly evidence: readonly (CacheEvidence & { readonly kind: string })[];
  };
}

/** Why an entry of this workspace would or would not answer a prompt, its context apart. */
export interface CacheExplanation {
  readonly question: string;
  readonly ageMs: number;
  /** Undefined without a model for embeddings. */
  readonly similarity?: number;
  readonly bound: number;
  /** What the words say; absent when they are the same question. */
  readonly difference?: QuestionDifference;
}

export interface AnswerCache {
  lookup(question: AnswerQuestion, signal: AbortSignal): Promise<CacheLook>;
  /** Keeps the answer, or compares it with the one that would have been served. Why it was not kept, if it was not. */
  offer(question: AnswerQuestion, answer: OfferedAnswer): Promise<NeverReason | undefined>;
  explain(text: string, signal: AbortSignal): Promise<readonly CacheExplanation[]>;
  stats(): Promise<AnswerCacheStats>;
  /** How many entries were removed, by place. */
  clear(): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}
