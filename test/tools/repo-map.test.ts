import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { expect, test } from "vitest";
import { byteLength } from "../../src/base/text.ts";
import type { Hands, RepositoryHands, SymbolMap } from "../../src/core/ports/hands.ts";
import repoMap from "../../src/tools/repo_map.ts";

const signal = new AbortController().signal;

async function run(map: Partial<SymbolMap>, input: Record<string, unknown> = {}) {
  const asked: unknown[] = [];
  const repository: RepositoryHands = {
    map: async (query) => {
      asked.push(query);
      return { root: "/ws", files: [], ranked: map.files?.length ?? 0, cached: 0, truncated: false, ...map };
    },
  };
  const parsed = repoMap.input.safeParse(input);
  if (!parsed.success) throw new Error("bad input");
  const { parts, details } = await repoMap.run(parsed.data, { repository } as Hands, signal);
  return { text: parts.map((part) => (part.type === "text" ? part.text : "")).join(""), details, asked: asked[0] };
}

const file = (path: string, count = 1) => ({
  path,
  symbols: Array.from({ length: count }, (_, index) => ({
    line: count - index,
    signature: `function f${index}(a: number)`,
  })),
});

test("folders stand where their best file does, signatures in order of lines", async () => {
  const { text, details, asked } = await run({
    files: [file("src/a.ts", 2), file("b.ts"), file("src/c.ts")],
    ranked: 9,
  });
  expect(text).toBe(
    [
      "/ws (3 of 9 files with definitions)",
      "src/",
      "  a.ts",
      "    1: function f1(a: number)",
      "    2: function f0(a: number)",
      "  c.ts",
      "    1: function f0(a: number)",
      "./",
      "  b.ts",
      "    1: function f0(a: number)",
    ].join("\n"),
  );
  expect(details).toEqual({ ranked: 9, cached: 0, shown: 3 });
  expect(asked).toEqual({ path: ".", focus: [], most: 400 });
});

test("what is asked for is passed on, and an empty answer says so", async () => {
  const { text, asked } = await run({ ranked: 0 }, { path: "src", focus: Array.from({ length: 30 }, () => "x") });
  expect(text).toBe("no definitions found below /ws");
  expect(asked).toMatchObject({ path: "src", focus: Array.from({ length: 20 }, () => "x") });
  expect((await run({ files: [file("a.ts")], truncated: true })).text).toContain("too many files to rank them all");
});

test.each([100, 400, 1500, 8000, 1e9])("%d tokens are not exceeded", async (tokens) => {
  const files = Array.from({ length: 400 }, (_, index) => file(`src/folder${index % 7}/someFile${index}.ts`, 16));
  const { text, details } = await run({ files }, { tokens });
  expect(encode(text).length).toBeLessThanOrEqual(Math.min(tokens, 8000));
  expect(byteLength(text)).toBeGreaterThan(Math.min(tokens, 8000));
  expect(details?.["shown"]).toBeGreaterThan(0);
});
