/** A small project on vitest whose `node_modules` is too large to be copied: the runner's own closure and one large file. */
import { cpSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Files, writeFiles } from "./repositories.ts";

const MODULES = resolve(import.meta.dirname, "../../node_modules");

const FILES: Files = {
  ".gitignore": "node_modules/\n",
  "package.json": '{ "name": "small", "private": true, "type": "module" }\n',
  "vitest.config.ts":
    'import { defineConfig } from "vitest/config";\n\nexport default defineConfig({ test: { include: ["*.test.ts"] } });\n',
  "sum.ts": "export const sum = (a: number, b: number): number => a + b;\n",
  "sum.test.ts":
    'import { expect, test } from "vitest";\nimport { sum } from "./sum.ts";\n\ntest("adds", () => expect(sum(1, 2)).toBe(3));\n',
};

export function writeVitestProject(folder: string): void {
  writeFiles(folder, FILES);
  const modules = join(folder, "node_modules");
  for (const name of closure("vitest", "vite")) cpSync(join(MODULES, name), join(modules, name), { recursive: true });
  mkdirSync(join(modules, "large"));
  largeFile(join(modules, "large", "blob"));
}

/** Takes no room on the disk, but counts with 51 MiB. */
export function largeFile(path: string): void {
  writeFileSync(path, "");
  truncateSync(path, 51 * 1024 * 1024);
}

/** The packages and all they need, as far as it is installed. */
function closure(...names: string[]): ReadonlySet<string> {
  const found = new Set(names);
  for (const each of found) {
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(MODULES, each, "package.json"), "utf8"),
    ) as Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies }))
      if (existsSync(join(MODULES, needed))) found.add(needed);
  }
  return found;
}
