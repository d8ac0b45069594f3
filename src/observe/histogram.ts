/** Durations in buckets that grow by 4 %: quantiles of any number of values in little memory, at most 2 % off. */
import type { QuantileRow } from "../core/performance.ts";

const GROWTH = Math.log(1.04);

export interface Histogram {
  add(value: number): void;
  /** Undefined while it is empty. */
  quantiles(): QuantileRow | undefined;
}

export function createHistogram(): Histogram {
  const buckets = new Map<number, number>();
  let count = 0;
  let max = 0;
  const at = (share: number): number => {
    const rank = Math.max(1, Math.ceil(share * count));
    let seen = 0;
    for (const [bucket, size] of [...buckets].toSorted(([a], [b]) => a - b)) {
      seen += size;
      if (seen >= rank)
        return bucket === Number.NEGATIVE_INFINITY ? 0 : Math.min(max, Math.exp((bucket + 0.5) * GROWTH));
    }
    return max;
  };
  return {
    add(value) {
      if (!Number.isFinite(value) || value < 0) return;
      const bucket = value === 0 ? Number.NEGATIVE_INFINITY : Math.floor(Math.log(value) / GROWTH);
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
      count++;
      max = Math.max(max, value);
    },
    quantiles: () => (count === 0 ? undefined : { count, p50: at(0.5), p95: at(0.95), p99: at(0.99), max }),
  };
}
