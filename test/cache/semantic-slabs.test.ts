import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSemanticSlabs, type Space } from "../../src/cache/semantic-slabs.ts";
import { seeded } from "../kit/vectors.ts";

const space = (user: string, model = "m"): Space => ({ scope: { user, workspace: "/w", role: "user" }, model });
const vector = (seed: number, dimension = 64) =>
  Float32Array.from({ length: dimension }, seeded(seed)).map((n) => n - 0.5);

describe("slabs", () => {
  it("find nothing in another scope or another model's space", () => {
    const slabs = createSemanticSlabs({ bytes: 1 << 20 });
    const { place } = slabs.add(space("ann"), vector(1));
    expect(slabs.nearest(space("ann"), vector(1), 1)[0]?.place).toBe(place);
    const others: Space[] = [
      space("bob"),
      space("ann", "n"),
      { ...space("ann"), scope: { ...space("ann").scope, workspace: "/v" } },
      { ...space("ann"), scope: { ...space("ann").scope, role: "admin" } },
    ];
    for (const other of others) {
      expect(slabs.nearest(other, vector(1), 5)).toEqual([]);
      expect(slabs.remove(other, place)).toBe(false);
    }
    expect(slabs.remove(space("ann"), place)).toBe(true);
    expect(slabs.count).toBe(0);
  });

  it("take the dimension from the first vector and refuse another", () => {
    const slabs = createSemanticSlabs({ bytes: 1 << 20 });
    slabs.add(space("ann"), vector(1, 7));
    expect(() => slabs.add(space("ann"), vector(1, 8))).toThrow(/holds vectors of 7/);
    expect(() => slabs.add(space("bob"), [])).toThrow(/no semantic index/);
    expect(() => slabs.add(space("bob"), [0, 0])).toThrow(/zero/);
    slabs.add(space("bob"), vector(1, 8));
    expect(slabs.count).toBe(2);
  });

  it("drop those used longest ago, say so, and never hold more bytes than given", () => {
    const bytes = 6 << 16;
    const step = fc.record({
      user: fc.constantFrom("a", "b", "c", "d", "e"),
      seed: fc.nat(),
      many: fc.integer({ min: 1, max: 400 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12, size: "max" }), (steps) => {
        const slabs = createSemanticSlabs({ bytes });
        const counts = new Map<string, number>();
        for (const { user, seed, many } of steps) {
          for (let n = 0; n < many; n++) {
            const { dropped } = slabs.add(space(user), vector(seed + n));
            for (const gone of dropped) counts.delete(gone.scope.user);
            expect(dropped.some((gone) => gone.scope.user === user)).toBe(false);
            counts.set(user, (counts.get(user) ?? 0) + 1);
            expect(slabs.bytes).toBeLessThanOrEqual(bytes);
          }
          expect(slabs.count).toBe([...counts.values()].reduce((a, b) => a + b, 0));
        }
      }),
      { numRuns: 20 },
    );
    const slabs = createSemanticSlabs({ bytes: 3 << 16 });
    for (const user of ["a", "b", "c"]) slabs.add(space(user), vector(1));
    slabs.nearest(space("a"), vector(1), 1);
    expect(slabs.add(space("d"), vector(1)).dropped).toEqual([space("b")]);
  });

  it.each([16, 64, 100, 333, 1_536])(
    "fill one slab of dimension %i up to the bytes given and no further",
    (dimension) => {
      const one = vector(1, dimension);
      for (const pages of [8, 9, 11, 14]) {
        const slabs = createSemanticSlabs({ bytes: pages << 16 });
        const fill = () => {
          for (let n = 0; n < 100_000; n++) expect(slabs.add(space("ann"), one).dropped).toEqual([]);
        };
        expect(fill).toThrow(/full/);
        expect(slabs.bytes).toBeLessThanOrEqual(pages << 16);
        expect(slabs.count).toBeGreaterThan(255);
      }
    },
  );

  it("refuse what alone would need more, and keep what they have", () => {
    const slabs = createSemanticSlabs({ bytes: 3 << 16 });
    expect(() => {
      for (let n = 0; n < 10_000; n++) slabs.add(space("ann"), vector(n));
    }).toThrow(/full/);
    const { count } = slabs;
    expect(count).toBeGreaterThan(500);
    expect(slabs.bytes).toBeLessThanOrEqual(3 << 16);
    slabs.remove(space("ann"), 3);
    expect(slabs.add(space("ann"), vector(1)).place).toBe(3);
    expect(() => createSemanticSlabs({ bytes: 1_000 }).add(space("ann"), vector(1))).toThrow(/full/);
    slabs.clear(space("bob"));
    expect(slabs.count).toBe(count);
    slabs.clear(space("ann"));
    expect([slabs.count, slabs.bytes]).toEqual([0, 0]);
    slabs.add(space("bob"), vector(1));
    slabs.clear();
    expect(slabs.count).toBe(0);
  });
});
