/** The port to the person, if one is there. */
import type { Actor } from "../actor.ts";

export interface ApprovalQuestion {
  readonly callId: string;
  readonly tool: string;
  /** One line: what would be done. */
  readonly title: string;
  /** Parsed parts, paths, hosts and reasons, escaped for display. */
  readonly lines: readonly string[];
  /** What "always" would store, in words, one line each; empty when it can only be allowed once. */
  readonly rules: readonly string[];
}

/** `always`: also for later calls that the shown rules cover. */
export type ApprovalAnswer = "yes" | "always" | "no";

/** No, with what the person wants the model to know about it. */
export interface Refusal {
  readonly answer: "no";
  readonly reason: string;
}

export interface Human {
  /** False when nobody can answer: questions become denials. */
  readonly present: boolean;
  /** Who answers, where it is not who asked for the work. */
  readonly actor?: Actor;
  approve(question: ApprovalQuestion, signal: AbortSignal): Promise<ApprovalAnswer | Refusal>;
  ask(question: string, options: readonly string[], signal: AbortSignal): Promise<string | undefined>;
}

/** The answer alone, and the words that came with a no. */
export function answerOf(given: ApprovalAnswer | Refusal): {
  readonly answer: ApprovalAnswer;
  readonly reason: string;
} {
  return typeof given === "string" ? { answer: given, reason: "" } : given;
}

/** Nobody is there: every question is a denial. */
export const NOBODY: Human = { present: false, approve: async () => "no", ask: async () => undefined };
