/** A request to a model and what comes back, independent of any server's wire format. */
import type { Fault } from "../base/error.ts";
import type { Message, ModelRef, StopReason, ToolCallPart, Usage } from "./message.ts";

/** A tool as the model sees it. `parameters` is a JSON Schema object. */
export interface ToolDeclaration {
  readonly name: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export type Effort = "off" | "low" | "medium" | "high";

export interface Sampling {
  readonly temperature?: number;
  readonly maxTokens?: number;
  readonly effort?: Effort;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly repeatPenalty?: number;
  /** Makes a server's sampling repeatable where it can; answers still differ with load. */
  readonly seed?: number;
  /** Switches of the model's chat template, where the server takes them (`chat_template_kwargs`). */
  readonly templateArguments?: Readonly<Record<string, unknown>>;
}

/** What the person settled for one model; a flag wins over it. */
export interface Profile extends Sampling {
  /** Window in tokens. */
  readonly context?: number;
  /** How long the server keeps the model after an answer: `30m`, `24h`, `-1` for ever (Ollama). */
  readonly keepAlive?: string;
}

/**
 * The context window in tokens and where the number comes from.
 * `configured` by the user; `loaded` as the server says; `chosen` by us and sent with each request;
 * `assumed` when the server tells nothing.
 */
export interface Window {
  readonly tokens: number;
  readonly source: "configured" | "loaded" | "chosen" | "assumed";
  /** Largest window the model supports, if known. */
  readonly max?: number;
  readonly maxSource?: string;
}

export interface ModelRequest {
  readonly system: string;
  readonly messages: readonly Message[];
  readonly tools: readonly ToolDeclaration[];
  readonly sampling: Sampling;
  /** JSON Schema the answer must meet: the request is then sent constrained, with thinking off. */
  readonly schema?: Readonly<Record<string, unknown>>;
}

/** One step of a model's answer. Failures travel here; a stream never throws for a server's fault. */
export type ModelPart =
  /** `ahead`: answers of this process that run or wait before it. */
  | { readonly type: "queued"; readonly ahead?: number }
  | { readonly type: "loading"; readonly progress?: number }
  | { readonly type: "prefill"; readonly done: number; readonly total: number }
  | { readonly type: "thinking"; readonly text: string }
  | { readonly type: "text"; readonly text: string }
  /** A call that met the tool's schema; `repaired` names the stages that were needed. */
  | { readonly type: "tool-call"; readonly call: ToolCallPart; readonly repaired: readonly RepairStage[] }
  /** One more constrained request is sent to mend an invalid call; its tokens are in `usage`. */
  | { readonly type: "reask"; readonly tool: string; readonly problem: string }
  | { readonly type: "note"; readonly code: "window-unverified" | "quirk-learned"; readonly text: string }
  | { readonly type: "usage"; readonly usage: Usage }
  | { readonly type: "finish"; readonly reason: StopReason }
  | { readonly type: "failure"; readonly fault: Fault };

export type RepairStage = "text" | "tolerant" | "coerced" | "reasked";

/** What is known of one model on one server; every number names its source. */
export interface ModelInfo {
  readonly ref: ModelRef;
  readonly server: string;
  readonly sizeBytes?: number;
  readonly state: "loaded" | "cold" | "unknown";
  readonly loadedWindow?: { readonly tokens: number; readonly source: string };
  readonly maxWindow?: { readonly tokens: number; readonly source: string };
  readonly tools: Ability;
  readonly thinking: Ability;
  readonly vision: Ability;
  readonly kind: "chat" | "embedding" | "unknown";
  /** The machine elsewhere that would really answer; such a model is refused. */
  readonly remote?: string;
}

export type Ability = "yes" | "no" | "unknown";
