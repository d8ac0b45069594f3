/** The seed's performance monitor as one consumer of events: response times, cache hits, resources, voices, tools. */
import type { Event } from "../core/event.ts";
import { type AssistantMessage, nameOf } from "../core/message.ts";
import type { PerformanceReport, ResourceUse } from "../core/performance.ts";
import { createHistogram, type Histogram } from "./histogram.ts";

export interface Performance {
  take(event: Event): void;
  report(): PerformanceReport;
}

interface Share {
  readonly times: Histogram;
  count: number;
  failed: number;
  denied: number;
}

export function createPerformance(): Performance {
  const turns = createHistogram();
  const answers = createHistogram();
  const firstTokens = createHistogram();
  const speeds = createHistogram();
  const tools = new Map<string, Share>();
  const voices = new Map<string, Share>();
  const models = new Map<string, Share>();
  const tokens = { input: 0, cached: 0, output: 0 };
  const cache = { hits: 0, misses: 0 };
  const peak = { rssMiB: 0, loopP99Ms: 0, gcMs: 0, cpuMs: 0 };
  const span = { from: 0, to: 0, busyMs: 0, sessions: new Set<string>() };

  const used = (resources: ResourceUse | undefined) => {
    if (!resources) return;
    peak.rssMiB = Math.max(peak.rssMiB, resources.rssMiB);
    peak.loopP99Ms = Math.max(peak.loopP99Ms, resources.loopP99Ms);
    peak.gcMs += resources.gcMs;
    peak.cpuMs += resources.cpuMs;
  };
  const looked = (hit: boolean) => {
    if (hit) cache.hits++;
    else cache.misses++;
  };
  const answered = (event: Extract<Event, { kind: "model-end" }>) => {
    const { message, durationMs, ttftMs } = event;
    answers.add(durationMs);
    if (message.stop !== "aborted") firstTokens.add(ttftMs);
    const rate = speedOf(message);
    if (rate !== undefined) speeds.add(rate);
    const { usage } = message;
    tokens.input += usage.input;
    tokens.cached += usage.cached ?? 0;
    tokens.output += usage.output;
    const failed = message.stop === "aborted";
    count(voices, message.voice, { ms: durationMs, failed });
    count(models, nameOf(message.model), { ms: durationMs, failed });
  };
  return {
    take(event) {
      span.from ||= event.at;
      span.to = Math.max(span.to, event.at);
      if (event.session) span.sessions.add(event.session);
      switch (event.kind) {
        case "turn-end":
          turns.add(event.durationMs);
          span.busyMs += event.durationMs;
          return used(event.resources);
        case "model-end":
          // Number 0 is an answer from the cache: no model was asked.
          return event.request === 0 ? undefined : answered(event);
        case "cache-looked":
          return looked(event.hit);
        case "tool-end":
          return count(tools, event.tool, { ms: event.durationMs, failed: event.failed, denied: event.denied });
        default:
      }
    },
    report() {
      const minutes = span.busyMs / 60_000;
      const requests = answers.quantiles()?.count ?? 0;
      return {
        from: span.from,
        to: span.to,
        sessions: span.sessions.size,
        requestsPerMinute: minutes > 0 ? requests / minutes : undefined,
        turnMs: turns.quantiles(),
        answerMs: answers.quantiles(),
        firstTokenMs: firstTokens.quantiles(),
        tokensPerSecond: speeds.quantiles(),
        tokens: { ...tokens },
        answerCache: { ...cache },
        tools: rows(tools),
        voices: rows(voices),
        models: rows(models),
        resources: { ...peak },
      };
    },
  };
}

/** Tokens per second of writing, where the server tells the time. */
function speedOf({ usage, stop }: AssistantMessage): number | undefined {
  if (stop === "aborted" || usage.source !== "reported" || !usage.decodeMs || usage.output < 8) return undefined;
  return (usage.output * 1_000) / usage.decodeMs;
}

function count(shares: Map<string, Share>, name: string, end: { ms: number; failed: boolean; denied?: boolean }): void {
  const share = shares.get(name) ?? { times: createHistogram(), count: 0, failed: 0, denied: 0 };
  shares.set(name, share);
  share.count++;
  share.times.add(end.ms);
  if (end.denied) share.denied++;
  else if (end.failed) share.failed++;
}

function rows(shares: ReadonlyMap<string, Share>): PerformanceReport["tools"] {
  return [...shares]
    .map(([name, { times, count: all, failed, denied }]) => ({
      name,
      count: all,
      failed,
      denied,
      ms: times.quantiles(),
    }))
    .toSorted((a, b) => b.count - a.count || a.name.localeCompare(b.name));
}
