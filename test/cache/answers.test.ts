/** The cache of answers as a whole: exact, near, never; shadow checks and restarts. */
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createAnswers } from "../../src/cache/answers.ts";
import { openEntryBook } from "../../src/cache/entry-book.ts";
import { createLayers } from "../../src/cache/layers.ts";
import { sealKey } from "../../src/cache/seal-key.ts";
import { memoryTier } from "../../src/cache/tiers/memory.ts";
import { sqliteTier } from "../../src/cache/tiers/sqlite.ts";
import type { AnswerCache, AnswerQuestion, OfferedAnswer } from "../../src/core/ports/cache.ts";
import type { Embedder } from "../../src/core/ports/models.ts";
import { tempFolder } from "../kit/temp.ts";

const folder = tempFolder();
afterAll(() => folder[Symbol.dispose]());
const signal = new AbortController().signal;
let files = 0;

/** Words as a vector: the same words in any order are near. */
function embedderOf(state: { down?: boolean } = {}): Embedder {
  const vector = (text: string) => {
    const row = new Float32Array(64);
    for (const word of text.toLowerCase().match(/[a-z]+/g) ?? []) {
      let hash = 7;
      for (const letter of word) hash = (hash * 31 + letter.charCodeAt(0)) % 61;
      row[hash] = (row[hash] ?? 0) + (/^(the|a|of|is|does|do)$/.test(word) ? 0.05 : 1);
    }
    const norm = Math.hypot(...row) || 1;
    return row.map((value) => value / norm);
  };
  return {
    ref: { provider: "t", model: "e", digest: "e1" },
    counts: { texts: 0, sent: 0, requests: 0 },
    async embed(texts) {
      if (state.down) throw new Error("no embedding server");
      return texts.map(vector);
    },
  };
}

interface Kit {
  readonly answers: AnswerCache;
  readonly clock: { at: number; now(): number; monotonic(): number };
}

function kit(changes: Partial<Parameters<typeof createAnswers>[0]> = {}, name = `cache-${files++}`): Kit {
  const clock = { at: 1_000_000, now: () => clock.at, monotonic: () => clock.at };
  const limits = { clock, maxBytes: 1e7, maxEntries: 1_000 };
  const answers = createAnswers({
    scope: { user: "u", workspace: "/w", role: "user" },
    layers: createLayers({
      tiers: [memoryTier(limits), sqliteTier({ ...limits, file: join(folder.path, `${name}.db`) })],
      clock,
      secret: sealKey(join(folder.path, "key")),
    }),
    book: openEntryBook(join(folder.path, `${name}-book.db`), 1_000),
    clock,
    ttlMs: 3_600_000,
    maxBytes: 1e7,
    similarity: 0.85,
    anyTemperature: false,
    hasSecret: (text) => text.includes("hunter2"),
    ...changes,
  });
  return { answers, clock };
}

const parts = { model: "m1", system: "s1", tools: "t1", voice: "developer", files: {}, history: "h1" };
const question = (text: string, changes: Partial<AnswerQuestion> = {}): AnswerQuestion => ({
  text,
  parts,
  temperature: 0,
  ...changes,
});
const answer = (text: string, changes: Partial<OfferedAnswer> = {}): OfferedAnswer => ({
  text,
  stop: "stop",
  toolCalls: false,
  label: { integrity: "workspace", confidentiality: "workspace" },
  ...changes,
});

describe("the same words", () => {
  test("are answered in the same context only, until their time is over; cleared is gone", async () => {
    const { answers, clock } = kit();
    expect(await answers.lookup(question("What is a monad?"), signal)).toEqual({ because: "nothing" });
    expect(await answers.offer(question("What is a monad?"), answer("A burrito."))).toBeUndefined();
    clock.at += 60_000;
    expect(await answers.lookup(question("What is a monad?"), signal)).toEqual({
      hit: { text: "A burrito.", ageMs: 60_000, similarity: 1, tier: "memory", label: answer("").label },
    });
    for (const key of ["model", "system", "tools", "voice", "history"] as const)
      expect(
        (await answers.lookup(question("What is a monad?", { parts: { ...parts, [key]: "other" } }), signal)).hit,
        key,
      ).toBeUndefined();
    clock.at += 3_600_000;
    expect((await answers.lookup(question("What is a monad?"), signal)).hit).toBeUndefined();
    await answers.offer(question("What is a monad?"), answer("A burrito."));
    expect(await answers.clear()).toMatchObject({ memory: 1, semantic: 1 });
    expect((await answers.lookup(question("What is a monad?"), signal)).hit).toBeUndefined();
    await answers.close();
  });

  test("of another user, workspace or role are another question", async () => {
    const shared = openEntryBook(join(folder.path, "shared-book.db"), 100);
    const clock = { now: () => 5, monotonic: () => 5 };
    const layers = createLayers({
      tiers: [memoryTier({ clock, maxBytes: 1e6, maxEntries: 10 })],
      clock,
      secret: Buffer.from("s"),
    });
    const scope = { user: "u", workspace: "/w", role: "user" };
    const own = kit({ layers, book: shared, clock }).answers;
    await own.offer(question("What is a monad?"), answer("A burrito."));
    for (const key of ["user", "workspace", "role"] as const) {
      const other = kit({ layers, book: shared, clock, scope: { ...scope, [key]: "x" } }).answers;
      expect(await other.lookup(question("What is a monad?"), signal)).toEqual({ because: "nothing" });
    }
    expect((await own.lookup(question("What is a monad?"), signal)).hit?.text).toBe("A burrito.");
  });

  test.each([
    ["tool calls", question("What is a monad?"), answer("x", { toolCalls: true }), "tool-calls"],
    ["a cut answer", question("What is a monad?"), answer("x", { stop: "length" }), "incomplete"],
    ["an empty answer", question("What is a monad?"), answer(" "), "empty"],
    ["a secret in the answer", question("What is a monad?"), answer("it is hunter2"), "secrets"],
    ["a secret in the prompt", question("Is hunter2 a monad?"), answer("x"), "secrets"],
    [
      "a secret in the thread",
      question("What is a monad?"),
      answer("x", { label: { integrity: "workspace", confidentiality: "secret" } }),
      "secrets",
    ],
    ["time", question("What changed today?"), answer("x"), "time-dependent"],
    ["a temperature", question("What is a monad?", { temperature: 0.7 }), answer("x"), "temperature"],
    [
      "a model without digest",
      question("What is a monad?", { parts: { ...parts, model: "" } }),
      answer("x"),
      "no-fingerprint",
    ],
  ])("are not kept: %s", async (_, asked, given, why) => {
    const { answers } = kit();
    expect(await answers.offer(asked, given)).toBe(why);
    expect((await answers.lookup(asked, signal)).hit).toBeUndefined();
    expect((await answers.stats()).semantic.entries).toBe(0);
    await answers.close();
  });
});

describe("the same question in other words", () => {
  const asked = "What does the parser do?";
  const again = "What does parser do?";

  test("is answered with its age and similarity, also by the next process; a different one is not", async () => {
    const embedder = async () => embedderOf();
    const first = kit({ embedder }, "restart");
    await first.answers.offer(question(asked), answer("It parses."));
    await first.answers.close();
    const { answers, clock } = kit({ embedder }, "restart");
    clock.at += 120_000;
    let look = await answers.lookup(question(again), signal);
    // The one in fifty that is compared instead comes sooner or later; the next one is served.
    if (!look.hit) look = await answers.lookup(question(again), signal);
    expect(look.hit).toMatchObject({ text: "It parses.", tier: "semantic", ageMs: 120_000 });
    expect(look.hit?.similarity).toBeGreaterThanOrEqual(0.95);
    for (const other of [
      "What does the parser not do?",
      "What does the lexer do?",
      "What did the parser do?",
      "What does parser 2 do?",
    ])
      expect((await answers.lookup(question(other), signal)).hit, other).toBeUndefined();
    expect((await answers.lookup(question(again, { parts: { ...parts, history: "h2" } }), signal)).hit).toBeUndefined();
    expect((await answers.explain(again, signal))[0]).toMatchObject({ question: asked, ageMs: 120_000 });
    expect((await answers.explain("What does the parser not do?", signal))[0]?.difference).toBe("negation");
    await answers.close();
  });

  test("2 % of would-be hits are answered by the model and compared: agreement keeps the class, one difference stops it", async () => {
    const embedder = async () => embedderOf();
    const { answers } = kit({ embedder });
    await answers.offer(question(asked), answer("It parses."));
    let [served, compared] = [0, 0];
    for (let n = 0; n < 400; n++) {
      const look = await answers.lookup(question(again), signal);
      if (look.hit) served++;
      else {
        expect(look).toEqual({ because: "shadow-check" });
        compared++;
        // What the model says is shown and kept under its own words: take it out again for this test.
        await answers.offer(question(again), answer("It  parses.", { stop: "stop" }));
        if (compared === 1)
          expect((await answers.stats()).semantic.evidence).toMatchObject([{ agreed: 1, disagreed: 0 }]);
        break;
      }
    }
    expect(compared).toBe(1);
    expect(served).toBeLessThan(200);
    const third = "What does parser do?";
    const other = kit({ embedder });
    await other.answers.offer(question(asked), answer("It parses."));
    for (let n = 0; n < 400; n++) {
      const look = await other.answers.lookup(question(third), signal);
      if (look.hit) continue;
      await other.answers.offer(question(third), answer("It deletes files."));
      break;
    }
    expect((await other.answers.stats()).semantic.evidence).toMatchObject([{ agreed: 0, disagreed: 1 }]);
    // Other words for the same: the class is stopped, the answer that was wrong is not given again.
    expect(await other.answers.lookup(question("Please, what does the parser do?"), signal)).not.toHaveProperty("hit");
  });

  test("without an answer from the embedding model only the same words are found, and stats say why", async () => {
    const state = { down: false };
    const { answers } = kit({ embedder: async () => embedderOf(state) });
    await answers.offer(question(asked), answer("It parses."));
    state.down = true;
    expect((await answers.lookup(question(asked), signal)).hit?.text).toBe("It parses.");
    expect(await answers.lookup(question(again), signal)).toEqual({ because: "nothing" });
    expect((await answers.stats()).semantic.problem).toBe("no embedding server");
    expect(await answers.offer(question("What does a lexer do?"), answer("It lexes."))).toBeUndefined();
    await answers.close();
  });
});
