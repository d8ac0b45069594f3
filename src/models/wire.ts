/** What an adapter must offer and the steps into which it takes a reply apart; no server's format is known here. */
import type { ModelInfo, ModelRequest, Window } from "../core/model.ts";
import type { PullStep } from "../core/ports/models.ts";
import type { Http } from "./http.ts";
import type { Lines } from "./lines.ts";
import type { Problem } from "./problem.ts";
import type { Quirks } from "./quirks.ts";
import type { Timeouts } from "./timeouts.ts";

export type ServerKind = "ollama" | "openai-compatible" | "embedded";

/** A place where a server is or may be. */
export interface Target {
  /** `ollama`, `lmstudio`, `llamacpp`, `vllm`, `openai`, or the configured name. */
  readonly provider: string;
  /** Unknown until a look has settled it. */
  readonly kind: ServerKind | undefined;
  /** Without path, query and final slash. */
  readonly root: string;
  /** Where the OpenAI-style routes start, for example `http://127.0.0.1:1234/v1`. */
  readonly base: string;
  readonly apiKey?: string;
  /** Where we know it from, for people: `OLLAMA_HOST`, `config`, `port 1234`. */
  readonly origin: string;
  /** True when a name in the configuration fixes the provider id. */
  readonly named: boolean;
}

/** What one look at a server gave: `models`, or why there are none. */
export interface Glance {
  readonly target: Target;
  readonly state: "up" | "down" | "loading" | "locked" | "foreign";
  readonly version?: string;
  readonly models: readonly ModelInfo[];
  /** One phrase: `connection refused`, `loading a model`. */
  readonly problem?: string;
  /** The server takes llama-server's extra fields (`return_progress`). */
  readonly extras?: boolean;
  /** Answers at a time, if the server tells. */
  readonly slots?: number;
}

/** One model looked at closely. */
export interface Detail {
  readonly info: ModelInfo;
  /** Bytes of key-value cache per token and the window baked into the model, if told. */
  readonly kvBytesPerToken?: number;
  readonly bakedWindow?: number;
}

/** What is needed to look at servers. */
export interface Look {
  readonly http: Http;
  readonly timeouts: Timeouts;
  readonly signal: AbortSignal;
  /** Ask for the server's version too; without it only when a model has no digest. */
  readonly version?: boolean;
  /** One end for all questions together; without it each has its own. */
  readonly deadline?: AbortSignal;
}

/** One kind of server. */
export interface Provider {
  readonly kind: ServerKind;
  /** True when each request names the window (and must name a constant one). */
  readonly choosesWindow: boolean;
  look(look: Look, target: Target): Promise<Glance>;
  detail(look: Look, target: Target, info: ModelInfo): Promise<Detail>;
  wire(target: Target, info: ModelInfo, glance: Glance, keepAlive?: string): Wire;
  /** Vectors as the server gives them, in the order of `texts`. */
  embed(look: Look, target: Target, model: string, texts: readonly string[]): Promise<readonly (readonly number[])[]>;
  /** What the server can do with models itself. */
  readonly care: Care;
}

/** Requests that change what a server holds; each is asked for by the person. All throw `CrucibleError`. */
export interface Care {
  /** Fetches a model from the server's own source. */
  pull(look: Look, target: Target, name: string): AsyncIterable<PullStep>;
  /** Loads a model with a window of so many tokens; resolves when it is loaded. */
  load(
    look: Look,
    target: Target,
    info: ModelInfo,
    wish: { readonly window: number; readonly keepAlive?: string },
  ): Promise<void>;
  unload(look: Look, target: Target, info: ModelInfo): Promise<void>;
}

/** Tokens as a server reports them; absent fields were not told. */
export interface WireUsage {
  readonly input?: number;
  readonly cached?: number;
  readonly output?: number;
  readonly loadMs?: number;
  readonly prefillMs?: number;
  readonly decodeMs?: number;
}

/** A tool call as the model wrote it, not yet checked. */
export interface RawCall {
  readonly id?: string;
  readonly name: string;
  /** An object, or text that should be JSON. */
  readonly args: unknown;
  /** Found in text instead of the server's own field. */
  readonly fromText: boolean;
}

/** Where a decoder delivers. Called many thousand times per answer: no allocation per token. */
export interface Sink {
  text(piece: string): void;
  thinking(piece: string): void;
  call(call: RawCall): void;
  /** Part of the model that is in memory: 0 to 1. */
  loading(progress: number): void;
  prefill(done: number, total: number): void;
  usage(usage: WireUsage): void;
  /** The server's own word for the end of the answer: `stop`, `length`, `tool_calls`, `load` ... */
  finish(reason: string): void;
  /** The model that answers, as the server names it. */
  model(name: string): void;
  /** The answer comes from a machine elsewhere. */
  remote(host: string): void;
  problem(problem: Problem): void;
}

/** One wire format, bound to one model. */
export interface Wire {
  readonly url: string;
  /** The body to send. The messages of one request are the first bytes of the messages of the next. */
  encode(request: ModelRequest, quirks: Quirks, window: Window): string;
  decoder(sink: Sink, contentType: string): Lines;
  /** A body for the same address that makes the server ready for `request` without an answer; absent where there is none. */
  readonly warm?: (request: ModelRequest, quirks: Quirks, window: Window) => string;
}

/** A request is encoded to estimate it, to send it and to check what the server counted: its text is made once. */
export function encodeOnce(wire: Wire): Wire {
  let last: { request: ModelRequest; quirks: Quirks; window: Window; text: string } | undefined;
  return {
    ...wire,
    encode(request, quirks, window) {
      if (last?.request !== request || last.quirks !== quirks || last.window !== window)
        last = { request, quirks, window, text: wire.encode(request, quirks, window) };
      return last.text;
    },
  };
}
