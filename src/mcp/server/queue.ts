/** One piece of work after the other: sessions of one workspace do not run side by side. */

export interface Queue {
  /** Begins when all before have ended; who gives up while waiting is never begun. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** How many wait or run. */
  readonly length: number;
  /** Resolves when nothing runs any more. */
  idle(): Promise<void>;
}

export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  let length = 0;
  return {
    get length() {
      return length;
    },
    run(work, signal) {
      length++;
      const next = last.then(() => {
        signal.throwIfAborted();
        return work();
      });
      last = next.then(
        () => void length--,
        () => void length--,
      );
      return next;
    },
    idle: async () => void (await last),
  };
}
