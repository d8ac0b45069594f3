/** Context truth: how large the model's window is, and who says so. */

import { CrucibleError } from "../base/error.ts";
import { nameOf } from "../core/message.ts";
import type { ModelInfo, Window } from "../core/model.ts";

/** A window at least this large is adopted as the server loaded it. */
const WORTH_ADOPTING = 16_384;
const BUCKETS = [65_536, 32_768, 16_384];
const ASSUMED = 8_192;
/** An agent's prompt, one file and an answer do not fit in less. */
const LEAST = 4_096;
/** Left to the rest of the machine, in bytes. */
const RESERVE = 1024 ** 3;
/** Bytes of key-value cache per token when the model does not tell its shape (an 8B model in f16). */
const USUAL_KV_BYTES = 131_072;

export interface WindowQuestion {
  readonly info: ModelInfo;
  /** By flag or configuration. */
  readonly configured?: number;
  /** Of an earlier run of the same session. */
  readonly kept?: Window;
  /** Present when each request names the window, so that we may choose it (Ollama). */
  readonly choice?: {
    readonly loopback: boolean;
    readonly freeMemoryBytes: number;
    /** Bytes of key-value cache per token, if the model's shape is known. */
    readonly kvBytesPerToken?: number;
    /** `num_ctx` baked into the model. */
    readonly baked?: number;
  };
}

export interface WindowAnswer {
  readonly window: Window;
  readonly notes: readonly string[];
}

/** configured > loaded > chosen bucket > assumed. Throws `model-unfit` when the model itself is too small. */
export function settleWindow(question: WindowQuestion): WindowAnswer {
  const { info, configured, kept } = question;
  const most = info.maxWindow;
  const name = nameOf(info.ref);
  const bound = most ? { max: most.tokens, maxSource: most.source } : {};
  if (most && most.tokens < LEAST) {
    throw new CrucibleError(
      "model-unfit",
      `${name} has a window of ${most.tokens} tokens; an agent needs at least ${LEAST}`,
      {
        hint: "choose another model: crucible models",
      },
    );
  }
  if (configured !== undefined) {
    const notes =
      most && configured > most.tokens
        ? [`window ${configured} is larger than ${name} supports (${most.tokens} by ${most.source})`]
        : [];
    return { window: { tokens: configured, source: "configured", ...bound }, notes };
  }
  if (kept && kept.source !== "assumed") return { window: { ...kept, ...bound }, notes: [] };
  const loaded = info.loadedWindow;
  if (question.choice) return chosen(question, question.choice, bound);
  if (loaded) {
    const notes =
      loaded.tokens < WORTH_ADOPTING
        ? [
            `${name} is loaded with a window of only ${loaded.tokens} tokens (${loaded.source}); load it with ${WORTH_ADOPTING} or more`,
          ]
        : [];
    return { window: { tokens: loaded.tokens, source: "loaded", ...bound }, notes };
  }
  const tokens = Math.min(ASSUMED, most?.tokens ?? ASSUMED);
  return {
    window: { tokens, source: "assumed", ...bound },
    notes: [`the server does not tell the window of ${name}: ${tokens} tokens assumed; set it with --context`],
  };
}

function chosen(
  question: WindowQuestion,
  choice: NonNullable<WindowQuestion["choice"]>,
  bound: { max?: number; maxSource?: string },
): WindowAnswer {
  const { info } = question;
  const loaded = info.loadedWindow;
  const name = nameOf(info.ref);
  if (loaded && loaded.tokens >= WORTH_ADOPTING)
    return { window: { tokens: loaded.tokens, source: "loaded", ...bound }, notes: [] };
  const most = bound.max ?? Number.POSITIVE_INFINITY;
  if (choice.baked !== undefined && choice.baked >= WORTH_ADOPTING) {
    const tokens = Math.min(choice.baked, most);
    return {
      window: { tokens, source: "chosen", ...bound },
      notes: [`window ${tokens} chosen for ${name}: baked into the model`],
    };
  }
  const perToken = choice.kvBytesPerToken ?? USUAL_KV_BYTES;
  const room = choice.freeMemoryBytes - RESERVE - (info.state === "loaded" ? 0 : (info.sizeBytes ?? 0));
  const fitting = choice.loopback ? BUCKETS.find((bucket) => bucket <= most && bucket * perToken <= room) : undefined;
  const tokens = Math.min(fitting ?? WORTH_ADOPTING, most);
  const reason = !choice.loopback
    ? "a remote server's memory is unknown"
    : fitting === undefined
      ? "memory is short: it may load slowly or not at all"
      : tokens === most
        ? "the model's maximum"
        : "fits the free memory";
  const reload = loaded ? `; it was loaded with ${loaded.tokens} and loads again` : "";
  return {
    window: { tokens, source: "chosen", ...bound },
    notes: [`window ${tokens} chosen for ${name} (${reason})${reload}`],
  };
}
