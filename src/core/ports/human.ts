/** The port to the person, if one is there. */

export interface ApprovalQuestion {
  readonly callId: string;
  readonly tool: string;
  /** One line: what would be done. */
  readonly title: string;
  /** Parsed parts, paths, hosts and reasons, escaped for display. */
  readonly lines: readonly string[];
}

export interface Human {
  /** False when nobody can answer: questions become denials. */
  readonly present: boolean;
  approve(question: ApprovalQuestion, signal: AbortSignal): Promise<"yes" | "no">;
  ask(question: string, options: readonly string[], signal: AbortSignal): Promise<string | undefined>;
}
