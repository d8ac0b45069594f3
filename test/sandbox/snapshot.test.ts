import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sha256 } from "../../src/base/hash.ts";
import { type Kit, makeKit } from "./kit.ts";

const signal = new AbortController().signal;

interface Listing {
  readonly v: number;
  readonly roots: readonly { readonly root: string; readonly entries: readonly (readonly (string | number)[])[] }[];
}

function listing(kit: Kit, hash: string): Listing {
  return JSON.parse(Buffer.from(kit.blobs.map.get(hash) ?? []).toString()) as Listing;
}

test("every workspace file but .git is listed and stored, links by target", async () => {
  await using kit = await makeKit({}, ({ workspace }) => {
    mkdirSync(join(workspace, "src"));
    mkdirSync(join(workspace, ".git"));
    mkdirSync(join(workspace, "out"));
    for (const [name, text] of [
      ["src/a", "A"],
      [".git/x", "no"],
      [".gitignore", "out/\n"],
      ["out/built", "B"],
      [".env", "secret"],
    ] as const)
      writeFileSync(join(workspace, name), text);
    chmodSync(join(workspace, "src/a"), 0o755);
    symlinkSync("src/a", join(workspace, "link"));
  });
  const taken = await kit.sandbox.snapshot(signal);
  expect(taken).toMatchObject({ files: 5, dropped: [] });
  const mode = 0o666 & ~process.umask();
  expect(listing(kit, taken.listing)).toEqual({
    v: 1,
    roots: [
      {
        root: kit.workspace,
        entries: [
          [".env", mode, sha256("secret")],
          [".gitignore", mode, sha256("out/\n")],
          ["link", "src/a"],
          ["out/built", mode, sha256("B")],
          ["src/a", 0o755, sha256("A")],
        ],
      },
    ],
  });
  for (const text of ["A", "B", "secret"]) expect(kit.blobs.has(sha256(text))).toBe(true);
  expect(kit.blobs.has(sha256("no"))).toBe(false);
});

test("a change is seen also when size and times stay, and when it comes at once", async () => {
  await using kit = await makeKit({}, ({ workspace }) => writeFileSync(join(workspace, "a"), "one"));
  const at = join(kit.workspace, "a");
  const first = await kit.sandbox.snapshot(signal);
  expect((await kit.sandbox.snapshot(signal)).listing).toBe(first.listing);
  for (const text of ["two", "six", "ten"]) {
    writeFileSync(at, text);
    utimesSync(at, 1, 1);
    const next = await kit.sandbox.snapshot(signal);
    expect(listing(kit, next.listing).roots[0]?.entries[0]?.[2]).toBe(sha256(text));
  }
  rmSync(at);
  expect((await kit.sandbox.snapshot(signal)).files).toBe(0);
});

test("what is too large is named, an ignored tree as a whole", async () => {
  await using kit = await makeKit({}, ({ workspace }) => {
    mkdirSync(join(workspace, "deps/deep"), { recursive: true });
    writeFileSync(join(workspace, ".gitignore"), "deps/\n");
    for (const name of ["deps/deep/a", "deps/deep/b", "deps/c", "huge"]) {
      writeFileSync(join(workspace, name), "");
      truncateSync(join(workspace, name), 21 * 1024 * 1024);
    }
  });
  for (let round = 0; round < 2; round++) {
    const { dropped, files } = await kit.sandbox.snapshot(signal);
    expect(dropped.toSorted()).toEqual([
      `${kit.workspace}/deps/ (ignored, more than 50 MiB)`,
      `${kit.workspace}/huge (more than 20 MiB)`,
    ]);
    expect(files).toBe(1);
  }
});

test("added folders count, a home folder is refused, an abort is heard", async () => {
  await using other = await makeKit({}, ({ workspace }) => writeFileSync(join(workspace, "b"), "B"));
  await using kit = await makeKit({ addDirs: [other.workspace] });
  expect(await kit.sandbox.snapshot(signal)).toMatchObject({ files: 1 });
  await using home = await makeKit({ workspace: other.base, home: other.home });
  expect(await home.sandbox.snapshot(signal)).toMatchObject({
    files: 0,
    dropped: [`${other.base} (it holds your whole home folder)`],
  });
  const controller = new AbortController();
  controller.abort(new Error("stop"));
  await expect(kit.sandbox.snapshot(controller.signal)).rejects.toThrow();
});
