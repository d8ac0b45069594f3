/** Repositories written for the journeys: TypeScript on node:test, Python on unittest, and one with 20,000 files. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export type Files = Readonly<Record<string, string>>;

/** One test of two fails: `total` forgets the quantity. CRLF and a BOM, so that an edit has something to keep. */
export const TYPESCRIPT: Files = {
  "package.json":
    '{\n  "name": "basket",\n  "private": true,\n  "type": "module",\n  "scripts": { "test": "node --test" }\n}\n',
  "AGENTS.md": "# Basket\nMoney is in cents. Never use floating point for money.\n",
  "src/basket.ts":
    "\ufeffexport interface Line {\r\n  readonly price: number;\r\n  readonly count: number;\r\n}\r\n\r\n/** Sum in cents: “price times count”. */\r\nexport function total(lines: readonly Line[]): number {\r\n  return lines.reduce((sum, line) => sum + line.price, 0);\r\n}\r\n",
  "src/basket.test.ts":
    'import assert from "node:assert/strict";\nimport { test } from "node:test";\nimport { total } from "./basket.ts";\n\ntest("nothing costs nothing", () => assert.equal(total([]), 0));\ntest("price times count", () => assert.equal(total([{ price: 250, count: 3 }]), 750));\n',
};

export const TYPESCRIPT_FIX = {
  path: "src/basket.ts",
  test: "node --test",
  old: "sum + line.price, 0",
  new: "sum + line.price * line.count, 0",
} as const;

/** One test of two fails: `slug` leaves the spaces. Tabs for indentation. */
export const PYTHON: Files = {
  "slug.py": 'def slug(text):\n\t"""Lower case, words joined by hyphens."""\n\treturn text.lower()\n',
  "test_slug.py":
    'import unittest\nfrom slug import slug\n\n\nclass SlugTest(unittest.TestCase):\n    def test_lower(self):\n        self.assertEqual(slug("Abc"), "abc")\n\n    def test_spaces(self):\n        self.assertEqual(slug("A b  c"), "a-b-c")\n\n\nif __name__ == "__main__":\n    unittest.main()\n',
};

export const PYTHON_FIX = {
  path: "slug.py",
  test: "python3 -m unittest",
  old: "return text.lower()",
  new: 'return "-".join(text.lower().split())',
} as const;

export function writeFiles(folder: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** 20,000 files in 200 folders beside the TypeScript repository. */
export function writeLarge(folder: string): void {
  writeFiles(folder, TYPESCRIPT);
  for (let part = 0; part < 200; part++) {
    const inner = join(folder, "modules", `m${part}`);
    mkdirSync(inner, { recursive: true });
    for (let file = 0; file < 100; file++)
      writeFileSync(join(inner, `f${file}.ts`), `export const value${part}x${file} = ${part * 100 + file};\n`);
  }
}
