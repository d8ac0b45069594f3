import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Change, Side } from "../../src/sandbox/copy-changes.ts";
import { gitPatch } from "../../src/sandbox/git-patch.ts";
import { applied, copiesKit, treeOf } from "../kit/copies.ts";
import { tempFolder } from "../kit/temp.ts";
import { lacking } from "./machine.ts";

const names = ["a.txt", "b c.txt", "dir/d.txt", "dir/sub/e", "dir/ü.md", '"q".txt', "f"];
const text = fc
  .array(fc.constantFrom("", "x", "yy ", "\tz", "same", "é", "-", "+", "\\ No newline"), { maxLength: 12 })
  .chain((lines) =>
    fc
      .constantFrom("\n", "\r\n")
      .chain((end) => fc.boolean().map((whole) => lines.join(end) + (whole && lines.length > 0 ? end : ""))),
  );
const entry = fc.record({ text, executable: fc.boolean() });
const tree = fc.dictionary(fc.constantFrom(...names), entry, { maxKeys: names.length });
type Tree = Readonly<Record<string, { readonly text: string; readonly executable: boolean }>>;

const side = (file: Tree[string]): Side => ({
  mode: file.executable ? "100755" : "100644",
  bytes: Buffer.from(file.text),
});
const texts = (files: Tree) => Object.fromEntries(Object.entries(files).map(([path, file]) => [path, file.text]));
const executable = (files: Tree) => Object.keys(files).filter((path) => files[path]?.executable);
const asTree = (files: Tree) =>
  Object.fromEntries(
    Object.entries(files).map(([path, file]) => [
      path,
      `${side(file).mode} ${Buffer.from(file.text).toString("latin1")}`,
    ]),
  );

function changesBetween(before: Tree, after: Tree): Change[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((path): Change[] => {
    const [old, now] = [before[path], after[path]];
    if (old?.text === now?.text && old?.executable === now?.executable) return [];
    return [{ path, ...(old ? { before: side(old) } : {}), ...(now ? { after: side(now) } : {}) }];
  });
}

test("git makes of the old tree and the patch the new tree", async () => {
  await fc.assert(
    fc.asyncProperty(tree, tree, async (before, after) => {
      using temp = tempFolder();
      const patch = await gitPatch(changesBetween(before, after));
      expect(applied(join(temp.path, "t"), texts(before), patch, executable(before))).toEqual(asTree(after));
    }),
    { numRuns: 60 },
  );
});

test("files and links that take each other's place, and files without a text", async () => {
  const link: Side = { mode: "120000", bytes: Buffer.from("to") };
  const file: Side = { mode: "100644", bytes: Buffer.from("one\n") };
  const binary: Side = { mode: "100644", bytes: Buffer.from([0xff, 0xfe]) };
  using temp = tempFolder();
  const patch = await gitPatch([
    { path: "a", before: file, after: link },
    { path: "n\tl", after: file },
  ]);
  expect(applied(join(temp.path, "t"), { a: "one\n" }, patch)).toEqual({ a: "120000 to", "n\tl": "100644 one\n" });
  expect(await gitPatch([{ path: "b", before: file, after: binary }])).toMatch(/^Binary files a\/b and b\/b differ$/m);
  expect(await gitPatch([{ path: "b", after: { mode: "100644" } }])).toMatch(
    /^Binary files \/dev\/null and b\/b differ$/m,
  );
  expect(await gitPatch([])).toBe("");
});

describe.skipIf(lacking())("whatever a copy becomes", () => {
  test("accept and git apply agree", async () => {
    const edited = fc.tuple(tree, tree, fc.array(fc.constantFrom(...names), { maxLength: 3 }));
    await fc.assert(
      fc.asyncProperty(edited, async ([before, after, gone]) => {
        await using kit = await copiesKit({ files: texts(before) });
        await using copy = await kit.port.copy(kit.signal);
        const edits = Object.entries(after).map(([path, file]) => ({ path, find: "", replace: file.text }));
        expect(await copy.edit(edits, kit.signal)).toEqual({});
        const all = [
          ...Object.keys(after)
            .filter((path) => after[path]?.executable)
            .map((path) => `chmod +x '${path}'`),
          ...gone.map((path) => `rm -f '${path}'`),
        ];
        const ran = await copy.run(
          "sh .script",
          { timeoutMs: 20_000, files: [{ path: ".script", content: all.join("\n") }] },
          kit.signal,
        );
        expect(ran.outcome).toBe("pass");
        const wanted = applied(join(kit.base, "clone"), texts(before), await copy.diff());
        await kit.port.accept(copy, kit.signal);
        expect(treeOf(kit.workspace)).toEqual(wanted);
        expect(await copy.diff()).not.toContain(".script");
      }),
      { numRuns: 12 },
    );
  });
});
