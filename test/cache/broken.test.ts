/** What breaks under the cache of answers makes it slower or empty, never wrong and never the end of a turn. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import { afterAll, describe, expect, test } from "vitest";
import { createAnswers } from "../../src/cache/answers.ts";
import { openEntryBook } from "../../src/cache/entry-book.ts";
import { createLayers } from "../../src/cache/layers.ts";
import { memoryTier } from "../../src/cache/tiers/memory.ts";
import { sqliteTier } from "../../src/cache/tiers/sqlite.ts";
import type { CacheTier } from "../../src/core/ports/cache.ts";
import type { Embedder } from "../../src/core/ports/models.ts";
import { tempFolder } from "../kit/temp.ts";

const folder = tempFolder();
afterAll(() => folder[Symbol.dispose]());
const signal = new AbortController().signal;
const clock = { now: () => 1_000_000, monotonic: () => 0 };
const parts = { model: "m1", system: "s1", tools: "t1", voice: "developer", files: {}, history: "h1" };
const asked = (text: string) => ({ text, parts, temperature: 0 });
const given = (text: string) => ({
  text,
  stop: "stop" as const,
  toolCalls: false,
  label: { integrity: "workspace" as const, confidentiality: "workspace" as const },
});

function embedderOf(embed: Embedder["embed"] = async (texts) => texts.map(() => new Float32Array([1, 0, 0]))) {
  let requests = 0;
  const embedder: Embedder = {
    ref: { provider: "t", model: "e", digest: "e1" },
    counts: { texts: 0, sent: 0, requests: 0 },
    async embed(texts, limit) {
      requests++;
      return embed(texts, limit);
    },
  };
  return { embedder: async () => embedder, requests: () => requests };
}

function kit(name: string, changes: Partial<Parameters<typeof createAnswers>[0]> & { tiers?: CacheTier[] } = {}) {
  const { tiers, ...rest } = changes;
  const limits = { clock, maxBytes: 1e7, maxEntries: 1_000 };
  const file = join(folder.path, `${name}.db`);
  const own = tiers ?? [memoryTier(limits), sqliteTier({ ...limits, file: join(folder.path, `${name}-tier.db`) })];
  const answers = createAnswers({
    scope: { user: "u", workspace: "/w", role: "user" },
    layers: createLayers({ tiers: own, clock, secret: Buffer.from("ours") }),
    book: openEntryBook(file, 1_000),
    clock,
    ttlMs: 3_600_000,
    maxBytes: 1e7,
    similarity: 0.95,
    anyTemperature: false,
    hasSecret: () => false,
    ...rest,
  });
  return { answers, file };
}

describe("the file of questions", () => {
  test("that is no database, or holds garbage in the middle, is made anew", () => {
    for (const garbage of ["not a database at all, just words\n".repeat(300), "SQLite format 3\u0000".repeat(500)]) {
      const file = join(folder.path, `garbage-${garbage.length}.db`);
      writeFileSync(file, garbage);
      const book = openEntryBook(file, 10);
      expect(book.count()).toBe(0);
      book.close();
    }
  });

  test("that another process holds for a moment is waited for", async () => {
    const file = join(folder.path, "held.db");
    openEntryBook(file, 10).close();
    const holder = new Worker(
      `const { DatabaseSync } = require("node:sqlite");
       const { parentPort, workerData } = require("node:worker_threads");
       const db = new DatabaseSync(workerData);
       db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE held (a)");
       parentPort.postMessage("held");
       setTimeout(() => { db.exec("COMMIT"); db.close(); }, 500);`,
      { eval: true, workerData: file },
    );
    await new Promise((resolve) => holder.once("message", resolve));
    const book = openEntryBook(file, 10);
    expect(book.count()).toBe(0);
    book.close();
    await holder.terminate();
  });

  test("that cannot be written or read any more costs neither a turn nor an answer", async () => {
    const { answers, file } = kit("locked", embedderOf());
    await answers.offer(asked("What is a monad?"), given("A burrito."));
    const other = new DatabaseSync(file);
    other.exec("BEGIN EXCLUSIVE");
    expect((await answers.lookup(asked("What is a monad?"), signal)).hit?.text).toBe("A burrito.");
    expect((await answers.lookup(asked("What is a functor?"), signal)).hit).toBeUndefined();
    expect(await answers.offer(asked("What is a functor?"), given("A box."))).toBe("cache-failed");
    other.exec("ROLLBACK; DROP TABLE answers; DROP TABLE evidence");
    other.close();
    expect((await answers.lookup(asked("What is an applicative?"), signal)).hit).toBeUndefined();
    expect(await answers.offer(asked("What is an applicative?"), given("A box."))).toBe("cache-failed");
    await answers.close();
  });
});

test("an embedding model that fails between question and answer costs no answer", async () => {
  let down = false;
  const { embedder } = embedderOf(async (texts) => {
    if (down) throw new Error("no embedding server");
    return texts.map(() => new Float32Array([1, 0, 0]));
  });
  const { answers } = kit("between", { embedder });
  await answers.offer(asked("What does the parser do?"), given("It parses."));
  for (let look = await answers.lookup(asked("What does parser do?"), signal); look.hit; )
    look = await answers.lookup(asked("What does parser do?"), signal);
  down = true;
  expect(await answers.offer(asked("What does parser do?"), given("It reads words."))).toBe("cache-failed");
  await answers.close();
});

test("a turn that is cancelled does not wait for the embedding model; an answer asks it no second time", async () => {
  const hanging = embedderOf(() => new Promise(() => undefined));
  const stop = new AbortController();
  const { answers } = kit("hanging", { embedder: hanging.embedder });
  const look = answers.lookup(asked("What is a monad?"), stop.signal);
  setImmediate(() => stop.abort(new Error("enough")));
  await expect(look).rejects.toThrow("enough");
  await answers.close();
  const living = embedderOf();
  const second = kit("living", { embedder: living.embedder });
  await second.answers.lookup(asked("What is a monad?"), signal);
  await second.answers.offer(asked("What is a monad?"), given("A burrito."));
  expect(living.requests()).toBe(1);
  await second.answers.close();
});

test("each process compares other would-be hits: one question a process is compared now and then too", async () => {
  const { embedder } = embedderOf();
  const { answers } = kit("shadow", { embedder });
  await answers.offer(asked("What does the parser do?"), given("It parses."));
  await answers.close();
  let compared = 0;
  for (let process = 0; process < 400; process++) {
    const time = { now: () => 1_000_000 + process * 997, monotonic: () => 0 };
    const one = kit("shadow", { embedder, clock: time });
    const look = await one.answers.lookup(asked("What does parser do?"), signal);
    if (!look.hit && look.because === "shadow-check") compared++;
    await one.answers.close();
  }
  expect(compared).toBeGreaterThan(0);
  expect(compared).toBeLessThan(40);
});

describe("cleared", () => {
  test("by another process is gone here too, from memory and index", async () => {
    const { embedder } = embedderOf();
    const here = kit("two", { embedder });
    const there = kit("two", { embedder });
    await here.answers.offer(asked("What does the parser do?"), given("It parses."));
    expect((await here.answers.lookup(asked("What does the parser do?"), signal)).hit?.tier).toBe("memory");
    await there.answers.clear();
    for (const text of ["What does the parser do?", "What does parser do?"])
      expect((await here.answers.lookup(asked(text), signal)).hit, text).toBeUndefined();
    await here.answers.close();
    await there.answers.close();
  });

  test("with a tier that does not answer: all others are empty, and the fault names it", async () => {
    const near = memoryTier({ clock, maxBytes: 1e6, maxEntries: 10 });
    const dead: CacheTier = { ...near, name: "redis", clear: async () => Promise.reject(new Error("timed out")) };
    const { answers } = kit("half", { tiers: [dead, near] });
    await answers.offer(asked("What is a monad?"), given("A burrito."));
    await expect(answers.clear()).rejects.toMatchObject({ fault: { code: "storage", message: /redis.*timed out/ } });
    expect((await near.size()).entries).toBe(0);
    expect((await answers.stats()).semantic.entries).toBe(0);
    await answers.close();
  });
});

test("a shared tier cannot lengthen the life of an entry", async () => {
  const time = { at: 1_000, now: () => time.at };
  const tier = memoryTier({ clock: time, maxBytes: 1e6, maxEntries: 10 });
  const layers = createLayers({ tiers: [tier], clock: time, secret: Buffer.from("ours") });
  await layers.set("k", "body", 5_000);
  const sealed = await tier.get("k");
  if (sealed) await tier.set("k", { ...sealed, expires: 1e12 });
  time.at += 6_000;
  expect(await layers.get("k")).toBeUndefined();
});
