import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createStreamingText } from "../../../src/cli/tui/streaming-text.ts";
import { themeOf } from "../../../src/cli/tui/theme.ts";

function streaming(most = 8, columns = 40) {
  const settled: string[] = [];
  const text = createStreamingText({
    theme: themeOf("dark", true),
    columns: () => columns,
    most: () => most,
    settle: (lines) => settled.push(...lines.map((line) => stripVTControlCharacters(line))),
  });
  return { settled, text, live: () => text.render(columns).map((line) => stripVTControlCharacters(line)) };
}

test("a list is drawn again only as far as it may change, and a resize in its middle neither doubles nor loses an item", () => {
  for (const widths of [
    [200, 90],
    [90, 200, 120],
  ]) {
    const settled: string[] = [];
    let columns = widths[0] ?? 0;
    const text = createStreamingText({
      ...{ theme: themeOf("none", false), columns: () => columns, most: () => 38 },
      settle: (lines) => settled.push(...lines.map((line) => stripVTControlCharacters(line))),
    });
    for (let at = 0; at < 30; at++) {
      columns = widths[Math.floor(at / 10)] ?? columns;
      text.push(`- item ${at} with words\n`);
      expect(text.render(columns).length).toBeLessThanOrEqual(Math.max(2, 640 / columns));
    }
    text.end();
    expect(settled.filter((line) => line !== "")).toEqual(
      Array.from({ length: 30 }, (_, at) => `- item ${at} with words`),
    );
  }
});

test("a table waits for the widths of its columns as long as there is room", () => {
  const { settled, text, live } = streaming(30, 200);
  text.push("| a | b |\n|---|---|\n");
  for (let at = 0; at < 8; at++) text.push(`| ${"x".repeat(at + 1)} | y |\n`);
  expect(settled).toEqual([]);
  expect(new Set(live().map((line) => line.length)).size).toBe(1);
});

describe("text while it arrives", () => {
  test("a block settles when the next one begins, the last is drawn", () => {
    const { settled, text, live } = streaming();
    text.push("# Title\n\nFirst **bo");
    expect(settled).toEqual(["Title", ""]);
    expect(live()).toEqual(["First **bo"]);
    text.push("ld** end\n\nSecond");
    expect(settled).toEqual(["Title", "", "First bold end", ""]);
    text.end();
    expect(settled.slice(4)).toEqual(["Second", ""]);
    expect(live()).toEqual([]);
  });

  test("blank lines inside a fence end nothing", () => {
    const { settled, text } = streaming();
    text.push("```js\na\n\nb\n");
    expect(settled).toEqual([]);
    text.push("```\n\nafter");
    expect(settled.join("\n")).toContain("b");
  });

  test("a block longer than its place settles line by line, each line once", () => {
    const { settled, text, live } = streaming(5);
    text.push("```\n");
    for (let line = 0; line < 40; line++) {
      text.push(`line ${line}\n`);
      expect(live().length).toBeLessThanOrEqual(5);
    }
    text.push("```\n\n");
    text.end();
    const numbers = settled.flatMap((line) => /line (\d+)/.exec(line)?.[1] ?? []);
    expect(numbers).toEqual(Array.from({ length: 40 }, (_, line) => String(line)));
  });

  test("terminal codes of a model never reach the screen", () => {
    const { settled, text } = streaming();
    text.push("safe \u001b]0;owned\u0007 and \u001b[2J end\n\n");
    text.end();
    expect(settled.join(" ")).toContain("safe");
    expect(settled.join(" ")).not.toContain("owned");
  });

  test("however the text is cut, every word stands once and in order", () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(words, fc.infiniteStream(fc.integer({ min: 1, max: 17 })), (given, cuts) => {
        const numbered = given.map((word, at) => `${word}${at}`);
        const whole = numbered.map((word, at) => word + (at % 11 === 10 ? "\n\n" : " ")).join("");
        const { settled, text } = streaming(4, 30);
        for (let at = 0; at < whole.length; ) {
          const size = cuts.next().value ?? 1;
          text.push(whole.slice(at, at + size));
          at += size;
        }
        text.end();
        expect(settled.join(" ").split(/\s+/).filter(Boolean)).toEqual(numbered);
      }),
      { numRuns: 150 },
    );
  });
});
