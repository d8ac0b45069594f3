import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesFor, CANDIDATES, createSemanticIndex } from "../../src/cache/semantic-index.ts";
import { createSemanticKernel, PAGE } from "../../src/cache/semantic-kernel.ts";
import { atCosine, dot, type Made, scaled, seeded, vectorMaker } from "../kit/vectors.ts";

const NEAR = 0.85;

function bruteForce(vectors: ReadonlyMap<number, Float32Array>, question: Float32Array) {
  let best = { place: -1, cosine: -2 };
  for (const [place, vector] of vectors) {
    const cosine = dot(vector, question);
    if (cosine > best.cosine) best = { place, cosine };
  }
  return best;
}

/** How many of 1,000 questions near and far are decided as brute force decides them, and the largest error. */
function compare(made: Made, count: number, seed: number) {
  const index = createSemanticIndex({ dimension: made.dimension, capacity: count });
  const maker = vectorMaker(made, seed);
  const random = seeded(seed + 1);
  const stored = new Map<number, Float32Array>();
  for (let n = 0; n < count; n++) {
    const vector = maker.next();
    stored.set(index.add(vector), vector);
  }
  let wrong = 0;
  let error = 0;
  for (let n = 0; n < 1_000; n++) {
    const near = stored.get(Math.floor(random() * count)) ?? new Float32Array();
    const stray = maker.stray();
    const question = n % 2 === 0 ? atCosine(near, stray, 0.7 + 0.3 * random()) : stray;
    const expected = bruteForce(stored, question);
    const [found] = index.nearest(question, 1);
    if ((found?.cosine ?? -2) >= NEAR !== expected.cosine >= NEAR) wrong++;
    if (expected.cosine >= NEAR) error = Math.max(error, Math.abs((found?.cosine ?? -2) - expected.cosine));
  }
  return { wrong, error };
}

describe("the semantic index", () => {
  it.each<[string, Made]>([
    ["clusters", { dimension: 384, clusters: 60, latent: 48 }],
    ["a dimension that fills no word", { dimension: 301, clusters: 60, latent: 48 }],
    ["vectors with a common part", { dimension: 768, clusters: 60, latent: 48, common: 1 }],
    [
      "some numbers larger than all others",
      { dimension: 384, clusters: 60, latent: 48, outliers: { count: 4, times: 6 } },
    ],
  ])("decides at 0.85 as brute force does: %s", (_, made) => {
    const { wrong, error } = compare(made, 1_500, 3);
    expect(wrong).toBeLessThanOrEqual(1);
    expect(error).toBeLessThan(0.004);
  });

  it("knows every vector again at any length, and gives neighbours in order", () => {
    const index = createSemanticIndex({ dimension: 96, capacity: 600 });
    const { next } = vectorMaker({ dimension: 96, clusters: 30, latent: 20 }, 5);
    const vectors = Array.from({ length: 600 }, next);
    for (const vector of vectors) index.add(scaled(vector.slice(), 1e-9));
    for (const [place, vector] of vectors.entries()) {
      const found = index.nearest(scaled(vector.slice(), 1e12), 5);
      expect(found[0]?.place).toBe(place);
      expect(found[0]?.cosine).toBeGreaterThan(0.999);
      expect(found.map(({ cosine }) => cosine)).toEqual(found.map(({ cosine }) => cosine).sort((a, b) => b - a));
    }
  });

  it("measures all cosines near the exact ones, negative ones too", () => {
    const numbers = fc.double({ min: -1, max: 1, noNaN: true });
    const vector = (length: number) =>
      fc.array(numbers, { minLength: length, maxLength: length }).filter((all) => all.some((n) => Math.abs(n) > 1e-3));
    const pair = fc.integer({ min: 1, max: 600 }).chain((length) => fc.tuple(vector(length), vector(length)));
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const index = createSemanticIndex({ dimension: a.length, capacity: 1 });
        index.add(a);
        const exact = dot(scaled(Float32Array.from(a)), scaled(Float32Array.from(b)));
        expect(index.nearest(b, 1)[0]?.cosine).toBeCloseTo(exact, 1.7);
      }),
      { numRuns: 200 },
    );
  });

  it("never gives a removed place, uses freed places again, and counts", () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant("add" as const), seed: fc.nat() }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant("remove" as const), at: fc.nat({ max: 23 }) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant("ask" as const), seed: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const) }) },
    );
    const many = fc.array(step, { maxLength: 120, size: "max" });
    fc.assert(
      fc.property(many, (steps) => {
        const index = createSemanticIndex({ dimension: 40, capacity: 20 });
        const stored = new Map<number, Float32Array>();
        const made = (seed: number) => scaled(Float32Array.from({ length: 40 }, seeded(seed)).map((n) => n - 0.5));
        for (const one of steps) {
          if (one.do === "add" && stored.size < 20) {
            const vector = made(one.seed);
            const place = index.add(vector);
            expect(stored.has(place)).toBe(false);
            expect(place).toBeLessThan(20);
            stored.set(place, vector);
          } else if (one.do === "remove") {
            expect(index.remove(one.at)).toBe(stored.delete(one.at));
          } else if (one.do === "clear") {
            index.clear();
            stored.clear();
          } else if (one.do === "ask") {
            const found = index.nearest(made(one.seed), CANDIDATES);
            expect(found.map(({ place }) => place).sort()).toEqual([...stored.keys()].sort());
            const best = bruteForce(stored, made(one.seed));
            if (stored.size > 0) expect(found[0]?.cosine).toBeCloseTo(best.cosine, 1.7);
          }
          expect(index.count).toBe(stored.size);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("refuses bad input and stores nothing of it", () => {
    const index = createSemanticIndex({ dimension: 3, capacity: 2 });
    const bad = [
      [],
      [1, 2],
      [1, 2, 3, 4],
      [0, 0, 0],
      [1, Number.NaN, 1],
      [1, Number.POSITIVE_INFINITY, 1],
      [1e200, 1, 1],
    ];
    for (const vector of bad) {
      expect(() => index.add(vector), String(vector)).toThrow(/refuses an embedding/);
      expect(() => index.nearest(vector, 1), String(vector)).toThrow(/refuses an embedding/);
    }
    // biome-ignore lint/suspicious/noSparseArray: a hole is what a broken server's answer may have.
    expect(() => index.add([1, , 3] as number[])).toThrow(/missing/);
    expect([index.count, index.nearest([1, 0, 0], 1)]).toEqual([0, []]);
    for (const count of [0, 65, 1.5]) expect(() => index.nearest([1, 0, 0], count)).toThrow(/1 to 64 neighbours/);
    for (const place of [-1, 0, 1.5, Number.NaN]) expect(index.remove(place)).toBe(false);
    for (const dimension of [0, 1.5, 70_000])
      expect(() => createSemanticIndex({ dimension, capacity: 10 })).toThrow(/no semantic index/);
    expect(() => createSemanticIndex({ dimension: 4096, capacity: 2 ** 30 })).toThrow(/no semantic index/);
  });

  it("is full at its capacity and holds no more bytes than it said", () => {
    const index = createSemanticIndex({ dimension: 100, capacity: 1_000 });
    const random = seeded(1);
    let before = index.bytes;
    for (let n = 0; n < 1_000; n++) {
      const growth = index.growth;
      index.add(Float32Array.from({ length: 100 }, random));
      expect(index.bytes).toBe(before + growth);
      before = index.bytes;
    }
    expect(() => index.add(new Float32Array(100).fill(1))).toThrow(/full: 1000 vectors/);
    expect(index.bytes).toBeLessThanOrEqual(bytesFor(100, 1_000));
    expect(index.remove(500)).toBe(true);
    expect(index.add(new Float32Array(100).fill(1))).toBe(500);
    index.clear();
    expect([index.count, index.bytes, index.add(new Float32Array(100).fill(1))]).toEqual([0, before, 0]);
  });

  it("counts long codes without overflow: opposite vectors of the largest dimension", () => {
    const index = createSemanticIndex({ dimension: 65_535, capacity: 4 });
    const ones = new Float32Array(65_535).fill(1);
    index.add(ones.map((value) => -value));
    index.add(ones);
    const found = index.nearest(ones, 2);
    expect(found.map(({ place }) => place)).toEqual([1, 0]);
    expect(found[0]?.cosine).toBeCloseTo(1, 5);
    expect(found[1]?.cosine).toBeCloseTo(-1, 5);
  });

  it("says so when SIMD code cannot run", () => {
    expect(() => createSemanticKernel({ initial: 1, maximum: 1 }, Uint8Array.of(0, 97, 115, 109, 9, 0, 0, 0))).toThrow(
      /cannot run here/,
    );
    expect(createSemanticKernel({ initial: 1, maximum: 2 }).memory.buffer.byteLength).toBe(PAGE);
  });
});
