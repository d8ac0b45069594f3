/** The port to LLM servers. */
import type { Json } from "../../base/canonical-json.ts";
import type { Fault } from "../../base/error.ts";
import type { ModelRef } from "../message.ts";
import type { ModelInfo, ModelPart, ModelRequest, Sampling, Window } from "../model.ts";
import type { RouteDecision } from "../route.ts";

/** Who asks: seats of a busy server go to the person first. */
export type Priority = "user" | "council" | "background";

/** The way to one model on one server, as it stands. */
export interface LaneState {
  /** `provider/model`. */
  readonly name: string;
  readonly server: string;
  readonly breaker: "closed" | "open" | "half-open";
  /** Failed calls since the last answer. */
  readonly failures: number;
  /** When an open breaker lets a call through again (milliseconds since the epoch). */
  readonly until?: number;
  /** Answers at a time, and who says so. */
  readonly slots: number;
  readonly slotsSource: "configured" | "told" | "measured" | "assumed";
  readonly active: number;
  readonly queued: number;
}

/** What was learned of one model from real answers; absent = not seen yet. */
export interface Rates {
  readonly answers: number;
  /** Milliseconds from sending to the first token, moving mean. */
  readonly ttftMs?: number;
  /** Tokens of the prompt evaluated per second, cached ones apart. */
  readonly prefillPerSecond?: number;
  readonly decodePerSecond?: number;
  /** Milliseconds to load the model. */
  readonly loadMs?: number;
  /** Part of the prompt that the server had already: 0 to 1. */
  readonly reuse?: number;
  readonly bytesPerToken?: number;
  readonly validCalls: number;
  readonly invalidCalls: number;
  /** By complexity band: how work of that kind ended. */
  readonly outcomes: Readonly<Record<string, { readonly good: number; readonly bad: number }>>;
}

export const LOCAL_PROVIDERS = ["ollama", "lmstudio", "llamacpp", "embedded"] as const;
export type LocalProvider = (typeof LOCAL_PROVIDERS)[number];

/** What the user said about the model; everything absent is discovered. */
export interface ModelChoice {
  /** `provider/model`, split at the first slash; with `localProvider` or `baseUrl` the bare name. */
  readonly model?: string;
  readonly localProvider?: LocalProvider;
  readonly baseUrl?: string;
  /** Window in tokens given by flag or config. */
  readonly context?: number;
  /** Window of an earlier run of the same session: kept as it was. */
  readonly window?: Window;
  /** The model of an earlier run: the person may have tiers for this one. */
  readonly remembered?: boolean;
  /** `provider/model` names that answer when the chosen one cannot, in their order. */
  readonly fallback?: readonly string[];
}

/** What the next answer is for. */
export interface RouteQuestion {
  readonly request: ModelRequest;
  /** The person's words. */
  readonly prompt: string;
  /** The first request of a turn: what failed in the last one may be asked again. */
  readonly newTurn: boolean;
  /** The model in use failed at this request: another must answer it. */
  readonly failed?: Fault;
  /** A measured failure that a better model may not have: the thread stays raised. */
  readonly raise?: string;
}

/** One model on one server, its window settled. */
export interface OpenModel {
  readonly ref: ModelRef;
  readonly info: ModelInfo;
  readonly window: Window;
  /** Lines to tell the person (a window that was chosen, a window that is assumed). */
  readonly notes: readonly string[];
  /** What is sent where a request says nothing of it: configuration and profile. */
  readonly sampling: Sampling;
  /** What was learned of it here. */
  readonly rates: Rates;
  readonly lane: LaneState;
  /** Streams one answer. Failures arrive as a `failure` part; abort closes the socket in < 100 ms. */
  generate(request: ModelRequest, signal: AbortSignal, priority?: Priority): AsyncIterable<ModelPart>;
  /**
   * Makes the server ready for a request that will be sent: llama-server reads the prompt, Ollama loads the model. False
   * where the server has no way to. Only for a prompt that was sent already or a council that was announced. Throws `CrucibleError`.
   */
  warm(request: ModelRequest, signal: AbortSignal): Promise<boolean>;
  /** Tokens of a request as it would be sent: calibrated by reported counts, or bytes with a 25 % margin. */
  estimate(request: ModelRequest): { readonly tokens: number; readonly calibrated: boolean };
  /** How a turn with this prompt ended: what the router learns from. */
  learn(prompt: string, good: boolean): void;
  /**
   * Chooses the model of the next request; `ref`, `window` and `generate` are then that model's. Undefined when nothing
   * can answer but what failed. Absent when there is only one model.
   */
  readonly route?: (question: RouteQuestion, signal: AbortSignal) => Promise<Routed | undefined>;
}

export interface Routed extends RouteDecision {
  /** Another model than before answers from now on. */
  readonly changed: boolean;
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

/** A step of a download: bytes where the server tells them. */
export interface PullStep {
  readonly status: string;
  readonly done?: number;
  readonly total?: number;
}

/** One request of a trial and what it showed. */
export interface TrialStep {
  readonly name: string;
  readonly ok: boolean;
  /** An agent cannot work without it. */
  readonly needed: boolean;
  readonly text: string;
}

/** A model that turns texts into vectors. */
export interface Embedder {
  readonly ref: ModelRef;
  /**
   * One unit vector for each text, in order; their length is the model's. Texts asked for in the same turn of the event
   * loop go in one request, and the same text that is already on its way is asked for once. Throws `CrucibleError`.
   */
  embed(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]>;
  /** Requests sent and texts asked for, so that what batching saves can be measured. */
  readonly counts: { readonly texts: number; readonly sent: number; readonly requests: number };
}

export interface Models {
  /** Finds the server and model of `choice`. Throws `server-unreachable`, `model-missing`, `model-unfit`. */
  open(choice: ModelChoice, signal: AbortSignal): Promise<OpenModel>;
  /** Fetches a model from the source of the server of `choice`. Throws `server-unreachable`, `model-missing`, `model-unfit`. */
  pull(choice: ModelChoice & { readonly model: string }, signal: AbortSignal): AsyncIterable<PullStep>;
  /** Loads the model in the window that it would be used with; the server keeps it for `keepAlive`. */
  load(choice: ModelChoice, signal: AbortSignal, keepAlive?: string): Promise<OpenModel>;
  unload(choice: ModelChoice, signal: AbortSignal): Promise<ModelInfo>;
  /** The model of the `embed` tier, or the one named. Throws `model-missing` when there is none, else as `open`. */
  embedder(choice: ModelChoice, signal: AbortSignal): Promise<Embedder>;
  /** Up to four requests to an open model, each shown when it is done; what they teach is kept. */
  trial(model: OpenModel, signal: AbortSignal): AsyncIterable<TrialStep>;
  /** What earlier answers taught of a model, and the last change of its breaker in any process. Reads no socket. */
  known(info: ModelInfo): { readonly rates: Rates; readonly lane?: LaneState & { readonly at: number } };
  /** Which model would answer `prompt` in a new session, and why. Throws as `open`. */
  explain(choice: ModelChoice, prompt: string, signal: AbortSignal): Promise<RouteDecision>;
  /** Makes a GGUF file known as `embedded/<name>`. Throws `model-missing`, `model-unfit`, `usage` for a name in use. */
  add(path: string, name?: string): Promise<ModelInfo>;
  /** Forgets what `add` made known; the file stays. Throws `model-missing`. */
  remove(name: string): Promise<void>;
  /** Every model of every server that answers, and the state of each server looked at. */
  list(
    choice: ModelChoice,
    signal: AbortSignal,
  ): Promise<{
    readonly models: readonly ModelInfo[];
    readonly servers: readonly ServerStatus[];
  }>;
}
