/** What a council may still use: every call is reserved before it is sent, so that no limit is passed. */
import type { Clock } from "../base/clock.ts";
import type { CouncilCost } from "../core/council.ts";
import type { CouncilBudget } from "../core/ports/council.ts";

export interface CallCost {
  readonly promptTokens: number;
  readonly outputTokens: number;
}

export interface Budget {
  /** False when the call would pass a limit; `settle` replaces the estimate by what it really took. */
  reserve(
    estimate: CallCost,
  ): { settle(cost: CallCost & { readonly cachedTokens: number; readonly ms: number }): void } | undefined;
  /** Adds what a run of a check took. */
  ran(ms: number): void;
  /** Milliseconds of wall time that are left; Infinity without a limit. */
  wallLeft(): number;
  execLeft(): number;
  /** Adds what is on record already. */
  add(cost: CouncilCost): void;
  readonly cost: CouncilCost;
}

const FIELDS = ["calls", "promptTokens", "cachedTokens", "outputTokens", "modelMs", "execMs"] as const;

/** What came to `before` until `after`. */
export function difference(after: CouncilCost, before: CouncilCost): CouncilCost {
  const cost = { ...after };
  for (const field of FIELDS) cost[field] -= before[field];
  return cost;
}

/** The clock starts now: what an earlier process used of the wall time is not counted, its calls are. */
export function createBudget(limits: CouncilBudget, clock: Clock): Budget {
  const started = clock.monotonic();
  const cost = { calls: 0, promptTokens: 0, cachedTokens: 0, outputTokens: 0, modelMs: 0, execMs: 0 };
  const reserved = { calls: 0, promptTokens: 0, outputTokens: 0 };
  const fits = (limit: number | undefined, value: number) => limit === undefined || value <= limit;
  const tokens = (of: CallCost) => of.promptTokens + of.outputTokens;
  return {
    cost,
    reserve(estimate) {
      const wanted =
        fits(limits.calls, cost.calls + reserved.calls + 1) &&
        fits(limits.promptTokens, cost.promptTokens + reserved.promptTokens + estimate.promptTokens) &&
        fits(limits.outputTokens, cost.outputTokens + reserved.outputTokens + estimate.outputTokens) &&
        fits(limits.tokens, tokens(cost) + tokens(reserved) + tokens(estimate));
      if (!wanted) return undefined;
      reserved.calls++;
      reserved.promptTokens += estimate.promptTokens;
      reserved.outputTokens += estimate.outputTokens;
      return {
        settle(real) {
          reserved.calls--;
          reserved.promptTokens -= estimate.promptTokens;
          reserved.outputTokens -= estimate.outputTokens;
          cost.calls++;
          cost.promptTokens += real.promptTokens;
          cost.cachedTokens += real.cachedTokens;
          cost.outputTokens += real.outputTokens;
          cost.modelMs += real.ms;
        },
      };
    },
    add(more) {
      for (const field of FIELDS) cost[field] += more[field];
    },
    ran(ms) {
      cost.execMs += ms;
    },
    wallLeft: () =>
      limits.wallMs === undefined
        ? Number.POSITIVE_INFINITY
        : Math.max(0, limits.wallMs - (clock.monotonic() - started)),
    execLeft: () => (limits.execMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, limits.execMs - cost.execMs)),
  };
}
