import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const files = globSync("{src,demo,scripts,bench}/**/*.ts", {
  cwd: root,
  exclude: ["demo/shop/**", "src/*/planted-*/**"],
}).filter((file) => !file.endsWith(".d.ts"));
const text = (file: string) => readFileSync(resolve(root, file), "utf8");

describe("files", () => {
  it("have at most 400 lines", () => {
    expect(files.filter((file) => text(file).split("\n").length > 400)).toEqual([]);
  });

  it("open with one sentence that says what they are for", () => {
    expect(files.filter((file) => !/^(?:#![^\n]*\n)?\/\*\*? ?\S/.test(text(file)))).toEqual([]);
  });

  it("have names of the house: kebab-case, no banned words", () => {
    const bad = files.filter(
      (file) =>
        /(?:manager|unified|enhanced|advanced|enterprise|helper|util|service)[^/]*$/i.test(file) ||
        !/^[a-z0-9_./-]+$/.test(file),
    );
    expect(bad).toEqual([]);
  });

  it("say nothing of stubs or guesses", () => {
    expect(
      files.filter((file) => /\bTODO\b|\bFIXME\b|[Nn]ot implemented|\b[Ff]or now\b|Math\.random\(/.test(text(file))),
    ).toEqual([]);
  });
});

interface Block {
  readonly start: number;
  readonly end: number;
}

const OPENS =
  /^(\s*)(?:export )?(?:default )?(?:async )?function\*? \w+|^(\s*)(?!(?:if|for|while|switch|return|describe|it|catch)\b)(?:async )?\*?#?\w+\([^)]*\)(?:: [^{]+)? \{$|^(\s*).*=> \{$/;

/** Functions of a formatted file, by indentation. */
function functionsOf(lines: readonly string[]): Block[] {
  return lines.flatMap((line, start) => {
    const opens = OPENS.exec(line);
    if (!opens) return [];
    const indent = opens[1] ?? opens[2] ?? opens[3] ?? "";
    const end = lines.findIndex((other, at) => at > start && other.startsWith(`${indent}}`));
    return end > start ? [{ start, end }] : [];
  });
}

describe("functions", () => {
  it("have at most 60 lines of their own, inner functions not counted", () => {
    const long = files.flatMap((file) => {
      const lines = text(file).split("\n");
      const blocks = functionsOf(lines);
      return blocks.flatMap(({ start, end }) => {
        const inner = blocks.filter(
          (block) =>
            block.start > start &&
            block.end < end &&
            !blocks.some((mid) => mid.start > start && mid.end < end && mid.start < block.start && mid.end > block.end),
        );
        const own = end - start + 1 - inner.reduce((sum, block) => sum + block.end - block.start + 1, 0);
        return own > 60 ? [`${file}:${start + 1} (${own} lines)`] : [];
      });
    });
    expect(long).toEqual([]);
  });
});
