/** The tiers together: fill upwards, seals, pauses. */
import { expect, test } from "vitest";
import { createLayers } from "../../src/cache/layers.ts";
import { memoryTier } from "../../src/cache/tiers/memory.ts";
import type { CacheTier } from "../../src/core/ports/cache.ts";

function kit() {
  const clock = { at: 1_000, now: () => clock.at };
  const limits = { clock, maxBytes: 1e6, maxEntries: 100 };
  const near: CacheTier = { ...memoryTier(limits), name: "near" };
  const far: CacheTier = { ...memoryTier(limits), name: "far" };
  const layers = createLayers({ tiers: [near, far], clock, secret: Buffer.from("ours") });
  return { clock, near, far, layers };
}

test("the nearest tier gives the entry; nearer ones learn it, with its own times", async () => {
  const { clock, near, layers } = kit();
  await layers.set("k", "body", 5_000);
  clock.at += 1_000;
  await near.clear();
  expect(await layers.get("k")).toEqual({ body: "body", at: 1_000, tier: "far" });
  expect(await layers.get("k")).toEqual({ body: "body", at: 1_000, tier: "near" });
  clock.at += 4_000;
  expect(await layers.get("k")).toBeUndefined();
  expect(await layers.stats()).toMatchObject([
    { name: "near", hits: 1, misses: 2 },
    { name: "far", hits: 1, misses: 1 },
  ]);
});

test("what another wrote, changed or moved to another key is no entry", async () => {
  const { clock, far, near, layers } = kit();
  await layers.set("k", "body", 5_000);
  await near.clear();
  const sealed = await far.get("k");
  expect(sealed?.body).toMatch(/^[0-9a-f]{64}body$/);
  const times = { at: clock.at, expires: clock.at + 5_000 };
  for (const body of ["", "body", "f".repeat(64), `${"0".repeat(64)}body`, `${sealed?.body}!`]) {
    await far.set("k", { body, ...times });
    expect(await layers.get("k")).toBeUndefined();
  }
  if (sealed) await far.set("other", sealed);
  expect(await layers.get("other")).toBeUndefined();
  const stranger = createLayers({ tiers: [far], clock, secret: Buffer.from("theirs") });
  await stranger.set("k", "planted", 5_000);
  expect(await layers.get("k")).toBeUndefined();
});

test("a tier that fails is left alone for ten seconds, and nothing else is touched by it", async () => {
  const { clock, near, far } = kit();
  let asked = 0;
  const broken: CacheTier = {
    ...near,
    name: "broken",
    get: async () => {
      asked++;
      throw new Error("connection lost");
    },
    set: async () => {
      asked++;
      throw new Error("connection lost");
    },
  };
  const layers = createLayers({ tiers: [broken, far], clock, secret: Buffer.from("ours") });
  for (let n = 0; n < 50; n++) {
    await layers.set(`k${n}`, "body", 50_000);
    expect(await layers.get(`k${n}`)).toMatchObject({ body: "body", tier: "far" });
  }
  expect(asked).toBe(1);
  clock.at += 10_000;
  await layers.get("k1");
  expect(asked).toBe(2);
  expect((await layers.stats())[0]).toMatchObject({ state: "down", problem: "connection lost" });
});
