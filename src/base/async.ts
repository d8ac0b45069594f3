/** Structured concurrency in a page: deadlines and delays. */

/** Rejects with the signal's reason as soon as `signal` aborts; otherwise settles as `work` does. Its late failure is nobody's. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined);
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Waits `ms` milliseconds or until `signal` aborts (then rejects with its reason). */
export async function delay(ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  try {
    await (signal ? abortable(promise, signal) : promise);
  } finally {
    clearTimeout(timer);
  }
}

/** For long work on the main thread: call it often; it gives a promise to await when `ms` milliseconds have passed. */
export function slices(ms: number): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < ms) return undefined;
    return new Promise((resolve) =>
      setImmediate(() => {
        since = performance.now();
        resolve();
      }),
    );
  };
}
