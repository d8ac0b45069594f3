import { expect, test } from "vitest";
import { globMatcher } from "../../src/base/glob.ts";

test.each([
  ["*.ts", "a.ts", true],
  ["*.ts", "deep/er/a.ts", true],
  ["*.ts", "a.tsx", false],
  ["src/*.ts", "src/a.ts", true],
  ["src/*.ts", "src/x/a.ts", false],
  ["./src/**/*.ts", "src/a.ts", true],
  ["src/**/*.ts", "src/x/y/a.ts", true],
  ["src/**", "src/x/y", true],
  ["**/*.{ts,tsx}", "a/b.tsx", true],
  ["**/*.{ts,tsx}", "a/b.js", false],
  ["[a-c]?.md", "b1.md", true],
  ["[!a-c]?.md", "b1.md", false],
  ["a+b(1).txt", "a+b(1).txt", true],
  ["{open", "open", true],
  ["\\*.md", "*.md", true],
  ["\\*.md", "a.md", false],
])("%s against %s: %s", (pattern, path, expected) => {
  expect(globMatcher(pattern)(path)).toBe(expected);
});
