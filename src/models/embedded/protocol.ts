/** What the program and the process of an engine say to each other: messages over Node's channel between processes. */
import type { FaultCode } from "../../base/error.ts";

/** Given to the engine's process when it starts, as JSON in its last argument. */
export interface Setup {
  readonly file: string;
  readonly threads: number;
  readonly gpu: Gpu;
}

export type Gpu = "off" | "auto" | "cuda" | "vulkan" | "metal";

export interface ChatBody {
  /** Tokens of the window to make room for. */
  readonly window: number;
  readonly options: {
    readonly temperature?: number;
    readonly topP?: number;
    readonly topK?: number;
    readonly minP?: number;
    readonly repeatPenalty?: number;
    readonly seed?: number;
    readonly maxTokens?: number;
  };
  /** JSON Schema of the answer. */
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly messages: readonly { readonly role: "system" | "user" | "assistant"; readonly content: string }[];
}

export interface EmbedBody {
  readonly input: readonly string[];
}

export type ToEngine =
  | { readonly id: number; readonly do: "chat" | "embed"; readonly body: string }
  /** Ends the work with this id at the next token; it is answered by `end`. */
  | { readonly id: number; readonly do: "stop" };

/** A line of an answer, as it goes to the decoder of the wire. */
export interface Line {
  readonly text?: string;
  /** 0 to 1. */
  readonly loading?: number;
  readonly prefill?: { readonly done: number; readonly total: number };
  readonly usage?: {
    readonly input: number;
    readonly cached: number;
    readonly output: number;
    readonly loadMs?: number;
    readonly prefillMs: number;
    readonly decodeMs: number;
  };
  readonly finish?: "stop" | "length";
  readonly embeddings?: readonly (readonly number[])[];
}

/** A fault of the engine; `no-package` and `overflow` are worded by the program. */
export interface Refusal {
  readonly code: FaultCode | "no-package";
  readonly message: string;
  readonly hint?: string;
}

export type FromEngine =
  | { readonly id: number; readonly line: Line }
  | { readonly id: number; readonly end: true }
  | { readonly id: number; readonly refusal: Refusal }
  /** The window that is loaded now (tokens). */
  | { readonly id: number; readonly loaded: number };
