/** The port to LLM servers. */
import type { Json } from "../../base/canonical-json.ts";
import type { ModelRef } from "../message.ts";
import type { ModelInfo, ModelPart, ModelRequest, Window } from "../model.ts";

/** What the user said about the model; everything absent is discovered. */
export interface ModelChoice {
  /** `provider/model`, split at the first slash; with `localProvider` or `baseUrl` the bare name. */
  readonly model?: string;
  readonly localProvider?: "ollama" | "lmstudio" | "llamacpp";
  readonly baseUrl?: string;
  /** Window in tokens given by flag or config. */
  readonly context?: number;
  /** Window of an earlier run of the same session: kept as it was. */
  readonly window?: Window;
}

/** One model on one server, its window settled. */
export interface OpenModel {
  readonly ref: ModelRef;
  readonly info: ModelInfo;
  readonly window: Window;
  /** Lines to tell the person (a window that was chosen, a window that is assumed). */
  readonly notes: readonly string[];
  /** Streams one answer. Failures arrive as a `failure` part; abort closes the socket in < 100 ms. */
  generate(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
  /** Tokens of a request as it would be sent: calibrated by reported counts, or bytes with a 25 % margin. */
  estimate(request: ModelRequest): { readonly tokens: number; readonly calibrated: boolean };
}

export interface ServerStatus {
  readonly provider: string;
  readonly url: string;
  readonly reachable: boolean;
  readonly version?: string;
  readonly problem?: string;
  readonly hint?: string;
}

/** What was learned about a server, model and version from its replies; kept by whoever has a disk. */
export interface QuirkStore {
  load(key: string): unknown;
  save(key: string, value: Json): void;
}

export interface Models {
  /** Finds the server and model of `choice`. Throws `server-unreachable`, `model-missing`, `model-unfit`. */
  open(choice: ModelChoice, signal: AbortSignal): Promise<OpenModel>;
  /** Every model of every server that answers, and the state of each server looked at. */
  list(
    choice: ModelChoice,
    signal: AbortSignal,
  ): Promise<{
    readonly models: readonly ModelInfo[];
    readonly servers: readonly ServerStatus[];
  }>;
}
