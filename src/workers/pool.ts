/** One pool of worker threads for CPU-bound jobs; threads start with the first jobs and never hold the process open. */
import { Worker } from "node:worker_threads";
import { CrucibleError } from "../base/error.ts";
import type { JobKind, JobMetrics, JobOptions, Jobs, WorkerMetrics, Workers } from "../core/ports/workers.ts";

export interface PoolOptions {
  /** Threads at most. */
  readonly size: number;
  /** Jobs that may wait. */
  readonly queue?: number;
  /** The program of a thread; default the worker beside this file, from source or from the bundle. */
  readonly program?: URL;
}

const QUEUE = 1024;
/** A thread that needs more dies with its job, not with the process. */
const HEAP_MIB = 1024;

interface Job {
  readonly kind: JobKind;
  readonly input: unknown;
  readonly options: JobOptions;
  readonly queued: number;
  readonly settle: (outcome: Outcome) => void;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown; readonly why?: "crash" | "timeout" | "abort" };

interface Thread {
  readonly worker: Worker;
  /** Set while it runs a job. */
  end: ((outcome: Outcome) => void) | undefined;
}

export function createPool({ size, queue = QUEUE, program = workerProgram() }: PoolOptions): Workers {
  const threads = new Set<Thread>();
  const waiting: Job[] = [];
  const counts = { crashes: 0, timeouts: 0, aborted: 0 };
  const sums = new Map<JobKind, { -readonly [Key in keyof JobMetrics]: number }>();
  let closed = false;

  const drop = (thread: Thread, outcome: Outcome) => {
    threads.delete(thread);
    thread.end?.(outcome);
    return thread.worker.terminate();
  };
  const spawn = (): Thread => {
    const worker = new Worker(program, { env: {}, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB } });
    const thread: Thread = { worker, end: undefined };
    const crashed = (cause: unknown) => {
      if (threads.has(thread)) void drop(thread, { error: failed("its worker broke down", { cause }), why: "crash" });
    };
    worker.on("message", (outcome: Outcome | { problem: string }) =>
      thread.end?.("problem" in outcome ? { error: failed(outcome.problem, { retryable: false }) } : outcome),
    );
    worker.on("error", crashed).on("exit", crashed);
    worker.unref();
    threads.add(thread);
    return thread;
  };
  const next = () => {
    while (waiting.length > 0) {
      const idle = [...threads].find(({ end }) => !end) ?? (threads.size < size ? spawn() : undefined);
      const job = idle && waiting.shift();
      if (!idle || !job) return;
      start(idle, job);
    }
  };
  const start = (thread: Thread, job: Job) => {
    const { signal, timeoutMs } = job.options;
    const started = performance.now();
    const late = failed(`it took longer than ${timeoutMs} ms`);
    const timer = setTimeout(() => void drop(thread, { error: late, why: "timeout" }), timeoutMs);
    const abort = () => void drop(thread, { error: signal.reason, why: "abort" });
    thread.end = (outcome) => {
      thread.end = undefined;
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      thread.worker.unref();
      record(job, outcome, started);
      job.settle(outcome);
      next();
    };
    signal.addEventListener("abort", abort, { once: true });
    thread.worker.ref();
    thread.worker.postMessage({ kind: job.kind, input: job.input });
  };
  const record = ({ kind, queued }: Job, outcome: Outcome, started: number) => {
    const sum = sums.get(kind) ?? { done: 0, failed: 0, waitMs: 0, runMs: 0, longestMs: 0 };
    const ran = performance.now() - started;
    sum["value" in outcome ? "done" : "failed"]++;
    sum.waitMs += started - queued;
    sum.runMs += ran;
    sum.longestMs = Math.max(sum.longestMs, ran);
    sums.set(kind, sum);
    if (!("why" in outcome)) return;
    counts[outcome.why === "crash" ? "crashes" : outcome.why === "timeout" ? "timeouts" : "aborted"]++;
  };

  return {
    size,
    async run<Kind extends JobKind>(kind: Kind, input: Jobs[Kind]["input"], options: JobOptions) {
      options.signal.throwIfAborted();
      if (closed) throw failed("the pool is closed", { kind, retryable: false });
      if (waiting.length >= queue) throw failed(`${queue} jobs wait already`, { kind });
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      const job: Job = { kind, input, options, queued: performance.now(), settle: resolve };
      const leave = () => {
        const at = waiting.indexOf(job);
        if (at < 0) return;
        waiting.splice(at, 1);
        record(job, { error: undefined, why: "abort" }, performance.now());
        resolve({ error: options.signal.reason });
      };
      options.signal.addEventListener("abort", leave, { once: true });
      waiting.push(job);
      next();
      const outcome = await promise;
      options.signal.removeEventListener("abort", leave);
      if ("value" in outcome) return outcome.value as Jobs[Kind]["output"];
      throw CrucibleError.isInstance(outcome.error) ? named(outcome.error, kind) : outcome.error;
    },
    metrics: (): WorkerMetrics => ({
      size,
      running: [...threads].filter(({ end }) => end).length,
      waiting: waiting.length,
      jobs: Object.fromEntries(sums),
      ...counts,
    }),
    async close() {
      closed = true;
      const error = failed("the pool was closed", { retryable: false });
      for (const job of waiting.splice(0)) job.settle({ error });
      await Promise.all([...threads].map((thread) => drop(thread, { error })));
    },
  };
}

function workerProgram(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
}

function failed(why: string, more: { kind?: string; retryable?: boolean; cause?: unknown } = {}): CrucibleError {
  const { kind, retryable = true, cause } = more;
  const of = kind === undefined ? "" : ` of kind ${kind}`;
  return new CrucibleError("worker-failed", `a job${of} failed: ${why}`, { retryable, cause });
}

function named({ fault, cause }: CrucibleError, kind: JobKind): CrucibleError {
  const message = fault.message.replace("a job failed", `a job of kind ${kind} failed`);
  return new CrucibleError(fault.code, message, { retryable: fault.retryable, cause });
}
