/** What was measured over a span of time; times in milliseconds. Absent = nothing of that kind was seen. */

/** What a process used. */
export interface ResourceUse {
  /** Largest resident memory so far (MiB). */
  readonly rssMiB: number;
  /** Since the last measurement (milliseconds). */
  readonly cpuMs: number;
  readonly gcMs: number;
  /** 99th percentile of the delay of the event loop since the last measurement (milliseconds). */
  readonly loopP99Ms: number;
}

export interface QuantileRow {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface ShareRow {
  readonly name: string;
  readonly count: number;
  readonly failed: number;
  readonly denied: number;
  readonly ms: QuantileRow | undefined;
}

export interface PerformanceReport {
  /** First and last event (milliseconds since the epoch; 0 = none). */
  readonly from: number;
  readonly to: number;
  readonly sessions: number;
  /** Model requests per minute of work, waits for the person left out. */
  readonly requestsPerMinute: number | undefined;
  readonly turnMs: QuantileRow | undefined;
  readonly answerMs: QuantileRow | undefined;
  readonly firstTokenMs: QuantileRow | undefined;
  readonly tokensPerSecond: QuantileRow | undefined;
  /** `cached`: tokens of prompts that the server had already. */
  readonly tokens: { readonly input: number; readonly cached: number; readonly output: number };
  /** Answers given from the cache, and asked of a model after a look into it. */
  readonly answerCache: { readonly hits: number; readonly misses: number };
  readonly tools: readonly ShareRow[];
  readonly voices: readonly ShareRow[];
  readonly models: readonly ShareRow[];
  /** Highest memory and event-loop delay, sums of processor and garbage-collection time. */
  readonly resources: {
    readonly rssMiB: number;
    readonly loopP99Ms: number;
    readonly gcMs: number;
    readonly cpuMs: number;
  };
}
