/** Seats of a server: no more answers than it has slots, the person's before the council's before the background's. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Priority } from "../../src/core/ports/models.ts";
import { createSlots } from "../../src/models/slots.ts";

const forever = new AbortController().signal;

test("never more than the capacity; the waiting go by rank, then by arrival", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.constantFrom<Priority>("user", "council", "background"), { minLength: 1, maxLength: 20 }),
      async (capacity, wishes) => {
        const slots = createSlots(() => capacity);
        const seated: number[] = [];
        const releases: (() => void)[] = [];
        const all = wishes.map(async (priority, index) => {
          const release = await slots.acquire(priority, forever);
          seated.push(index);
          releases.push(release);
        });
        while (seated.length < wishes.length) {
          await new Promise((resolve) => setImmediate(resolve));
          expect(slots.active).toBeLessThanOrEqual(capacity);
          releases.shift()?.();
        }
        await Promise.all(all);
        const ranks = { user: 0, council: 1, background: 2 };
        const waited = wishes.map((_, index) => index).slice(capacity);
        const byRank = waited.toSorted((a, b) => ranks[wishes[a] ?? "user"] - ranks[wishes[b] ?? "user"] || a - b);
        expect(seated.slice(Math.min(capacity, wishes.length))).toEqual(byRank);
      },
    ),
  );
});

test("who is cancelled while waiting leaves the queue; a release counts once", async () => {
  const slots = createSlots(() => 1);
  const release = await slots.acquire("user", forever);
  const stop = new AbortController();
  let queued = 0;
  const waiting = slots.acquire("user", stop.signal, () => queued++);
  expect([queued, slots.waiting]).toEqual([1, 1]);
  stop.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  expect(slots.waiting).toBe(0);
  release();
  release();
  expect(slots.active).toBe(0);
});
