/** The way to one model on one server: a seat of the server, and a breaker that knows when not to try. */
import { abortable } from "../base/async.ts";
import { CrucibleError, type FaultCode } from "../base/error.ts";
import type { LaneState, Priority } from "../core/ports/models.ts";
import { type Breaker, type CallEnd, createBreaker, THRESHOLD } from "./breaker.ts";
import { createSlots, type Slots } from "./slots.ts";

/** One server, shared by its models. */
export interface Seats {
  readonly slots: Slots;
  /** Answers at a time, and who says so. */
  capacity: { readonly count: number; readonly source: "configured" | "told" | "measured" | "assumed" };
  /** What became of the last call. */
  report(end: CallEnd): void;
}

/** Failures in a row after which a server in doubt gets no further call at the same time. */
export function createSeats(capacity: Seats["capacity"]): Seats {
  let proven = false;
  let failures = 0;
  const seats: Seats = {
    capacity,
    // While it is not known whether anybody answers, no more may try at once than the breaker would let fail.
    slots: createSlots(() => {
      const { count } = seats.capacity;
      return proven ? count : Math.max(1, Math.min(count, THRESHOLD - failures));
    }),
    report(end) {
      if (end === "unknown") return;
      proven = end === "answered";
      failures = end === "answered" ? 0 : failures + 1;
      if (proven) seats.slots.wake();
    },
  };
  return seats;
}

export interface Lane {
  readonly seats: Seats;
  readonly breaker: Breaker;
  /** Throws `server-unreachable` when the breaker is open, the signal's reason when cancelled. */
  enter(priority: Priority, signal: AbortSignal, onQueued: () => void): Promise<Pass>;
  state(): LaneState;
}

export interface Pass {
  /** The server is there: it has begun to answer. */
  answering(): void;
  /** Call once; `code` is the fault that ended the call, absent for an answer. */
  end(code?: FaultCode): void;
}

export interface LaneOptions {
  readonly name: string;
  readonly server: string;
  readonly seats: Seats;
  readonly now: () => number;
  /** Rejects while the server does not answer at all. */
  readonly probe: (signal: AbortSignal) => Promise<void>;
  readonly onChange?: (state: LaneState) => void;
}

/** Faults that speak against the server; a bad request or a missing model does not. */
const COUNTED: ReadonlySet<FaultCode> = new Set(["server-unreachable", "server-stalled", "server-error"]);

export function createLane(options: LaneOptions): Lane {
  const { name, server, seats, now } = options;
  const breaker = createBreaker(now, () => options.onChange?.(state()));
  const state = (): LaneState => ({
    name,
    server,
    breaker: breaker.state,
    failures: breaker.failures,
    ...(breaker.until === undefined ? {} : { until: breaker.until }),
    slots: seats.capacity.count,
    slotsSource: seats.capacity.source,
    active: seats.slots.active,
    queued: seats.slots.waiting,
  });
  const admit = async (signal: AbortSignal) => {
    const entry = breaker.admit(() => options.probe(signal));
    try {
      return await abortable(entry, signal);
    } catch (error) {
      // Admitted after all, but nobody waits any more: the breaker must not wait for the outcome.
      entry.then((report) => report("unknown")).catch(() => undefined);
      if (signal.aborted) throw signal.reason;
      const wait = Math.max(1, Math.ceil(((breaker.until ?? now()) - now()) / 1_000));
      throw new CrucibleError(
        "server-unreachable",
        `${name} failed ${breaker.failures} times in a row; it is left alone for ${wait} s`,
        {
          hint: `look at the server at ${server}, or choose another model with -m`,
          retryable: true,
          cause: error,
        },
      );
    }
  };
  return {
    seats,
    breaker,
    state,
    async enter(priority, signal, onQueued) {
      const leave = await seats.slots.acquire(priority, signal, onQueued);
      const report = await admit(signal).catch((error: unknown) => {
        leave();
        throw error;
      });
      return {
        answering: () => seats.report("answered"),
        end(code) {
          const end: CallEnd =
            code === undefined
              ? "answered"
              : code === "aborted"
                ? "unknown"
                : COUNTED.has(code)
                  ? "failed"
                  : "answered";
          seats.report(end);
          report(end);
          leave();
        },
      };
    },
  };
}
