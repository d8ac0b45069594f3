/** One contract for every tier, on real servers; and what each must survive. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLayers } from "../../src/cache/layers.ts";
import { memoryTier } from "../../src/cache/tiers/memory.ts";
import { postgresTier } from "../../src/cache/tiers/postgres.ts";
import { redisTier } from "../../src/cache/tiers/redis.ts";
import { sqliteTier } from "../../src/cache/tiers/sqlite.ts";
import type { CacheTier } from "../../src/core/ports/cache.ts";
import { noPostgres, noRedis, postgresServer, type RealServer, redisCluster, redisServer } from "../kit/servers.ts";
import { tempFolder } from "../kit/temp.ts";

const clock = { at: Date.now(), now: () => clock.at };
const folder = tempFolder();
afterAll(() => folder[Symbol.dispose]());
const limits = { clock, maxBytes: 1_000_000, maxEntries: 100 };
const redis = (urls: readonly string[], changes: object = {}) =>
  redisTier({ urls, cluster: false, prefix: "t", compression: true, clock, ...changes });
const entry = (body: string, ttl = 60_000) => ({ body, at: clock.at, expires: clock.at + ttl });
const key = (n: number) => n.toString(16).padStart(64, "0");

function contract(open: () => Promise<CacheTier>): void {
  test("gives back what was put in, byte for byte, or nothing", async () => {
    const tier = await open();
    await tier.clear();
    const bodies = [
      "",
      "plain",
      "ümläut \u0000 \u2028 🦊 line\nline",
      "x".repeat(50_000),
      JSON.stringify({ a: [1, null] }),
    ];
    for (const [n, body] of bodies.entries()) await tier.set(key(n), entry(body));
    for (const [n, body] of bodies.entries()) expect(await tier.get(key(n))).toEqual(entry(body));
    expect(await tier.get(key(99))).toBeUndefined();
    await tier.set(key(0), entry("newer"));
    expect((await tier.get(key(0)))?.body).toBe("newer");
    await tier.remove(key(0));
    expect(await tier.get(key(0))).toBeUndefined();
    const { entries, bytes } = await tier.size();
    expect(entries).toBe(bodies.length - 1);
    expect(bytes).toBeGreaterThan(50);
    expect(await tier.clear()).toBe(bodies.length - 1);
    expect((await tier.size()).entries).toBe(0);
    await tier.close();
  });
}

/** Tiers of ours that count time by our clock and keep a bound. */
function bounded(open: () => Promise<CacheTier>): void {
  test("what is past its time is gone; the least recently used go first", async () => {
    const tier = await open();
    await tier.clear();
    await tier.set(key(1), entry("short", 1_000));
    clock.at += 999;
    expect(await tier.get(key(1))).toBeDefined();
    clock.at += 1;
    expect(await tier.get(key(1))).toBeUndefined();
    for (let n = 0; n < 400; n++) {
      clock.at += 1;
      await tier.set(key(n), entry(`body ${n}`));
      await tier.get(key(0));
    }
    expect((await tier.size()).entries).toBeLessThanOrEqual(100);
    expect((await tier.get(key(399)))?.body).toBe("body 399");
    expect((await tier.get(key(0)))?.body).toBe("body 0");
    expect(await tier.get(key(10))).toBeUndefined();
    await tier.close();
  });
}

describe("memory", () => {
  const open = async () => memoryTier(limits);
  contract(open);
  bounded(open);

  test("never holds more bytes than it may; one entry cannot push out all others", async () => {
    const tier = memoryTier({ ...limits, maxBytes: 20_000 });
    for (let n = 0; n < 50; n++) {
      await tier.set(key(n), entry("x".repeat(n * 20)));
      expect((await tier.size()).bytes).toBeLessThanOrEqual(20_000);
    }
    const { entries } = await tier.size();
    await tier.set(key(99), entry("x".repeat(5_000)));
    expect(await tier.get(key(99))).toBeUndefined();
    expect((await tier.size()).entries).toBe(entries);
  });
});

describe("sqlite", () => {
  const file = join(folder.path, "cache.db");
  const open = async () => sqliteTier({ ...limits, file });
  contract(open);
  bounded(open);

  test("entries outlive the process; a file that is no database is made anew", async () => {
    const first = await open();
    await first.set(key(1), entry("kept"));
    await first.close();
    const second = await open();
    expect((await second.get(key(1)))?.body).toBe("kept");
    await second.close();
    writeFileSync(file, "not a database at all, just words that somebody wrote into it\n".repeat(100));
    const third = await open();
    expect(await third.get(key(1))).toBeUndefined();
    await third.set(key(1), entry("again"));
    expect((await third.get(key(1)))?.body).toBe("again");
    await third.close();
    expect(readFileSync(file).subarray(0, 15).toString()).toBe("SQLite format 3");
  });
});

describe.skipIf(noRedis)(`redis ${noRedis ?? ""}`, () => {
  let server: RealServer;
  beforeAll(async () => {
    server = await redisServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  contract(() => redis([server.url]));
  contract(() => redis([server.url], { compression: false }));

  test("a long body is packed; entries of other programs stay; bytes that are not ours are nothing", async () => {
    const tier = await redis([server.url]);
    const { Redis } = await import("ioredis");
    const other = new Redis(server.url);
    await other.set("other:1", "theirs");
    await tier.set(key(1), entry("abc ".repeat(5_000)));
    expect(await other.strlen(`t:${key(1)}`)).toBeLessThan(1_000);
    for (const junk of ["", "\u0000{}", "\u0001zzz", "\u0000[1,2,3]"]) {
      await other.set(`t:${key(2)}`, junk);
      expect(await tier.get(key(2))).toBeUndefined();
    }
    expect(await other.pttl(`t:${key(1)}`)).toBeGreaterThan(0);
    await tier.clear();
    expect(await other.get("other:1")).toBe("theirs");
    other.disconnect();
    await tier.close();
  });

  test("behind the layers: down is slower, never wrong; up again it serves again", async () => {
    const own = await redisServer();
    const layers = createLayers({
      tiers: [await redis([own.url]), sqliteTier({ ...limits, file: join(folder.path, "below.db") })],
      clock,
      secret: Buffer.from("s"),
    });
    await layers.set(key(1), "body", 60_000);
    expect(await layers.get(key(1))).toMatchObject({ body: "body", tier: "redis" });
    await own.stop();
    expect(await layers.get(key(1))).toMatchObject({ body: "body", tier: "sqlite" });
    await layers.set(key(2), "second", 60_000);
    expect(await layers.get(key(2))).toMatchObject({ body: "second", tier: "sqlite" });
    expect(await layers.stats()).toMatchObject([
      { name: "redis", state: "down", problem: expect.any(String) as string },
      { name: "sqlite", state: "up" },
    ]);
    await own.start();
    clock.at += 10_001;
    // The client waits a little longer before each new try to connect.
    await expect
      .poll(
        async () => {
          clock.at += 10_001;
          await layers.set(key(3), "third", 600_000);
          return (await layers.get(key(3)))?.tier;
        },
        { timeout: 20_000, interval: 50 },
      )
      .toBe("redis");
    await layers.close();
    await own[Symbol.asyncDispose]();
  });
});

describe.skipIf(noRedis)(`redis with a password and a small memory ${noRedis ?? ""}`, () => {
  test("logs in; a server that forgets entries on its own is no fault", async () => {
    await using server = await redisServer([
      "--requirepass",
      "p@ss",
      "--maxmemory",
      "3mb",
      "--maxmemory-policy",
      "allkeys-lru",
    ]);
    const tier = await redis([`redis://:p%40ss@127.0.0.1:${server.port}`], { compression: false });
    for (let n = 0; n < 400; n++) await tier.set(key(n), entry("x".repeat(10_000)));
    const { entries } = await tier.size();
    expect(entries).toBeLessThan(400);
    expect((await tier.get(key(399)))?.body).toHaveLength(10_000);
    const stranger = await redis([server.url]);
    await expect(stranger.get(key(399))).rejects.toThrow();
    await stranger.close();
    await tier.close();
  });
});

describe.skipIf(noRedis)(`redis cluster ${noRedis ?? ""}`, () => {
  test("six nodes: entries on all masters, cleared from all, and a master that dies costs only its part", async () => {
    await using cluster = await redisCluster();
    const tier = await redis(
      cluster.nodes.map(({ url }) => url),
      { cluster: true },
    );
    for (let n = 0; n < 60; n++) await tier.set(key(n * 7_919), entry(`body ${n}`));
    expect((await tier.size()).entries).toBe(60);
    for (let n = 0; n < 60; n++) expect((await tier.get(key(n * 7_919)))?.body).toBe(`body ${n}`);
    expect(await tier.clear()).toBe(60);
    await tier.set(key(1), entry("before"));
    await cluster.nodes[0]?.stop();
    const layers = createLayers({ tiers: [tier, memoryTier(limits)], clock, secret: Buffer.from("s") });
    for (let n = 0; n < 20; n++) {
      clock.at += 10_001;
      await layers.set(key(n), `body ${n}`, 600_000);
      expect((await layers.get(key(n)))?.body).toBe(`body ${n}`);
    }
    await layers.close();
  }, 120_000);
});

describe.skipIf(noPostgres)(`postgres ${noPostgres ?? ""}`, () => {
  let server: RealServer;
  beforeAll(async () => {
    server = await postgresServer();
  }, 120_000);
  afterAll(() => server[Symbol.asyncDispose]());
  const open = () => postgresTier({ url: server.url, clock, maxEntries: 100 });
  // NUL is the one character that Postgres text cannot hold: bodies reach a tier as JSON, which escapes it.
  contract(async () => {
    const tier = await open();
    return {
      ...tier,
      set: (name, { body, ...rest }) => tier.set(name, { body: JSON.stringify(body), ...rest }),
      async get(name) {
        const found = await tier.get(name);
        return found && { ...found, body: String(JSON.parse(found.body)) };
      },
    };
  });
  bounded(open);

  test("two processes may begin at the same time; a server that is down is a rejection, and works when it is up", async () => {
    const [one, two] = await Promise.all([open(), open()]);
    await Promise.all([one.set(key(1), entry("one")), two.set(key(2), entry("two"))]);
    expect((await two.get(key(1)))?.body).toBe("one");
    await server.stop();
    await expect(one.get(key(1))).rejects.toThrow();
    const late = await open();
    await expect(late.get(key(1))).rejects.toThrow();
    await server.start();
    expect((await late.get(key(1)))?.body).toBe("one");
    expect((await one.get(key(2)))?.body).toBe("two");
    await Promise.all([one, two, late].map((tier) => tier.close()));
  });
});
