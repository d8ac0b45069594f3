/** What a cached answer is, what a question must share with it to be served it, and why one is refused. */
import * as z from "zod/mini";
import type { Label } from "./label.ts";
import type { StopReason } from "./message.ts";

/** Whose answers: nothing crosses from one scope into another. */
export const CacheScope = z.object({ user: z.string(), workspace: z.string(), role: z.string() });
export type CacheScope = z.infer<typeof CacheScope>;

/** All that an answer rests on beside the question; hashes are SHA-256 in hex. */
export interface FingerprintParts {
  /** Digest of the model's weights. A server that tells none gives no fingerprint. */
  readonly model: string;
  readonly system: string;
  readonly tools: string;
  readonly voice: string;
  /** Hash of the content by path, of every file that the question or its context shows. */
  readonly files: Readonly<Record<string, string>>;
  readonly history: string;
}

/** How often a cached answer was compared with the model's own, and how often it was the same. */
export const CacheEvidence = z.object({ agreed: z.number(), disagreed: z.number() });
export type CacheEvidence = z.infer<typeof CacheEvidence>;

/** A stored answer. */
export const CacheEntry = z.object({
  id: z.string(),
  question: z.string(),
  answer: z.string(),
  scope: CacheScope,
  fingerprint: z.string(),
  /** The kind of question whose evidence is kept together. */
  kind: z.string(),
  /** Milliseconds since 1970. */
  createdAt: z.number(),
  /** Its own bound: the least cosine at which it is served. */
  bound: z.number(),
  evidence: CacheEvidence,
  /** Of the context that the answer was made in; a hit carries it on. */
  label: z.object({
    integrity: z.enum(["external", "workspace", "user", "operator"]),
    confidentiality: z.enum(["public", "workspace", "secret"]),
  }),
});
export type CacheEntry = z.infer<typeof CacheEntry>;

/** A question that looks for an answer. */
export interface CacheQuestion {
  readonly text: string;
  readonly scope: CacheScope;
  /** Undefined when a part of it is not known: then nothing is served. */
  readonly fingerprint: string | undefined;
}

/** What keeps two questions from being the same. */
export type QuestionDifference =
  | "unsure"
  | "language"
  | "negation"
  | "opposite"
  | "quoted"
  | "path"
  | "flag"
  | "version"
  | "number"
  | "identifier"
  | "order"
  | "article"
  | "intent"
  | "words";

export type RefusalReason =
  | "scope"
  | "fingerprint"
  | QuestionDifference
  | "below-bound"
  | "entry-unproven"
  | "class-disabled"
  | "shadow-check";

/** `compare`: the answer would have been served; the model's own answer is to be compared with it and observed. */
export type CacheDecision =
  | { readonly serve: true; readonly entry: CacheEntry; readonly ageMs: number; readonly similarity: number }
  | { readonly serve: false; readonly because: RefusalReason; readonly compare: boolean };

/** What is known of an answer that might be stored. */
export interface AnswerFacts {
  readonly prompt: string;
  readonly text: string;
  readonly scope: CacheScope;
  readonly fingerprint: string | undefined;
  readonly stop: StopReason;
  /** The sampling temperature that was sent; undefined when the server chose. */
  readonly temperature: number | undefined;
  /** The user asked that answers of this temperature be kept. */
  readonly anyTemperature: boolean;
  /** What the answer contains or was made with. */
  readonly made: {
    readonly toolCalls: boolean;
    readonly edits: boolean;
    readonly commands: boolean;
    readonly approvals: boolean;
    readonly verdicts: boolean;
    readonly vote: boolean;
  };
  /** The redactor found a secret in the prompt, the context or the answer. */
  readonly secrets: boolean;
  readonly label: Label;
}

export type NeverReason =
  | "no-scope"
  | "no-fingerprint"
  | "tool-calls"
  | "edits"
  | "commands"
  | "approvals"
  | "verdicts"
  | "vote"
  | "secrets"
  | "time-dependent"
  | "incomplete"
  | "empty"
  | "temperature"
  | "cache-failed";
