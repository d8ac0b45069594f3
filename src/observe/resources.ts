/** What this process uses: memory, processor time, delay of its event loop, garbage collection. */
import type { PerformanceObserver as Observer } from "node:perf_hooks";
import type { ResourceUse } from "../core/performance.ts";

export interface ResourceMeter {
  measure(): ResourceUse;
  stop(): void;
}

/** Resolution of the loop's delay in milliseconds; finer costs more wake-ups. */
const RESOLUTION = 20;

export function createResourceMeter(): ResourceMeter {
  const { monitorEventLoopDelay, PerformanceObserver } = process.getBuiltinModule("node:perf_hooks");
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION });
  loop.enable();
  let gcMs = 0;
  const collections: Observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) gcMs += duration;
  });
  collections.observe({ entryTypes: ["gc"] });
  let before = process.cpuUsage();
  return {
    measure() {
      const { user, system } = process.cpuUsage(before);
      before = process.cpuUsage();
      // The monitor counts its own pause between two looks; what is beyond it is delay.
      const delay = Math.max(0, loop.percentile(99) / 1e6 - RESOLUTION);
      loop.reset();
      const use = {
        rssMiB: process.resourceUsage().maxRSS / 1024,
        cpuMs: (user + system) / 1_000,
        gcMs,
        loopP99Ms: delay,
      };
      gcMs = 0;
      return use;
    },
    stop() {
      loop.disable();
      collections.disconnect();
    },
  };
}
