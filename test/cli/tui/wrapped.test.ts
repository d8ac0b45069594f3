import { visibleWidth } from "@earendil-works/pi-tui";
import fc from "fast-check";
import { expect, test } from "vitest";
import { wrapped } from "../../../src/cli/tui/wrapped.ts";

test("a row of two columns is broken between words, below its second column", () => {
  expect(wrapped("/review      voices read a change: what is not committed", 36)).toEqual([
    "/review      voices read a change:",
    "             what is not committed",
  ]);
  expect(wrapped("short", 36)).toEqual(["short"]);
  expect(wrapped("  words that go on and on and on", 16)).toEqual(["  words that go", "  on and on and", "  on"]);
});

test("no line is wider than the screen, and no word is lost", () => {
  const word = fc.stringMatching(/^[a-z]{1,9}$/);
  const line = fc.tuple(fc.array(word, { minLength: 1, maxLength: 30 }), fc.constantFrom(" ", "   "));
  fc.assert(
    fc.property(line, fc.integer({ min: 20, max: 60 }), ([words, gap], width) => {
      const rows = wrapped(words.join(gap), width);
      for (const row of rows) expect(visibleWidth(row)).toBeLessThanOrEqual(width);
      expect(rows.join(" ").split(/ +/).filter(Boolean)).toEqual(words);
    }),
  );
});
