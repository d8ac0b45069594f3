/** What every form of output is: a consumer of events with a beginning and an end. */
import type { Fault } from "../../base/error.ts";
import type { Event } from "../../core/event.ts";
import type { LiveSession } from "../../core/ports/app.ts";
import type { Outcome } from "../../core/task.ts";
import { lineOf } from "../output.ts";

export interface RunResult {
  readonly outcome: Outcome;
  readonly exitCode: number;
  readonly durationMs: number;
}

export interface Renderer {
  start(session: LiveSession): void;
  event(event: Event): void;
  /** Every event up to `seq` is on disk. */
  flushed?(seq: number): void;
  /** Stops anything transient on the screen while a question is asked. */
  pause(): void;
  end(result: RunResult): void;
  /** A failure before or beside a run. */
  fault(fault: Fault, exitCode: number): void;
}

/** One line: what failed and what to do next, whatever stands in it. A hint that is a command stays as it is typed. */
export function faultLine({ message, hint }: Fault): string {
  if (!hint) return lineOf(message);
  return lineOf(
    /^(?:crucible|apt-get|sysctl)\b/.test(hint)
      ? `${message}. Try: ${hint}`
      : `${message}. ${hint[0]?.toUpperCase() ?? ""}${hint.slice(1)}`,
  );
}
