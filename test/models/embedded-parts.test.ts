/** Parts of the embedded engine that need no model: pieces of text, grammars, times, the way to the package. */
import fc from "fast-check";
import type { LlamaModel, Token } from "node-llama-cpp";
import { describe, expect, test } from "vitest";
import { durationMs } from "../../src/models/embedded/duration.ts";
import { installCommand } from "../../src/models/embedded/engine.ts";
import { grammarFor } from "../../src/models/embedded/grammar.ts";
import { createPieces } from "../../src/models/embedded/pieces.ts";

/** A vocabulary of bytes: the hardest case for whole characters. */
const bytes = {
  detokenize: (tokens: readonly Token[]) => Buffer.from(tokens).toString("utf8"),
} as unknown as LlamaModel;
const STOP = 300 as Token;

function written(text: string, stops: readonly string[], last: readonly Token[] = []) {
  const out: string[] = [];
  const pieces = createPieces(bytes, { tokens: new Set([STOP]), texts: stops }, (piece) => out.push(piece));
  const ended = [...([...Buffer.from(text)] as Token[]), ...last].some((token) => pieces.take(token));
  pieces.end();
  return { out, text: out.join(""), ended };
}

describe("pieces", () => {
  test("are whole characters, and together the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const whole = Buffer.from(text).toString("utf8");
        const seen = written(text, []);
        expect(seen.text).toBe(whole);
      }),
    );
  });

  test("end before a mark, wherever it stands, and show nothing of it", () => {
    const letters = fc.string({ unit: fc.constantFrom("<", "|", "e", "n", "é"), maxLength: 12 });
    fc.assert(
      fc.property(letters, letters, (before, after) => {
        const text = `${before}<|en|>${after}`;
        expect(written(text, ["<|en|>"])).toMatchObject({ text: text.slice(0, text.indexOf("<|en|>")), ended: true });
        const held = before.replaceAll("<|en|>", "");
        expect(written(held, ["<|en|>"])).toMatchObject({ text: held, ended: false });
      }),
    );
  });

  test("end at a token that stands for the end", () => {
    expect(written("Yes.", [], [STOP])).toMatchObject({ text: "Yes.", ended: true });
  });
});

describe("grammars", () => {
  const root = (schema: Readonly<Record<string, unknown>>) => /^root ::= (.*)$/m.exec(grammarFor(schema))?.[1];

  test.each<[Readonly<Record<string, unknown>>, string]>([
    [{}, "value"],
    [{ type: "object" }, "object"],
    [{ type: "object", additionalProperties: false }, '"{}"'],
    [{ type: "array", maxItems: 0 }, '"[]"'],
    [{ type: "string", minLength: 2 }, String.raw`"\"" char{2,} "\""`],
    [{ type: "string", maxLength: 1_000_000 }, String.raw`"\"" char* "\""`],
    [{ type: "integer", minimum: 0 }, "whole"],
    [{ type: "integer", minimum: 1, maximum: 2 }, '("1" | "2")'],
    [{ $ref: "#/$defs/none" }, "value"],
    [{ enum: ['a"\\\n'] }, String.raw`("\"a\\\"\\\\\\n\"")`],
  ])("%j", (schema, body) => {
    expect(root(schema)).toBe(body);
  });

  test("no number has an exponent or more digits than a double holds", () => {
    expect(grammarFor({})).toContain('whole ::= "0" | [1-9] [0-9]{0,14}');
    expect(grammarFor({})).not.toMatch(/\[eE\]/);
  });
});

test.each([
  ["30m", 1_800_000],
  ["1.5h", 5_400_000],
  ["90s", 90_000],
  ["500ms", 500],
  ["45", 45_000],
  ["0", 0],
])("%s is %i ms", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test("-1 is for ever", () => {
  expect(durationMs("-1")).toBeLessThan(0);
});

test.each([
  ["/usr/lib/node_modules/codecrucible/dist/chunk.js", "npm install -g node-llama-cpp@3.21.1"],
  ["/home/u/shop/node_modules/codecrucible/dist/chunk.js", "npm install --prefix /home/u/shop node-llama-cpp@3.21.1"],
  ["/home/u/codecrucible/src/models/embedded/engine.ts", "npm install node-llama-cpp@3.21.1"],
])("the package is installed beside %s", (place, command) => {
  expect(installCommand(place)).toBe(command);
});
