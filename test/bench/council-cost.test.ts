import { describe, expect, it } from "vitest";
import { councilCosts } from "../../bench/council/cost.ts";
import { together } from "../../bench/council/slot-server.ts";

describe("ten voices on a machine with four slots", () => {
  it("read the shared prefix once, and work side by side", async () => {
    const { prefixTokens, evaluated, streams } = await councilCosts(20);
    expect(prefixTokens).toBeGreaterThan(5_500);
    expect(prefixTokens).toBeLessThan(6_500);
    // Ten voices that start cold on four slots read it four times. Time itself is measured by `npm run bench council`.
    expect(evaluated).toBeLessThanOrEqual(1.4);
    expect(streams).toBe(4);
  });

  it("write faster together, up to what the machine gives", () => {
    expect(together(1, 3)).toBe(1);
    expect(together(4, 3)).toBeCloseTo(3);
    expect(together(2, 3)).toBeCloseTo(1.8);
  });
});
