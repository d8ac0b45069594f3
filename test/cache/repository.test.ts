import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRepository, type Repository } from "../../src/cache/repository.ts";
import { openRepositoryDisk } from "../../src/cache/repository-disk.ts";
import type { SymbolMap, TreeHands } from "../../src/core/ports/hands.ts";
import type { Workers } from "../../src/core/ports/workers.ts";
import { grammarsInMemory } from "../../src/grammars.ts";
import { createPool } from "../../src/workers/pool.ts";
import { type Kit, makeKit } from "../sandbox/kit.ts";

const signal = new AbortController().signal;
const grammars = grammarsInMemory();

/** Files that were opened, through the hands of a real sandbox. */
function counted(tree: TreeHands): TreeHands & { readonly opened: string[] } {
  const opened: string[] = [];
  const bytes = (path: string) => {
    opened.push(path);
    return tree.bytes(path);
  };
  return { ...tree, bytes, opened };
}

const FILES = {
  "src/core.ts": "export function coreThing(a: number): number {\n  return a;\n}\nexport const LIMIT = 3;\n",
  "src/one.ts": 'import { coreThing } from "./core.ts";\nexport function one() { return coreThing(1); }\n',
  "src/two.ts": 'import { coreThing } from "./core.ts";\nexport class Two { run() { return coreThing(2) + one(); } }\n',
  "lib/alone.py": "def lonely():\n    return 1\n",
  "readme.md": "coreThing\n",
};

function fill(workspace: string, files: Readonly<Record<string, string>> = FILES): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(workspace, name, ".."), { recursive: true });
    writeFileSync(join(workspace, name), text);
  }
}

let pool: Workers;
beforeAll(() => {
  pool = createPool({ size: 1 });
});
afterAll(() => pool.close());

/** Long after any change to a file: no stamp is in doubt. */
const LATER = () => Date.now() + 60_000;

function open(folder: string | undefined, more: { now?: () => number; workers?: Workers } = {}): Repository {
  const { now = LATER, workers = pool } = more;
  return createRepository({ folder, workers: async () => workers, grammars, now });
}

const place = (kit: Kit) => join(kit.base, "cache");
const handsOf = (kit: Kit, reveals: string[] = []) => {
  const { tree } = kit.sandbox.hands(kit.grant(["read"], { reveals }));
  if (!tree) throw new Error("no tree hands");
  return counted(tree);
};
async function look(kit: Kit, repository: Repository, { path = ".", focus = [] as string[], most = 100 } = {}) {
  const tree = handsOf(kit);
  const map = await repository.hands(tree).map({ path, focus, most }, signal);
  return { ...map, opened: tree.opened.map((each) => each.slice(kit.workspace.length + 1)).sort() };
}
const paths = (map: SymbolMap) => map.files.map(({ path }) => path);
const plain = ({ files, ranked }: SymbolMap) => ({ files, ranked });

describe("a map of a repository", () => {
  test("ranks what is used, shows what is used, and turns to what is asked for", async () => {
    await using kit = await makeKit({}, ({ workspace }) => fill(workspace));
    const repository = open(undefined);
    const map = await look(kit, repository);
    expect(map).toMatchObject({ root: kit.workspace, ranked: 4, cached: 0, truncated: false });
    expect(paths(map)[0]).toBe("src/core.ts");
    expect(map.files[0]?.symbols).toEqual([{ line: 1, signature: "function coreThing(a: number): number" }]);
    expect(paths(await look(kit, repository, { focus: ["lonely"] }))[0]).toBe("lib/alone.py");
    expect(paths(await look(kit, repository, { focus: ["./src/two.ts"] }))[0]).toBe("src/two.ts");
    expect(paths(await look(kit, repository, { focus: ["lib/"] }))[0]).toBe("lib/alone.py");
    expect(paths(await look(kit, repository, { focus: ["nothing like it"] }))[0]).toBe("src/core.ts");
    expect((await look(kit, repository, { focus: ["limit"] })).files[0]?.symbols[0]?.signature).toBe("const LIMIT");
    expect(paths(await look(kit, repository, { path: "src" })).toSorted()).toEqual(["core.ts", "one.ts", "two.ts"]);
    expect(await look(kit, repository, { path: "lib/alone.py" })).toMatchObject({ files: [{ path: "alone.py" }] });
    expect((await look(kit, repository, { most: 1 })).files).toHaveLength(1);
    repository.close();
  });

  test("leaves out what is ignored, secret or outside, whatever the cache knows", async () => {
    const secret = { "id_rsa.ts": "export function hiddenKey() {}\n" };
    await using kit = await makeKit({}, ({ workspace }) => fill(workspace, { ...FILES, ...secret }));
    const repository = open(place(kit));
    const revealed = handsOf(kit, [join(kit.workspace, "id_rsa.ts")]);
    const shown = await repository.hands(revealed).map({ path: ".", focus: [], most: 9 }, signal);
    expect(paths(shown)).toContain("id_rsa.ts");
    expect(JSON.stringify(await look(kit, repository, { focus: ["hiddenKey"] }))).not.toContain("hiddenKey");
    writeFileSync(join(kit.workspace, ".gitignore"), "lib/\n");
    const map = await look(kit, repository);
    expect(map.opened).toEqual([]);
    expect(paths(map)).not.toContain("lib/alone.py");
    await expect(look(kit, repository, { path: "/etc" })).rejects.toMatchObject({
      fault: { code: "outside-workspace" },
    });
    repository.close();
  });

  test("a grant that is void opens nothing", async () => {
    await using kit = await makeKit({}, ({ workspace }) => fill(workspace));
    const grant = kit.grant(["read"]);
    kit.sandbox.hands(grant);
    expect(() => kit.sandbox.hands(grant)).toThrow("no valid grant");
    expect(kit.sandbox.hands(kit.grant(["net"])).tree).toBeUndefined();
  });

  test("a signal ends it, and the next question is answered", async () => {
    await using kit = await makeKit({}, ({ workspace }) => fill(workspace));
    const repository = open(place(kit));
    const given = new AbortController();
    const work = repository.hands(handsOf(kit)).map({ path: ".", focus: [], most: 9 }, given.signal);
    given.abort(new Error("enough"));
    await expect(work).rejects.toThrow("enough");
    expect((await look(kit, repository)).ranked).toBe(4);
    repository.close();
  });
});

describe("the cache", () => {
  test("only what changed is opened, in this process and in the next", async () => {
    await using kit = await makeKit({}, ({ workspace }) => fill(workspace));
    const first = open(place(kit));
    const cold = await look(kit, first);
    expect(cold.opened).toEqual(["lib/alone.py", "src/core.ts", "src/one.ts", "src/two.ts"]);
    expect(await look(kit, first)).toMatchObject({ ...plain(cold), opened: [], cached: 4 });
    first.close();
    const second = open(place(kit));
    expect(await look(kit, second)).toMatchObject({ ...plain(cold), opened: [], cached: 4 });
    expect(await look(kit, second, { path: "src/one.ts" })).toMatchObject({ ranked: 1, opened: [], cached: 1 });
    expect(await look(kit, second)).toMatchObject({ ...plain(cold), opened: [], cached: 4 });
    writeFileSync(join(kit.workspace, "src/one.ts"), "export function changed() { return coreThing(1); }\n");
    rmSync(join(kit.workspace, "lib/alone.py"));
    const after = await look(kit, second);
    expect(after).toMatchObject({ opened: ["src/one.ts"], ranked: 3, cached: 2 });
    expect(JSON.stringify(after.files)).toContain("changed()");
    const jobs = pool.metrics().jobs.parse?.done;
    writeFileSync(join(kit.workspace, "src/one.ts"), FILES["src/one.ts"]);
    expect((await look(kit, second)).opened).toEqual(["src/one.ts"]);
    expect(pool.metrics().jobs.parse?.done, "a content that was seen before is not parsed again").toBe(jobs);
    second.close();
  });

  test("a file that changed at the moment it was looked at is looked at again", async () => {
    await using kit = await makeKit({}, ({ workspace }) => fill(workspace));
    const newest = Math.max(...Object.keys(FILES).map((name) => statSync(join(kit.workspace, name)).ctimeMs));
    const repository = open(place(kit), { now: () => newest + 1 });
    await look(kit, repository);
    expect((await look(kit, repository)).opened).toHaveLength(4);
    repository.close();
  });

  test("a file that takes its worker down is left out, the others of its batch are not", async () => {
    const breaking: Workers = {
      ...pool,
      run: (kind, input, options) => {
        const { files = [] } = input as { files?: readonly Uint8Array[] };
        const bad = files.some((file) => new TextDecoder().decode(file).includes("coreThing(1)"));
        return bad ? Promise.reject(new Error("broke down")) : pool.run(kind, input, options);
      },
    };
    await using kit = await makeKit({}, ({ workspace }) => fill(workspace));
    const repository = open(place(kit), { workers: breaking });
    expect(paths(await look(kit, repository)).toSorted()).toEqual(["lib/alone.py", "src/core.ts", "src/two.ts"]);
    expect((await look(kit, repository)).opened).toEqual([]);
    repository.close();
  });

  test("bodies come back as they were put, or not at all", () => {
    const disk = openRepositoryDisk(undefined);
    const body = new Uint8Array([1, 2, 3]);
    disk.put("embedding.1", [["k", body]]);
    expect([disk.get("embedding.1", "k"), disk.get("lsp.1", "k"), disk.has("embedding.1", "k")]).toEqual([
      body,
      undefined,
      true,
    ]);
    disk.close();
  });

  test("symbols of contents that are gone do not gather", async () => {
    const disk = openRepositoryDisk(undefined);
    const entries = Array.from(
      { length: 2100 },
      (_, index) => [`hash-${index}`, new Uint8Array([index % 256])] as const,
    );
    disk.put("symbols.1", entries);
    disk.put(
      "graph.1",
      Array.from({ length: 9 }, (_, index) => [`root-${index}`, new Uint8Array()] as const),
    );
    await disk.remember([{ path: "/a", size: 1, mtimeMs: 1, ctimeMs: 1, inode: 1, hash: "hash-7", sure: true }], []);
    disk.prune();
    expect(["hash-7", "hash-8"].map((hash) => disk.has("symbols.1", hash))).toEqual([true, false]);
    expect(disk.has("graph.1", "root-1")).toBe(false);
    disk.close();
  });
});

/** An edit to one of three files that may keep its size, its times, its inode or all of them. */
const edit = fc.record({
  file: fc.integer({ min: 0, max: 2 }),
  name: fc.integer({ min: 0, max: 999 }),
  keepTimes: fc.boolean(),
  replace: fc.constantFrom("write", "rename", "swap", "remove"),
});

/** Waits until the clock of the file system has moved on. */
function tick(folder: string): void {
  const touch = () => {
    writeFileSync(join(folder, "clock"), "");
    return statSync(join(folder, "clock")).ctimeMs;
  };
  for (const before = touch(); touch() === before; );
}

test.each([
  ["lately: the stamp is in doubt", false],
  ["long ago: the stamp is all there is", true],
])("a changed file is never served from the cache, whatever an edit keeps; it was looked at %s", async (_, sure) => {
  await using kit = await makeKit({}, ({ workspace }) => mkdirSync(join(workspace, "src")));
  const at = (file: number) => join(kit.workspace, "src", `f${file}.ts`);
  const source = (name: number) => `export function name${String(name).padStart(3, "0")}() {}\n`;
  const repository = open(place(kit), { now: sure ? LATER : Date.now });
  const expected = new Map<number, string>();
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
      for (const { file, name, keepTimes, replace } of edits) {
        if (sure) tick(kit.base);
        const before = expected.has(file) ? statSync(at(file)) : undefined;
        const other = (file + 1) % 3;
        if (replace === "remove") {
          rmSync(at(file), { force: true });
          expected.delete(file);
        } else if (replace === "swap" && before && expected.has(other)) {
          renameSync(at(file), `${at(file)}.tmp`);
          renameSync(at(other), at(file));
          renameSync(`${at(file)}.tmp`, at(other));
          const mine = expected.get(file) ?? "";
          expected.set(file, expected.get(other) ?? "").set(other, mine);
        } else {
          const target = replace === "rename" ? `${at(file)}.tmp` : at(file);
          writeFileSync(target, source(name));
          if (replace === "rename") renameSync(target, at(file));
          if (keepTimes && before) utimesSync(at(file), before.atime, before.mtime);
          expected.set(file, source(name));
        }
      }
      const map = await look(kit, repository);
      const found = map.files.map(({ path, symbols }) => [path, symbols[0]?.signature]).sort();
      const wanted = [...expected].map(([file, text]) => [`src/f${file}.ts`, text.slice(7, -4)]).sort();
      expect(found).toEqual(wanted);
    }),
    { numRuns: 60 },
  );
  repository.close();
});

test("a damaged cache file is made anew: the answers are the same", async () => {
  await using kit = await makeKit({}, ({ workspace }) => fill(workspace));
  const healthy = open(place(kit));
  const truth = plain(await look(kit, healthy));
  healthy.close();
  const file = join(place(kit), "repository.db");
  const good = readFileSync(file);
  const damage = fc.record({
    at: fc.integer({ min: 0, max: good.length - 1 }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 64 }),
    cut: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 8 }), async (wounds) => {
      for (const name of readdirSync(place(kit))) rmSync(join(place(kit), name));
      let bytes = Buffer.from(good);
      for (const wound of wounds) {
        bytes.set(wound.bytes.slice(0, Math.max(0, bytes.length - wound.at)), Math.min(wound.at, bytes.length));
        if (wound.cut) bytes = bytes.subarray(0, wound.at);
      }
      writeFileSync(file, bytes);
      const repository = open(place(kit));
      expect(plain(await look(kit, repository))).toEqual(truth);
      expect(plain(await look(kit, repository))).toEqual(truth);
      repository.close();
    }),
    { numRuns: 80 },
  );
});

test.each(["symbols.1", "graph.1"])("%s that are not as they were put are worked out again", async (kind) => {
  await using kit = await makeKit({}, ({ workspace }) => fill(workspace));
  const before = open(place(kit));
  const truth = plain(await look(kit, before));
  before.close();
  const db = new DatabaseSync(join(place(kit), "repository.db"));
  for (const row of db.prepare("SELECT key, body FROM entries WHERE kind = ?").all(kind)) {
    const body = Buffer.from(row["body"] as Uint8Array);
    // The name that is defined; the first edge's target, behind five lengths and five offsets.
    const at = kind === "graph.1" ? 40 : Math.max(0, body.indexOf("coreThing"));
    body.writeUInt8((body[at] ?? 0) ^ 1, at);
    db.prepare("UPDATE entries SET body = ? WHERE kind = ? AND key = ?").run(body, kind, String(row["key"]));
  }
  db.close();
  const after = open(place(kit));
  expect(plain(await look(kit, after))).toEqual(truth);
  after.close();
});

test("a place that cannot hold a cache costs speed alone", async () => {
  await using kit = await makeKit({}, ({ workspace }) => fill(workspace));
  writeFileSync(place(kit), "in the way");
  const repository = open(place(kit));
  expect((await look(kit, repository)).ranked).toBe(4);
  expect((await look(kit, repository)).opened).toEqual([]);
  repository.close();
});
