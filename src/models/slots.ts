/** The seats of one server: as many answers at a time as it has slots, the person's own first. */
import type { Priority } from "../core/ports/models.ts";

export interface Slots {
  /** Waits for a seat; `onQueued` is called once if there is none at once. Rejects with the signal's reason. */
  acquire(priority: Priority, signal: AbortSignal, onQueued?: () => void): Promise<() => void>;
  /** Looks again at the capacity, after it has grown. */
  wake(): void;
  readonly active: number;
  readonly waiting: number;
}

interface Waiter {
  readonly rank: number;
  readonly seat: () => void;
}

const RANKS: readonly Priority[] = ["user", "council", "background"];

/** `capacity` is asked anew for each seat: it may fall while a server is in doubt. */
export function createSlots(capacity: () => number): Slots {
  const queue: Waiter[] = [];
  let active = 0;
  const wake = () => {
    while (active < capacity()) {
      const next = queue.shift();
      if (!next) return;
      active++;
      next.seat();
    }
  };
  const release = () => {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      active--;
      wake();
    };
  };
  const enqueue = (waiter: Waiter) => {
    const at = queue.findIndex(({ rank }) => rank > waiter.rank);
    queue.splice(at < 0 ? queue.length : at, 0, waiter);
  };
  return {
    async acquire(priority, signal, onQueued) {
      signal.throwIfAborted();
      if (active < capacity() && queue.length === 0) {
        active++;
        return release();
      }
      onQueued?.();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter = { rank: RANKS.indexOf(priority), seat: resolve };
      const leave = () => {
        const at = queue.indexOf(waiter);
        if (at >= 0) queue.splice(at, 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      enqueue(waiter);
      await promise.finally(() => signal.removeEventListener("abort", leave));
      return release();
    },
    wake,
    get active() {
      return active;
    },
    get waiting() {
      return queue.length;
    },
  };
}
