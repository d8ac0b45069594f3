/** The fold of events into times, tokens, tools and voices; and the histogram below it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Event } from "../../src/core/event.ts";
import { createHistogram } from "../../src/observe/histogram.ts";
import { createPerformance } from "../../src/observe/performance.ts";
import { createResourceMeter } from "../../src/observe/resources.ts";

test("quantiles are within 2 % of the exact ones, whatever the values", () => {
  const values = fc.array(fc.double({ min: 0.001, max: 1e7, noNaN: true }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(values, (all) => {
      const histogram = createHistogram();
      for (const value of all) histogram.add(value);
      const sorted = all.toSorted((a, b) => a - b);
      const got = histogram.quantiles();
      for (const [name, share] of [
        ["p50", 0.5],
        ["p95", 0.95],
        ["p99", 0.99],
      ] as const) {
        const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
        expect(Math.abs((got?.[name] ?? 0) - exact)).toBeLessThanOrEqual(exact * 0.0201);
      }
      expect(got?.max).toBe(sorted.at(-1));
    }),
  );
  expect(createHistogram().quantiles()).toBeUndefined();
});

let clock = 0;
const event = (body: object, session = "a"): Event =>
  ({ v: 1, seq: 1, at: ++clock * 1_000, session, epoch: 1, ...body }) as Event;
const answer = (voice: string, changes: object = {}) => ({
  kind: "model-end",
  ttftMs: 200,
  durationMs: 1_000,
  message: {
    voice,
    stop: "stop",
    model: { provider: "p", model: "m" },
    usage: { input: 100, cached: 40, output: 50, decodeMs: 500, source: "reported" },
    ...changes,
  },
});

test("answers, tools, voices, models and resources; cut answers count as failed and have no first token", () => {
  const performance = createPerformance();
  const tool = (name: string, end: object) =>
    event({ kind: "tool-end", tool: name, durationMs: 10, failed: false, denied: false, ...end });
  for (const one of [
    event(answer("developer")),
    event(answer("developer", { stop: "aborted" })),
    event(answer("security"), "b"),
    tool("read", {}),
    tool("shell", { failed: true }),
    tool("shell", { failed: true, denied: true }),
    event({ kind: "turn-end", durationMs: 20_000, resources: { rssMiB: 80, cpuMs: 10, gcMs: 1, loopP99Ms: 3 } }),
    event({ kind: "turn-end", durationMs: 10_000, resources: { rssMiB: 70, cpuMs: 20, gcMs: 2, loopP99Ms: 9 } }),
    event({ kind: "todos-set", todos: [] }),
  ])
    performance.take(one);
  const report = performance.report();
  expect(report).toMatchObject({
    sessions: 2,
    requestsPerMinute: 6,
    tokens: { input: 300, cached: 120, output: 150 },
    resources: { rssMiB: 80, cpuMs: 30, gcMs: 3, loopP99Ms: 9 },
    firstTokenMs: { count: 2 },
    tokensPerSecond: { count: 2, max: 100 },
  });
  const short = (rows: typeof report.tools) =>
    rows.map(({ name, count, failed, denied }) => [name, count, failed, denied]);
  expect(short(report.tools)).toEqual([
    ["shell", 2, 1, 1],
    ["read", 1, 0, 0],
  ]);
  expect(short(report.voices)).toEqual([
    ["developer", 2, 1, 0],
    ["security", 1, 0, 0],
  ]);
  expect(short(report.models)).toEqual([["p/m", 3, 1, 0]]);
});

test("the meter sees a loop that stands still and garbage that is collected, since the last look", async () => {
  const meter = createResourceMeter();
  meter.measure();
  // The first tick after a look is only its beginning.
  await new Promise((resolve) => setTimeout(resolve, 60));
  const until = performance.now() + 150;
  const before = process.cpuUsage();
  const busyMicros = () => process.cpuUsage(before).user + process.cpuUsage(before).system;
  let garbage: unknown[] = [];
  // On a busy machine time passes without this process having worked.
  while (performance.now() < until || busyMicros() < 60_000)
    garbage = Array.from({ length: 10_000 }, (_, n) => ({ n, garbage: garbage.length }));
  // One more turn of the loop lets the monitor and the observer take it in.
  await new Promise((resolve) => setTimeout(resolve, 60));
  const busy = meter.measure();
  expect(busy.loopP99Ms).toBeGreaterThan(50);
  expect(busy.cpuMs).toBeGreaterThan(30);
  expect(busy.rssMiB).toBeGreaterThan(20);
  expect(busy.gcMs).toBeGreaterThan(0);
  meter.stop();
});
