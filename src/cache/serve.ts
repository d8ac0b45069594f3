/** The whole rule by which a cached answer is served in the model's place. Whatever is not surely right is refused. */
import { canonicalJson } from "../base/canonical-json.ts";
import { sha256 } from "../base/hash.ts";
import type {
  CacheDecision,
  CacheEntry,
  CacheEvidence,
  CacheQuestion,
  CacheScope,
  FingerprintParts,
  RefusalReason,
} from "../core/cache.ts";
import { isTrusted } from "./evidence.ts";
import { differenceOf } from "./guards.ts";

/** Where the bound of a new entry stands; it only rises. */
export const FIRST_BOUND = 0.95;
/** Share of would-be hits that the model answers all the same, to be compared. */
const SHADOW_SHARE = 0.02;

/** The hash of all that an answer rests on; undefined when a part is not known. */
export function fingerprintOf(parts: FingerprintParts): string | undefined {
  const { files, ...others } = parts;
  const known = [...Object.values(others), ...Object.values(files)].every((part) => part !== "");
  return known ? sha256(canonicalJson(parts)) : undefined;
}

/** One would-be hit: its candidate, how near it is, what is known of its class, and whether it is to be compared. */
export interface Candidate {
  readonly entry: CacheEntry;
  /** Cosine of the embeddings, measured by the index. */
  readonly similarity: number;
  /** Comparisons of the entry's kind of question. */
  readonly evidence: CacheEvidence;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Of `isShadowed`. */
  readonly shadow: boolean;
}

/** Serves only when every rule holds; else says which did not. Pure. */
export function decideServe(question: CacheQuestion, candidate: Candidate): CacheDecision {
  const { entry, similarity, evidence, now, shadow } = candidate;
  const refused = (because: RefusalReason, compare = false): CacheDecision => ({ serve: false, because, compare });
  if (!sameScope(question.scope, entry.scope)) return refused("scope");
  if (!question.fingerprint || question.fingerprint !== entry.fingerprint) return refused("fingerprint");
  const difference = differenceOf(question.text, entry.question);
  if (difference) return refused(difference);
  if (!(similarity >= Math.max(entry.bound, FIRST_BOUND))) return refused("below-bound");
  if (!isTrusted(entry.evidence)) return refused("entry-unproven", true);
  if (!isTrusted(evidence)) return refused("class-disabled", true);
  if (shadow) return refused("shadow-check", true);
  return { serve: true, entry, ageMs: Math.max(0, now - entry.createdAt), similarity };
}

function sameScope(a: CacheScope, b: CacheScope): boolean {
  const parts = ["user", "workspace", "role"] as const;
  return parts.every((part) => a[part] !== "" && a[part] === b[part]);
}

/** Whether the would-be hit number `counter` is compared: 2 % of them, spread by a hash, the same for the same seed. */
export function isShadowed(seed: string, counter: number): boolean {
  return Number.parseInt(sha256(`${seed}:${counter}`).slice(0, 8), 16) < SHADOW_SHARE * 2 ** 32;
}

/** Entry and class after the model's own answer was compared with the cached one. */
export function observe(
  given: { readonly entry: CacheEntry; readonly similarity: number; readonly evidence: CacheEvidence },
  agreed: boolean,
): { readonly entry: CacheEntry; readonly evidence: CacheEvidence } {
  const { entry, similarity, evidence } = given;
  // Half the way from where it was wrong to 1: the next must be clearly nearer.
  const bound = agreed ? entry.bound : Math.max(entry.bound, (Math.min(1, similarity) + 1) / 2);
  return {
    entry: { ...entry, bound, evidence: counted(entry.evidence, agreed) },
    evidence: counted(evidence, agreed),
  };
}

function counted({ agreed, disagreed }: CacheEvidence, same: boolean): CacheEvidence {
  return same ? { agreed: agreed + 1, disagreed } : { agreed, disagreed: disagreed + 1 };
}
