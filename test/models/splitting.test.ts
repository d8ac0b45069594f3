/** Invariants of the readers: how a stream is cut never changes what is read. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { createNdjson } from "../../src/models/ndjson.ts";
import { createSse } from "../../src/models/sse.ts";
import { TextCallScanner } from "../../src/models/text-tool-calls.ts";
import { ThinkingSplitter } from "../../src/models/thinking.ts";
import { parseTolerant } from "../../src/models/tolerant-json.ts";

const NAMES = new Set(["read"]);

/** Cuts a list at sorted random places. */
function cutAt<Piece>(whole: readonly Piece[], places: readonly number[]): Piece[][] {
  const sorted = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return sorted.slice(1).map((end, index) => whole.slice(sorted[index], end));
}
const places = fc.array(fc.nat(), { maxLength: 30 });
const unicode = fc.string({ unit: "binary", maxLength: 12 });

test("NDJSON: any values, any cuts", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 8 }), places, fc.boolean(), (values, cuts, lastFeed) => {
      const text = values.map((value) => JSON.stringify(value)).join("\n") + (lastFeed ? "\n" : "");
      const seen: unknown[] = [];
      const reader = createNdjson(
        (value) => seen.push(value),
        (line) => expect.fail(`junk: ${line}`),
      );
      for (const chunk of cutAt([...Buffer.from(text)], cuts)) reader.push(Buffer.from(chunk));
      reader.end();
      expect(seen).toEqual(values.map((value) => JSON.parse(JSON.stringify(value)) as unknown));
    }),
  );
});

test("SSE: any data, comments between, any line end, any cuts", () => {
  const data = unicode.map((text) => JSON.stringify({ text }));
  fc.assert(
    fc.property(
      fc.array(fc.record({ data, ping: fc.boolean() }), { maxLength: 8 }),
      fc.constantFrom("\n", "\r\n"),
      places,
      (events, eol, cuts) => {
        const text = events
          .map((event) => `${event.ping ? `: ping${eol}${eol}` : ""}data: ${event.data}${eol}${eol}`)
          .join("");
        const seen: string[] = [];
        const reader = createSse((item) => seen.push(item));
        for (const chunk of cutAt([...Buffer.from(text)], cuts)) reader.push(Buffer.from(chunk));
        reader.end();
        expect(seen).toEqual(events.map((event) => event.data));
      },
    ),
  );
});

const fragment = fc.oneof(
  fc.constantFrom(
    "<tool_call>",
    "</tool_call>",
    "<function=read>",
    "<parameter=path>",
    "</parameter>",
    "</function>",
    "[TOOL_CALLS]",
    "<|python_tag|>",
    "```",
    "```json\n",
    "```ts\n",
    "\n```",
    "\n",
  ),
  fc.constantFrom(
    '{"name":"read","arguments":{"path":"a"}}',
    '{"name":"fly","arguments":{}}',
    "<",
    "[",
    "`",
    "{",
    "</think>",
    "<think>",
  ),
  unicode,
);

test("printed calls: any text, any cuts give the same text and calls", () => {
  const scan = (chunks: readonly string[]) => {
    let text = "";
    const scanner = new TextCallScanner(NAMES, (piece) => {
      text += piece;
    });
    for (const chunk of chunks) scanner.push(chunk);
    scanner.end();
    return { text, calls: scanner.calls };
  };
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 12 }), places, (fragments, cuts) => {
      const whole = fragments.join("");
      const expected = scan([whole]);
      expect(scan(cutAt([...whole], cuts).map((piece) => piece.join("")))).toEqual(expected);
      expect(scan([...whole])).toEqual(expected);
      if (expected.calls.length === 0) expect(expected.text).toBe(whole);
    }),
    { numRuns: 600 },
  );
});

test("think tags: any text, any cuts give the same split, and no character is lost", () => {
  const split = (chunks: readonly string[]) => {
    const seen = { text: "", thinking: "" };
    const splitter = new ThinkingSplitter(
      {
        text: (piece) => {
          seen.text += piece;
        },
        thinking: (piece) => {
          seen.thinking += piece;
        },
      },
      false,
    );
    for (const chunk of chunks) splitter.push(chunk);
    splitter.end();
    return { ...seen, learned: splitter.learned() };
  };
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 8 }), places, (fragments, cuts) => {
      const whole = fragments.join("");
      const expected = split([whole]);
      expect(split(cutAt([...whole], cuts).map((piece) => piece.join("")))).toEqual(expected);
      if (!/^\s*<think>/.test(whole)) expect(expected.text.trim()).toBe(whole.trim());
    }),
    { numRuns: 400 },
  );
});

test("tolerant JSON reads all strict JSON alike, and never invents the end of a string", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(JSON.stringify(parseTolerant(text))).toBe(text);
    }),
  );
  expect(() => parseTolerant('{"path": "a')).toThrow(SyntaxError);
  expect(() => parseTolerant('{"a": 1} and more')).toThrow(SyntaxError);
  expect(() => parseTolerant("no json")).toThrow(SyntaxError);
  expect(parseTolerant("```json\n{'a': True, b: [1, 2,], // ".slice(0, 30))).toEqual({ a: true, b: [1, 2] });
  expect(parseTolerant('{"re": "\\d+", "nl": "a\nb"}')).toEqual({ re: "\\d+", nl: "a\nb" });
});
