/** Events of one voice at work. */

import type { Label } from "../label.ts";
import type { AssistantMessage, ModelRef, UserMessage } from "../message.ts";
import type { RouteDecision } from "../route.ts";
import type { CheckRun } from "../task.ts";

/** What a request to a model is for; only `turn` enters the thread. */
export type Purpose = "turn" | "compaction" | "answer" | "reader" | "council" | "task" | "sampling";

export type AgentEvent =
  | {
      readonly kind: "model-start";
      readonly request: number;
      readonly model: ModelRef;
      readonly purpose: Purpose;
      readonly estimate: number;
      /** Milliseconds to the first token, predicted from what earlier answers taught. */
      readonly expectedMs?: number;
    }
  | {
      readonly kind: "model-progress";
      readonly state: "queued" | "loading" | "prefill" | "reask";
      readonly done?: number;
      readonly total?: number;
      readonly ahead?: number;
      readonly text?: string;
    }
  /** Which of several models answers, and what spoke for and against each. */
  | ({ readonly kind: "route-decided"; readonly changed: boolean } & RouteDecision)
  /** A look into the cache of answers; a hit carries the label of what it was made from. */
  | {
      readonly kind: "cache-looked";
      readonly hit: boolean;
      readonly because?: string;
      readonly tier?: string;
      readonly ageMs?: number;
      readonly similarity?: number;
      readonly label?: Label;
    }
  | { readonly kind: "model-note"; readonly code: string; readonly text: string }
  | { readonly kind: "text-delta"; readonly text: string }
  | { readonly kind: "thinking-delta"; readonly text: string }
  /** Carries the whole message; a cut stream has stop `aborted` and the text so far. */
  | {
      readonly kind: "model-end";
      readonly request: number;
      readonly message: AssistantMessage;
      readonly ttftMs: number;
      readonly durationMs: number;
      readonly purpose: Purpose;
    }
  /** A message the harness adds to the thread: a nudge, a changed instruction, steering. */
  | { readonly kind: "message-added"; readonly message: UserMessage; readonly reason: string }
  | {
      readonly kind: "loop-broken";
      readonly pattern: "same-call" | "alternating" | "repeated-text" | "empty-turn";
      readonly strike: number;
    }
  /** The view from here on: `summary` stands for every message before `keepFrom` (index into the thread). */
  | {
      readonly kind: "context-compacted";
      readonly summary: string;
      readonly keepFrom: number;
      readonly before: number;
      readonly after: number;
    }
  | ({ readonly kind: "check-run" } & CheckRun);
