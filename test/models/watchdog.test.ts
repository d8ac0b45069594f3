/** The one timer of a request, on a clock that the test moves. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createWatchdog } from "../../src/models/timeouts.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  // First the spies, or the fake timer that one of them replaced would come back later.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function watched() {
  const late = vi.fn();
  const dog = createWatchdog({ now: () => Date.now(), monotonic: () => performance.now() }, late);
  return { dog, late };
}

test("fires once a wait outlasts its limit", () => {
  const { dog, late } = watched();
  dog.allow(100);
  dog.waiting(true);
  vi.advanceTimersByTime(99);
  expect(late).not.toHaveBeenCalled();
  vi.advanceTimersByTime(2);
  expect(late).toHaveBeenCalledTimes(1);
  dog.stop();
});

test("time between two waits does not count", () => {
  const { dog, late } = watched();
  dog.allow(100);
  dog.waiting(true);
  vi.advanceTimersByTime(50);
  dog.waiting(false);
  vi.advanceTimersByTime(10_000);
  dog.waiting(true);
  vi.advanceTimersByTime(49);
  expect(late).not.toHaveBeenCalled();
  dog.stop();
});

test("waits without progress add up: pings do not help", () => {
  const { dog, late } = watched();
  dog.allow(100);
  for (let ping = 0; ping < 20 && late.mock.calls.length === 0; ping++) {
    dog.waiting(true);
    vi.advanceTimersByTime(30);
    dog.waiting(false);
  }
  expect(late).toHaveBeenCalledTimes(1);
  dog.stop();
});

test("progress renews the limit without a new timer each time", () => {
  const { dog, late } = watched();
  const timers = vi.spyOn(globalThis, "setTimeout");
  dog.allow(1_000);
  for (let token = 0; token < 5_000; token++) {
    dog.waiting(true);
    vi.advanceTimersByTime(1);
    dog.waiting(false);
    dog.allow(1_000);
  }
  expect(late).not.toHaveBeenCalled();
  expect(timers.mock.calls.length).toBeLessThan(20);
  dog.waiting(true);
  vi.advanceTimersByTime(2_100);
  expect(late).toHaveBeenCalled();
  dog.stop();
});
