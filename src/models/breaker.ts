/** Keeps calls away from a server that fails: cockatiel's circuit breaker, fed by what became of whole streams. */
import type { CircuitBreakerPolicy, IBreaker } from "cockatiel";

/** Failures in a row that open it. */
export const THRESHOLD = 5;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;
/** It opens too when half of at least ten calls of the last 30 s failed. */
const SAMPLE = { threshold: 0.499, duration: 30_000, minimumRps: 10 / 30 };

/** `unknown`: cancelled before anything was learned of the server. */
export type CallEnd = "answered" | "failed" | "unknown";

export interface Breaker {
  /**
   * Admits a call or rejects with `Broken`. After a pause one call may try again, behind `probe`, which rejects when the
   * server is still down. The returned function takes what became of the call.
   */
  admit(probe: () => Promise<void>): Promise<(end: CallEnd) => void>;
  readonly state: "closed" | "open" | "half-open";
  /** Failures since the last answer. */
  readonly failures: number;
  /** When an open breaker lets a call through again (milliseconds since the epoch). */
  readonly until: number | undefined;
}

/** The breaker is open: nothing was sent. */
export class Broken extends Error {}

class Counted extends Error {}
class Uncounted extends Error {}

type Library = typeof import("cockatiel");

interface Loaded {
  readonly library: Library;
  readonly policy: CircuitBreakerPolicy;
}

/** The library is loaded after the first failure: a server that answers never needs it. */
export function createBreaker(now: () => number, onChange: () => void): Breaker {
  let loaded: Loaded | undefined;
  let loading: Promise<Loaded> | undefined;
  let failures = 0;
  let openedAt = 0;
  let pause = FIRST_PAUSE_MS;
  const load = async () => {
    const library = await import("cockatiel");
    const policy = policyOf(library);
    policy.onBreak(() => {
      pause = openedAt === 0 ? FIRST_PAUSE_MS : Math.min(pause * 2, LONGEST_PAUSE_MS);
      openedAt = now();
    });
    policy.onReset(() => {
      openedAt = 0;
    });
    policy.onStateChange(onChange);
    loaded = { library, policy };
    return loaded;
  };
  const count = (end: CallEnd) => {
    if (end === "failed") failures++;
    else if (end === "answered") failures = 0;
  };
  /** Takes in the end of a call that was admitted before the library was there. */
  const late = async (end: CallEnd) => {
    if (end === "failed") loading ??= load();
    const { policy } = (await loading) ?? {};
    await policy?.execute(() => outcomeOf(end)).catch(() => undefined);
  };
  /** Ends that the library has not counted yet: it takes some turns of the queue, and a new call must not slip in between. */
  const uncounted = new Set<Promise<unknown>>();
  const awaitCount = (counted: Promise<unknown>) => {
    uncounted.add(counted);
    void counted.finally(() => uncounted.delete(counted));
  };
  return {
    async admit(probe) {
      await Promise.all(uncounted);
      await loading;
      if (!loaded) {
        return (end) => {
          count(end);
          awaitCount(late(end));
        };
      }
      const { library, policy } = loaded;
      const admitted = Promise.withResolvers<void>();
      const ended = Promise.withResolvers<CallEnd>();
      const trial = async () => {
        if (policy.state === library.CircuitState.HalfOpen) await probe().catch(() => Promise.reject(new Counted()));
        admitted.resolve();
        await outcomeOf(await ended.promise);
      };
      const counted = policy.execute(trial).catch(() => admitted.reject(new Broken()));
      await admitted.promise;
      return (end) => {
        count(end);
        ended.resolve(end);
        awaitCount(counted);
      };
    },
    get state() {
      return loaded ? nameOf(loaded) : "closed";
    },
    get failures() {
      return failures;
    },
    get until() {
      return openedAt === 0 ? undefined : openedAt + pause;
    },
  };
}

async function outcomeOf(end: CallEnd): Promise<void> {
  if (end === "failed") throw new Counted();
  if (end === "unknown") throw new Uncounted();
}

function nameOf({ library: { CircuitState }, policy: { state } }: Loaded): Breaker["state"] {
  return state === CircuitState.Closed ? "closed" : state === CircuitState.HalfOpen ? "half-open" : "open";
}

function policyOf({
  circuitBreaker,
  handleType,
  ConsecutiveBreaker,
  SamplingBreaker,
  ExponentialBackoff,
  noJitterGenerator,
}: Library) {
  const breakers: readonly IBreaker[] = [new ConsecutiveBreaker(THRESHOLD), new SamplingBreaker(SAMPLE)];
  const either: IBreaker = {
    state: undefined,
    success: (state) => {
      for (const breaker of breakers) breaker.success(state);
    },
    failure: (state) => breakers.map((breaker) => breaker.failure(state)).some(Boolean),
  };
  const halfOpenAfter = new ExponentialBackoff({
    initialDelay: FIRST_PAUSE_MS,
    maxDelay: LONGEST_PAUSE_MS,
    exponent: 2,
    generator: noJitterGenerator,
  });
  return circuitBreaker(handleType(Counted), { breaker: either, halfOpenAfter });
}
