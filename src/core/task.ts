/** One piece of work handed to a conductor, and how it ended. */
import type { Fault } from "../base/error.ts";
import type { Actor } from "./actor.ts";
import type { ImagePart, TextPart } from "./message.ts";

/** Limits of one run; absent means unlimited. */
export interface Budget {
  readonly turns?: number;
  readonly toolCalls?: number;
  readonly wallMs?: number;
  readonly tokens?: number;
}

export interface Task {
  readonly turn: number;
  readonly prompt: readonly (TextPart | ImagePart)[];
  readonly actor: Actor;
  readonly budget: Budget;
  /** JSON Schema the final answer must meet. */
  readonly answerSchema?: Readonly<Record<string, unknown>>;
  /** Hands out what the person said since it was last asked: it enters the thread before the next request. */
  readonly steering?: () => readonly Said[];
}

/** What a person says: words and pictures. */
export type Said = readonly (TextPart | ImagePart)[];

/** A run of a test, type or lint command, with the edit clock at its start. */
export interface CheckRun {
  readonly check: "test" | "types" | "lint" | "build";
  readonly command: string;
  readonly exitCode: number;
  readonly clock: number;
  readonly callId: string;
}

/** What is proved about the workspace at the end of a run. */
export interface Verification {
  readonly status: "passed" | "failed" | "not-verified" | "unchanged";
  /** Runs newer than the last edit. */
  readonly runs: readonly CheckRun[];
  readonly text: string;
  /** The run changed the workspace. */
  readonly changed: boolean;
}

export interface Denial {
  readonly callId: string;
  readonly tool: string;
  readonly rule: string;
  readonly reason: string;
}

export interface Outcome {
  readonly status: "done" | "failed" | "cancelled";
  readonly text: string;
  readonly fault?: Fault;
  readonly verification: Verification;
  /** Denials that were neither replaced by a later success of that tool nor followed by a passing check. */
  readonly openDenials: readonly Denial[];
  readonly turns: number;
  readonly toolCalls: number;
}
