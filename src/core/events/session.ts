/** Events of a conversation's life. */
import type { Fault } from "../../base/error.ts";
import type { ImagePart, ModelRef, TextPart } from "../message.ts";
import type { Window } from "../model.ts";
import type { ResourceUse } from "../performance.ts";
import type { Todo } from "../ports/hands.ts";
import type { Outcome } from "../task.ts";
import type { Mode } from "../verdict.ts";

export type SessionEvent =
  | {
      readonly kind: "session-start";
      readonly workspace: string;
      readonly title: string;
      readonly name?: string;
      readonly program: string;
      /** The agent that it works as. */
      readonly agent?: string;
      readonly fork?: { readonly session: string; readonly seq: number };
      /** It came from a file: all of it is a stranger's word. */
      readonly imported?: true;
    }
  | { readonly kind: "session-name"; readonly name: string }
  /** What may run without a question, from here on. */
  | { readonly kind: "mode-set"; readonly mode: Mode }
  /** A process took the session over after an earlier writer. */
  | { readonly kind: "session-resume" }
  | { readonly kind: "session-end" }
  | { readonly kind: "model-chosen"; readonly model: ModelRef; readonly window: Window; readonly server: string }
  | { readonly kind: "turn-start"; readonly prompt: readonly (TextPart | ImagePart)[] }
  /** `resources`: what the process used since the turn before. */
  | {
      readonly kind: "turn-end";
      readonly outcome: Outcome;
      readonly durationMs: number;
      readonly resources?: ResourceUse;
    }
  /** Text appended to the thread because something changed: date, cwd, git state, instructions. */
  | { readonly kind: "context-added"; readonly source: string; readonly text: string; readonly hash: string }
  | { readonly kind: "todos-set"; readonly todos: readonly Todo[] }
  /** Files are as they were before these turns, and the thread goes on from there. `clock`: the edit clock after it. */
  | {
      readonly kind: "turn-undone" | "turn-redone";
      readonly turns: readonly number[];
      readonly files: number;
      readonly clock: number;
    }
  | { readonly kind: "fault-raised"; readonly fault: Fault };
