/** The breaker: five failures open it, a pause that doubles, one probe and one call before it closes. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Broken, type CallEnd, createBreaker } from "../../src/models/breaker.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

const alive = async () => undefined;
const dead = async () => {
  throw new Error("no answer");
};

/** Polls without touching the clock under test; a test that never gets there times out. */
async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resolve) => setImmediate(resolve));
}

function kit() {
  const changes: string[] = [];
  const breaker = createBreaker(Date.now, () => changes.push(breaker.state));
  const call = async (end: CallEnd, probe = alive) => {
    (await breaker.admit(probe))(end);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const fail = async (times: number) => {
    for (let n = 0; n < times; n++) await call("failed");
  };
  return { breaker, call, fail, changes };
}

test("five failures in a row open it; then nothing is admitted until the pause is over", async () => {
  const { breaker, fail, changes } = kit();
  await fail(4);
  expect(breaker.state).toBe("closed");
  await fail(1);
  await until(() => breaker.state === "open");
  expect(breaker.until).toBe(1_005_000);
  await expect(breaker.admit(alive)).rejects.toBeInstanceOf(Broken);
  expect(changes).toEqual(["open"]);
});

test("an answer between failures starts the count anew; cancelled calls count for nothing", async () => {
  const { breaker, call, fail } = kit();
  await fail(4);
  await call("answered");
  await fail(4);
  for (let n = 0; n < 10; n++) await call("unknown");
  expect([breaker.state, breaker.failures]).toEqual(["closed", 4]);
  await fail(1);
  await until(() => breaker.state === "open");
});

test("half of ten calls in 30 s open it too", async () => {
  const { breaker, call } = kit();
  await call("failed");
  for (let n = 0; n < 5; n++) {
    await call("answered");
    await call("failed");
  }
  await until(() => breaker.state === "open");
});

test("the pause doubles up to a minute; a probe that fails costs no call; a good call closes it", async () => {
  const { breaker, call, fail } = kit();
  await fail(5);
  await until(() => breaker.state === "open");
  const pauses = [5, 10, 20, 40, 60, 60];
  for (const [index, seconds] of pauses.entries()) {
    expect((breaker.until ?? 0) - Date.now()).toBe(seconds * 1_000);
    vi.setSystemTime(Date.now() + seconds * 1_000 - 1);
    await expect(breaker.admit(alive)).rejects.toBeInstanceOf(Broken);
    vi.setSystemTime(Date.now() + 1);
    // Half of the trials end with the probe, half with the real call.
    if (index % 2 === 0) await expect(breaker.admit(dead)).rejects.toBeInstanceOf(Broken);
    else await call("failed");
    await until(() => breaker.state === "open");
  }
  vi.setSystemTime(Date.now() + 60_000);
  await call("answered");
  await until(() => breaker.state === "closed");
  expect([breaker.failures, breaker.until]).toEqual([0, undefined]);
});

test("while one call tries, the others wait for what becomes of it", async () => {
  const { breaker, fail } = kit();
  await fail(5);
  await until(() => breaker.state === "open");
  vi.setSystemTime(Date.now() + 5_000);
  let probes = 0;
  const probe = async () => void probes++;
  const first = await breaker.admit(probe);
  const others = [breaker.admit(probe), breaker.admit(probe)];
  first("failed");
  const ends = await Promise.allSettled(others);
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(probes).toBe(1);
});

test("a call that comes right behind five failures is not let through", async () => {
  for (const before of [0, 1]) {
    const { breaker, fail } = kit();
    await fail(before);
    if (before > 0) await until(() => breaker.failures === before);
    const calls = await Promise.all(Array.from({ length: 5 - before }, () => breaker.admit(alive)));
    for (const end of calls) end("failed");
    await expect(breaker.admit(alive)).rejects.toBeInstanceOf(Broken);
  }
});
