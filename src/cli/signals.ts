/** Signals: the first Ctrl+C cancels the turn, the second leaves at once; SIGTERM saves and leaves. */

export interface Signals {
  readonly signal: AbortSignal;
  /** 130 or 143 once a signal came. */
  exitCode(): number | undefined;
  stop(): void;
}

export function onSignals(): Signals {
  const abort = new AbortController();
  let code: number | undefined;
  const interrupt = () => {
    if (code !== undefined) process.exit(130);
    code = 130;
    abort.abort();
  };
  const terminate = () => {
    code ??= 143;
    abort.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", terminate);
  process.on("SIGHUP", terminate);
  return {
    signal: abort.signal,
    exitCode: () => code,
    stop() {
      // A second signal while leaving must not turn the exit code into a death by signal.
      if (code !== undefined) return;
      process.off("SIGINT", interrupt);
      process.off("SIGTERM", terminate);
      process.off("SIGHUP", terminate);
    },
  };
}
