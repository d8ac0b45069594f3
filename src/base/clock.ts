/** Time as a value that tests can replace. */
import { threadCpuUsage } from "node:process";

export interface Clock {
  /** Wall time in milliseconds since the epoch. */
  now(): number;
  /** Milliseconds from an arbitrary origin; never goes back. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** Begins to count; what it returns tells the processor time of this thread since then, in milliseconds. */
export function threadTime(): () => number {
  const before = threadCpuUsage();
  return () => {
    const { user, system } = threadCpuUsage(before);
    return (user + system) / 1_000;
  };
}
