/**
 * Every known quirk of the servers, through the real adapters: each reply split in two at every byte boundary and into
 * single bytes (in memory, socket replaced), and over a real loopback socket whole, in single bytes and at sampled boundaries.
 */
import { describe, expect, test } from "vitest";
import { OLLAMA } from "./fixtures/ollama.ts";
import { OPENAI_FAILURES } from "./fixtures/openai-failures.ts";
import { OPENAI_QUIRKS } from "./fixtures/openai-quirks.ts";
import { OPENAI_STREAM } from "./fixtures/openai-stream.ts";
import { TEXT_CALLS } from "./fixtures/text-calls.ts";
import { type Fixture, play, playOverLoopback, shorten } from "./wire-kit.ts";

const FIXTURES: readonly Fixture[] = [...OLLAMA, ...OPENAI_STREAM, ...OPENAI_FAILURES, ...OPENAI_QUIRKS, ...TEXT_CALLS];
const bytes = (body: Buffer) => Array.from(body, (byte) => Buffer.from([byte]));
const at = (index: number) => (body: Buffer) =>
  [body.subarray(0, index), body.subarray(index)].filter((part) => part.length > 0);

test("there are at least 60 fixtures, each with its own name", () => {
  const names = FIXTURES.map((fixture) => `${fixture.wire} ${fixture.name}`);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(60);
});

describe.each(FIXTURES.map((fixture) => [`${fixture.wire}: ${fixture.name}`, fixture] as const))(
  "%s",
  (_name, fixture) => {
    test("whole, and what is sent", async () => {
      const { parts, bodies } = await play(fixture, (body) => [body]);
      expect(shorten(parts)).toEqual(fixture.expect);
      fixture.sent?.(bodies);
    });

    test("split at every byte boundary", async () => {
      const longest = Math.max(...fixture.replies.map((reply) => Buffer.byteLength(reply.body)));
      const results = await Promise.all(
        Array.from({ length: longest }, async (_, index) => shorten((await play(fixture, at(index))).parts)),
      );
      for (const [index, result] of results.entries()) expect(result, `split at byte ${index}`).toEqual(fixture.expect);
      expect(shorten((await play(fixture, bytes)).parts)).toEqual(fixture.expect);
    });

    test("over a loopback socket", async () => {
      const size = Buffer.byteLength(fixture.replies[0]?.body ?? "");
      for (const cut of [(body: Buffer) => [body], bytes, at(1), at(Math.floor(size / 3)), at(size - 1)]) {
        const parts = await playOverLoopback(fixture, cut);
        expect(shorten(parts), JSON.stringify(parts)).toEqual(fixture.expect);
      }
    });
  },
);
