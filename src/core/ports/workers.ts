/** The port to CPU-bound work off the main thread. Workers get bytes, never paths. */
import type { Language } from "../../base/languages.ts";
import type { ShownDiff } from "../../base/show-diff.ts";

/** What is defined: name, kind (`function`, `class` ...), line from 1, its first line without a body or value. */
export type Definition = readonly [name: string, kind: string, line: number, signature: string];

export interface FileSymbols {
  readonly defs: readonly Definition[];
  /** Names used, each followed by how often: `["parse", 3, ".close", 1]`; behind a dot only a method can be meant. */
  readonly refs: readonly (string | number)[];
}

/** Every kind of job: what goes in and what comes back. */
export interface Jobs {
  /** SHA-256 of each, as hexadecimal digits. */
  readonly hash: { readonly input: readonly Uint8Array[]; readonly output: readonly string[] };
  /** A unified diff of two UTF-8 texts. */
  readonly diff: {
    readonly input: { readonly before: Uint8Array; readonly after: Uint8Array };
    readonly output: ShownDiff;
  };
  /** The words of a UTF-8 text in lower case, names split at their humps, with how often each occurs. */
  readonly tokenise: { readonly input: Uint8Array; readonly output: readonly (readonly [string, number])[] };
  /** The `FileSymbols` of each file as JSON in UTF-8; a file that is no text has none. */
  readonly parse: {
    readonly input: {
      readonly language: Language;
      /** The parser's and the grammar's WebAssembly; shared memory is not copied on the way. */
      readonly runtime: Uint8Array;
      readonly grammar: Uint8Array;
      readonly files: readonly Uint8Array[];
    };
    readonly output: readonly Uint8Array[];
  };
  /** Lines (from 1) of a UTF-8 text that a regular expression matches, at most `limit`. */
  readonly scan: {
    readonly input: {
      readonly bytes: Uint8Array;
      readonly pattern: string;
      readonly flags: string;
      readonly limit: number;
    };
    readonly output: readonly { readonly line: number; readonly text: string }[];
  };
}
export type JobKind = keyof Jobs;

/** Sums since the pool was made; times in milliseconds. */
export interface JobMetrics {
  readonly done: number;
  readonly failed: number;
  readonly waitMs: number;
  readonly runMs: number;
  readonly longestMs: number;
}

export interface WorkerMetrics {
  readonly size: number;
  readonly running: number;
  readonly waiting: number;
  readonly jobs: Readonly<Partial<Record<JobKind, JobMetrics>>>;
  readonly crashes: number;
  readonly timeouts: number;
  readonly aborted: number;
}

export interface JobOptions {
  /** Ends the job, also one that is running. */
  readonly signal: AbortSignal;
  /** Longest run, counted from the moment a worker takes it (milliseconds). */
  readonly timeoutMs: number;
}

export interface Workers {
  readonly size: number;
  /**
   * Throws the signal's reason; `worker-failed` when the job itself fails, takes too long or takes its worker down
   * with it (the pool goes on with a new one), and when too many jobs wait already.
   */
  run<Kind extends JobKind>(kind: Kind, input: Jobs[Kind]["input"], options: JobOptions): Promise<Jobs[Kind]["output"]>;
  metrics(): WorkerMetrics;
  /** Ends every worker; jobs that run or wait fail. */
  close(): Promise<void>;
}
