import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sha256 } from "../../src/base/hash.ts";
import type { SavedState } from "../../src/core/ports/undo.ts";
import { scanRoot } from "../../src/sandbox/scan.ts";
import { tempFolder } from "../kit/temp.ts";
import { makeKit } from "./kit.ts";

const signal = new AbortController().signal;

function scanner(root: string, cap = 1 << 30) {
  const contents = new Map<string, Uint8Array>();
  const heavy = new Set<string>();
  let known: ReadonlyMap<string, SavedState> = new Map();
  const store = {
    cap,
    has: (hash: string) => contents.has(hash),
    put: (items: ReadonlyMap<string, Uint8Array>) => {
      for (const [hash, bytes] of items) contents.set(hash, bytes);
    },
  };
  const scan = async (abort = signal) => {
    const seen = await scanRoot(root, { store, known, heavy, signal: abort });
    known = seen.entries;
    return seen;
  };
  const entries = (seen: Awaited<ReturnType<typeof scan>>) =>
    Object.fromEntries([...seen.entries].map(([path, { entry }]) => [path.slice(root.length + 1), entry]));
  return { scan, entries, contents };
}

test("every file, link and folder is seen, but none of git's and none that steers this program", async () => {
  using temp = tempFolder();
  const at = (name: string) => join(temp.path, name);
  for (const folder of ["src", ".git", "out/.git", "empty/deep", ".codecrucible"])
    mkdirSync(at(folder), { recursive: true });
  for (const [name, text] of [
    ["src/a", "A"],
    [".git/x", "no"],
    ["out/.git/x", "no"],
    [".codecrucible/config.jsonc", "no"],
    [".mcp.json", "no"],
    [".gitignore", "out/\n"],
    ["out/built", "B"],
    [".env", "secret"],
  ] as const)
    writeFileSync(at(name), text);
  chmodSync(at("src/a"), 0o755);
  chmodSync(at("empty"), 0o700);
  symlinkSync("src/a", at("link"));
  const { scan, entries, contents } = scanner(temp.path);
  const seen = await scan();
  expect(seen).toMatchObject({ files: 5, dropped: [] });
  const mode = (0o666 & ~process.umask()).toString(8);
  const folder = `d ${(0o777 & ~process.umask()).toString(8)}`;
  expect(entries(seen)).toEqual({
    ".env": `f ${mode} ${sha256("secret")}`,
    ".gitignore": `f ${mode} ${sha256("out/\n")}`,
    empty: "d 700",
    "empty/deep": folder,
    link: "l src/a",
    out: folder,
    "out/built": `f ${mode} ${sha256("B")}`,
    src: folder,
    "src/a": `f 755 ${sha256("A")}`,
  });
  for (const text of ["A", "B", "secret"]) expect(contents.has(sha256(text))).toBe(true);
  expect(contents.has(sha256("no"))).toBe(false);
});

test("a change is seen also when size and times stay, and when it comes at once", async () => {
  using temp = tempFolder();
  const at = join(temp.path, "a");
  const { scan, entries } = scanner(temp.path);
  for (const text of ["one", "two", "six", "ten"]) {
    writeFileSync(at, text);
    utimesSync(at, 1, 1);
    expect(entries(await scan())["a"]).toContain(sha256(text));
  }
  rmSync(at);
  expect((await scan()).files).toBe(0);
});

test("what is too large is named, an ignored tree as a whole, and a root that would fill the store", async () => {
  using temp = tempFolder();
  mkdirSync(join(temp.path, "deps/deep"), { recursive: true });
  writeFileSync(join(temp.path, ".gitignore"), "deps/\n");
  for (const name of ["deps/deep/a", "deps/deep/b", "deps/c", "huge"]) {
    writeFileSync(join(temp.path, name), "");
    truncateSync(join(temp.path, name), 21 * 1024 * 1024);
  }
  const { scan } = scanner(temp.path);
  for (let round = 0; round < 2; round++) {
    const { dropped, files, blind } = await scan();
    expect(dropped.toSorted()).toEqual([
      `${temp.path}/deps/ (ignored, more than 50 MiB)`,
      `${temp.path}/huge (more than 20 MiB)`,
    ]);
    expect(files).toBe(1);
    expect([...blind].sort()).toEqual([`${temp.path}/deps`, `${temp.path}/huge`]);
  }
  writeFileSync(join(temp.path, "small"), "x".repeat(100));
  const full = await scanner(temp.path, 100).scan();
  expect(full.dropped).toContain(`${temp.path} (its files are more than undo.maxMegabytes holds)`);
  expect(full.files).toBe(0);
});

test("an abort is heard", async () => {
  await using kit = await makeKit();
  const controller = new AbortController();
  controller.abort(new Error("stop"));
  await expect(scanner(kit.workspace).scan(controller.signal)).rejects.toThrow();
});
