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

export interface Human {
  /** False when nobody can answer: questions become denials. */
  readonly present: boolean;
  /** Who answers, where it is not who asked for the work. */
  readonly actor?: Actor;
  approve(question: ApprovalQuestion, signal: AbortSignal): Promise<ApprovalAnswer>;
  ask(question: string, options: readonly string[], signal: AbortSignal): Promise<string | undefined>;
}

/** Nobody is there: every question is a denial. */
export const NOBODY: Human = { present: false, approve: async () => "no", ask: async () => undefined };
