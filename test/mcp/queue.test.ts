import fc from "fast-check";
import { expect, test } from "vitest";
import { createQueue } from "../../src/mcp/server/queue.ts";

test("never two at once, in order, whatever fails or gives up while it waits", async () => {
  const plan = fc.array(fc.constantFrom("done", "fails", "gives up"), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(plan, async (kinds) => {
      const queue = createQueue();
      let running = 0;
      const begun: number[] = [];
      const all = kinds.map((kind, index) => {
        const stop = new AbortController();
        const work = async () => {
          begun.push(index);
          expect(++running).toBe(1);
          await new Promise((resolve) => setImmediate(resolve));
          running--;
          if (kind === "fails") throw new Error("no");
        };
        const ended = queue.run(work, stop.signal).then(
          () => "done",
          () => "failed",
        );
        if (kind === "gives up") stop.abort();
        return ended;
      });
      expect(queue.length).toBe(kinds.length);
      await queue.idle();
      expect(await Promise.all(all)).toEqual(kinds.map((kind) => (kind === "done" ? "done" : "failed")));
      expect(begun).toEqual(kinds.flatMap((kind, index) => (kind === "gives up" ? [] : [index])));
      expect(queue.length).toBe(0);
    }),
    { numRuns: 50 },
  );
});
