/** Events of one action on its way through the gate. */
import type { Json } from "../../base/canonical-json.ts";
import type { Label } from "../label.ts";
import type { ImagePart, TextPart } from "../message.ts";
import type { ApprovalAnswer } from "../ports/human.ts";
import type { Verdict } from "../verdict.ts";

export type GateEvent =
  | {
      readonly kind: "tool-requested";
      readonly callId: string;
      readonly tool: string;
      readonly input: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: "verdict-given";
      readonly callId: string;
      readonly tool: string;
      readonly verdict: Verdict;
      readonly verdicts: readonly Verdict[];
      readonly micros: number;
    }
  | {
      readonly kind: "approval-asked";
      readonly callId: string;
      readonly title: string;
      readonly lines: readonly string[];
      readonly rules?: readonly string[];
    }
  | { readonly kind: "approval-given"; readonly callId: string; readonly answer: ApprovalAnswer; readonly by: string }
  /** The intent: flushed before the effect. */
  | {
      readonly kind: "tool-start";
      readonly callId: string;
      readonly tool: string;
      readonly title: string;
      readonly inputHash: string;
    }
  | { readonly kind: "tool-delta"; readonly callId: string; readonly text: string }
  | {
      readonly kind: "tool-end";
      readonly callId: string;
      readonly tool: string;
      readonly parts: readonly (TextPart | ImagePart)[];
      readonly failed: boolean;
      readonly denied: boolean;
      readonly durationMs: number;
      readonly label: Label;
      readonly details?: { readonly [key: string]: Json };
    }
  /** Undo material of one file: blob hashes before and after; null = absent. `clock` is the edit clock after it. */
  | {
      readonly kind: "file-changed";
      readonly callId: string;
      readonly path: string;
      readonly before: string | null;
      readonly after: string | null;
      readonly mode: number;
      readonly clock: number;
    }
  /** Every workspace file was remembered before a command; `dropped` names what undo does not cover. */
  | {
      readonly kind: "snapshot-taken";
      readonly callId: string;
      readonly files: number;
      readonly dropped: readonly string[];
    }
  /** What a command was found to have changed: up to 100 absolute paths, and how many more. */
  | {
      readonly kind: "effects-found";
      readonly callId: string;
      readonly paths: readonly string[];
      readonly more: number;
    }
  | {
      readonly kind: "hook-ran";
      /** Name of the hook event. */
      readonly on: string;
      readonly command: string;
      readonly origin: string;
      readonly decision?: "ask" | "deny";
      readonly reason?: string;
      /** What went wrong with the hook itself. */
      readonly failed?: string;
      readonly durationMs: number;
    }
  /** What a foreign server says beside its answers: its log, its state. Shown with `--debug`, never stored. */
  | { readonly kind: "server-note"; readonly server: string; readonly text: string }
  | { readonly kind: "job-start"; readonly callId: string; readonly job: string; readonly command: string }
  | { readonly kind: "job-end"; readonly job: string; readonly exitCode: number | null };
