/** The four limits of a model request, and the one timer that watches them. */
import type { Clock } from "../base/clock.ts";

/** All times in milliseconds. */
export interface Timeouts {
  readonly connectMs: number;
  /** Loading a cold model. */
  readonly loadMs: number;
  /** Least and most time to the first token; between them it grows with the prompt. */
  readonly firstTokenMinMs: number;
  readonly firstTokenMaxMs: number;
  /** Silence between tokens. A ping is silence, prompt progress is not. */
  readonly stallMs: number;
  /** An answer from a place that was only guessed (the usual ports). */
  readonly probeMs: number;
  /** An answer from a server that the person named: a machine busy with a model may take its time. */
  readonly namedProbeMs: number;
  /** Waits before asking a busy server again; after the last one the fault is told. */
  readonly busyWaitsMs: readonly number[];
  /** Wait between two looks at a loading server. */
  readonly loadingWaitMs: number;
}

export const TIMEOUTS: Timeouts = {
  connectMs: 2_000,
  loadMs: 600_000,
  firstTokenMinMs: 60_000,
  firstTokenMaxMs: 1_800_000,
  stallMs: 30_000,
  probeMs: 1_900,
  namedProbeMs: 10_000,
  busyWaitsMs: [250, 500, 1_000, 2_000, 4_000],
  loadingWaitMs: 500,
};

/** Tokens per second of prompt evaluation on a slow CPU; used until a reply tells the real rate. */
const SLOW_PREFILL = 30;

/** Time to the first token for a prompt: three times the prediction plus five seconds, within the limits. */
export function firstTokenLimit(timeouts: Timeouts, tokens: number, tokensPerSecond = SLOW_PREFILL): number {
  const predicted = (tokens / Math.max(tokensPerSecond, 1)) * 1_000;
  return Math.min(timeouts.firstTokenMaxMs, Math.max(timeouts.firstTokenMinMs, predicted * 3 + 5_000));
}

export interface Watchdog {
  /** From now on `ms` of waiting is too long. */
  allow(ms: number): void;
  /** Brackets a wait: time in which the reader itself is busy does not count. */
  waiting(state: boolean): void;
  stop(): void;
}

/** Calls `onLate` once when a wait outlasts its limit. One timer, set again only when it fires early. */
export function createWatchdog(clock: Clock, onLate: () => void): Watchdog {
  let limit = 0;
  let left = Number.POSITIVE_INFINITY;
  let since: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let due = Number.POSITIVE_INFINITY;
  const arm = (ms: number) => {
    clearTimeout(timer);
    due = clock.monotonic() + ms;
    timer = setTimeout(check, Math.min(ms, 2 ** 31 - 1));
  };
  const check = () => {
    timer = undefined;
    due = Number.POSITIVE_INFINITY;
    const rest = since === undefined ? limit : left - (clock.monotonic() - since);
    if (since !== undefined && rest <= 0) onLate();
    else arm(Math.max(rest, 1));
  };
  return {
    allow(ms) {
      limit = ms;
      left = ms;
      const now = clock.monotonic();
      if (since !== undefined) since = now;
      if (timer === undefined || due > now + ms) arm(ms);
    },
    waiting(state) {
      const now = clock.monotonic();
      if (!state && since !== undefined) left -= now - since;
      since = state ? now : undefined;
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
