/** What a copy shares with the workspace: it looks writable where tools write, and the user's own files stay as they are. */
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { bwrapCommand } from "../../src/sandbox/bwrap.ts";
import { planCopy } from "../../src/sandbox/copy-plan.ts";
import type { Mount } from "../../src/sandbox/profile.ts";
import { stagedPath } from "../../src/sandbox/stage.ts";
import { copiesKit, treeOf } from "../kit/copies.ts";
import { writeFiles } from "../kit/repositories.ts";
import { tempFolder } from "../kit/temp.ts";
import { largeFile, writeVitestProject } from "../kit/vitest-project.ts";
import { git, lacking } from "./machine.ts";

const TIME = { timeoutMs: 60_000 };
/** Commands that no parser looks into. */
const script = (content: string) => ["sh script.sh", { ...TIME, files: [{ path: "script.sh", content }] }] as const;

function makeLarge(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  largeFile(path);
}

/** Packages, a folder of a tool, links of every kind; all of it too large to be copied. */
function packages(workspace: string): void {
  writeFiles(workspace, {
    ".gitignore": "node_modules/\n",
    "packages/local/index.js": "local\n",
    "node_modules/plain/index.js": "plain\n",
    "node_modules/plain/.env": "TOKEN=0123456789\n",
    "node_modules/.tool/.env": "TOKEN=0123456789\n",
    "node_modules/.tool/state": "old\n",
    "node_modules/@scope/dep/index.js": "dep\n",
  });
  const modules = join(workspace, "node_modules");
  largeFile(join(modules, "plain", "blob"));
  symlinkSync("../packages/local", join(modules, "local"));
  symlinkSync(join(workspace, "packages/local"), join(modules, "absolute"));
  symlinkSync("../../packages/local", join(modules, "@scope", "local"));
  symlinkSync(join(workspace, "..", "..", "outside"), join(modules, "outside"));
}

describe.skipIf(lacking())("a large node_modules in a copy", () => {
  test("lets a test runner write beside the packages", async () => {
    await using kit = await copiesKit({ prepare: writeVitestProject });
    const before = readdirSync(join(kit.workspace, "node_modules"));
    await using copy = await kit.port.copy(kit.signal);
    const result = await copy.run("node node_modules/vitest/vitest.mjs run", TIME, kit.signal);
    expect(result).toMatchObject({ outcome: "pass", output: expect.stringContaining("1 passed") });
    expect(await copy.diff()).toBe("");
    expect(readdirSync(join(kit.workspace, "node_modules"))).toEqual(before);
  });

  test("stays the user's, byte for byte", async () => {
    await using kit = await copiesKit({ prepare: packages });
    const before = treeOf(kit.workspace);
    await using copy = await kit.port.copy(kit.signal);
    const tries = [
      "cd node_modules",
      "echo x > plain/index.js; echo x > plain/new; echo x >> @scope/dep/index.js; chmod 777 plain plain/index.js",
      "touch plain; ln plain/index.js hard && echo x > hard; rm -rf plain @scope; mv plain other; rmdir plain",
      "mkdir new; mv -T new plain; ln -sfn /tmp plain; rm -r outside local .tool",
      "echo x > absolute/index.js; echo x > @scope/local/index.js",
      "cd ..; mv node_modules moved; echo x > moved/plain/index.js; mkdir -p node_modules/plain",
      "echo x > node_modules/plain/index.js; rm -rf moved node_modules; true",
    ];
    for (const each of [tries.join("\n"), "echo x > node_modules/plain/index.js; rm -rf node_modules"])
      await copy.run(...script(each), kit.signal);
    expect(treeOf(kit.workspace)).toEqual(before);
    const diff = await copy.diff();
    expect(diff).toContain("b/packages/local/index.js");
    expect(diff).not.toMatch(/plain|@scope/);
  });

  test("hides secrets, and its links lead into the copy or where they always led", async () => {
    await using kit = await copiesKit({ prepare: packages });
    mkdirSync(join(kit.base, "outside"));
    await using copy = await kit.port.copy(kit.signal);
    expect(
      await copy.edit([{ path: "packages/local/index.js", find: "local", replace: "changed" }], kit.signal),
    ).toEqual({});
    const look = [
      "cd node_modules; cat plain/.env .tool/.env plain/index.js @scope/dep/index.js .tool/state",
      "cat local/index.js absolute/index.js @scope/local/index.js; readlink outside; ls outside/ || echo absent",
    ].join("\n");
    const { output } = await copy.run(...script(look), kit.signal);
    const outside = readlinkSync(join(kit.workspace, "node_modules/outside"));
    const lines = ["plain", "dep", "old", "changed", "changed", "changed", outside];
    expect(output.split("\n").slice(0, lines.length)).toEqual(lines);
    expect(output).toMatch(/absent\n?$/);
  });

  test("keeps what was written for the copy alone: no difference, nothing accepted, no other copy", async () => {
    await using kit = await copiesKit({ prepare: packages });
    await using first = await kit.port.copy(kit.signal);
    await using second = await kit.port.copy(kit.signal);
    const write =
      "cd node_modules && echo new > .tool/state && mkdir .made && echo made > .made/x && echo x > ../a.txt";
    expect(await first.run(...script(write), kit.signal)).toMatchObject({ outcome: "pass" });
    expect(await first.edit([{ path: "node_modules/new.js", find: "", replace: "x" }], kit.signal)).toEqual({});
    const read = "cd node_modules; cat .tool/state .made/x new.js";
    expect((await first.run(...script(read), kit.signal)).output).toMatch(/^new\nmade\nx/);
    expect((await second.run(...script(read), kit.signal)).output).toMatch(/^old\n.*No such file/);
    expect(
      await first.edit([{ path: "node_modules/plain/index.js", find: "", replace: "x" }], kit.signal),
    ).toMatchObject({ problem: expect.stringContaining("a copy of the workspace shares it") });
    const before = treeOf(join(kit.workspace, "node_modules"));
    expect(await kit.port.accept(first, kit.signal)).toEqual(["a.txt"]);
    expect(treeOf(join(kit.workspace, "node_modules"))).toEqual(before);
  });

  test("is in no difference either when an ignore file above the workspace names it", async () => {
    await using kit = await copiesKit({
      prepare: (workspace) => {
        packages(workspace);
        rmSync(join(workspace, ".gitignore"));
        writeFiles(join(workspace, ".."), { ".gitignore": "node_modules/\n*.log\n", "ws/x.log": "x\n" });
        git(join(workspace, ".."), "init", "-q");
      },
    });
    await using copy = await kit.port.copy(kit.signal);
    const result = await copy.run(...script("echo x > node_modules/new; cat x.log"), kit.signal);
    expect(result.output).toMatch(/^x\n/);
    expect(await copy.diff()).toBe("");
  });

  test("that became a link is not followed out of the copy", async () => {
    await using kit = await copiesKit({ prepare: packages });
    const outside = join(kit.base, "outside");
    mkdirSync(outside, { mode: 0o777 });
    await using copy = await kit.port.copy(kit.signal);
    await copy.run(...script(`mv node_modules moved; ln -s /oldroot${outside} node_modules`), kit.signal);
    const next = await copy.run(...script("ls -d node_modules/plain || echo gone"), kit.signal);
    expect(next).toMatchObject({ outcome: "pass", output: expect.stringMatching(/gone\n?$/) });
    expect(readdirSync(outside)).toEqual([]);
    await copy.run(...script("rm node_modules; mkdir node_modules; ln -s /etc node_modules/plain"), kit.signal);
    const last = await copy.run(...script("readlink node_modules/plain"), kit.signal);
    expect(last).toMatchObject({ outcome: "pass", output: expect.stringMatching(/^\/etc\n?$/) });
  });

  test("may lose a package meanwhile", async () => {
    await using kit = await copiesKit({ prepare: packages });
    await using copy = await kit.port.copy(kit.signal);
    rmSync(join(kit.workspace, "node_modules/@scope"), { recursive: true });
    const result = await copy.run("cat node_modules/plain/index.js", TIME, kit.signal);
    expect(result).toMatchObject({ outcome: "pass", output: expect.stringMatching(/^plain\n?$/) });
  });

  test("other large trees: what their tools make anew starts empty, the rest is shared for reading", async () => {
    await using kit = await copiesKit({
      files: {
        ".gitignore": "target/\n.venv/\n.tagged/\n",
        "target/debug/.cargo-lock": "",
        ".tagged/CACHEDIR.TAG": "",
        ".venv/CACHEDIR.TAG": "",
        ".venv/pyvenv.cfg": "",
      },
      prepare: (workspace) => {
        for (const name of ["target", ".tagged", ".venv"]) largeFile(join(workspace, name, "blob"));
      },
    });
    await using copy = await kit.port.copy(kit.signal);
    const look = "ls -A target .tagged; mkdir target/debug && touch .tagged/x; ls -A .venv; touch .venv/x";
    const { output } = await copy.run(...script(look), kit.signal);
    expect(output).toMatch(/^\.tagged:\n\ntarget:\nCACHEDIR\.TAG\nblob\npyvenv\.cfg\n.*Read-only file system/);
    expect(await copy.diff()).toBe("");
    expect(existsSync(join(kit.workspace, ".tagged", "x"))).toBe(false);
  });
});

test("as root the packages are staged as one folder", () => {
  const parts = ["a", "b", "c"].map((name): Mount => {
    const path = `/w/node_modules/${name}`;
    return { kind: "ro", source: path, target: path, mapped: true, around: "/w/node_modules" };
  });
  const profile = { key: "", mounts: parts, proxied: false };
  const identity = { kind: "mapped", uid: 65532, gid: 65532 } as const;
  const { args } = bwrapCommand(profile, { identity, workspace: "/w", noUserns: true });
  expect(args.filter((word) => word === "/w/node_modules")).toHaveLength(1);
  for (const name of ["a", "b", "c"])
    expect(args.join(" ")).toContain(`--ro-bind ${stagedPath(0)}/${name} /w/node_modules/${name}`);
  const own = bwrapCommand(profile, { identity: { ...identity, kind: "self" }, workspace: "/w", noUserns: true });
  expect(own.args.join(" ")).toContain("--ro-bind /w/node_modules/a /w/node_modules/a");
});

describe("how much of a large node_modules is shared", () => {
  const plan = async (folder: string) => {
    writeFileSync(join(folder, ".gitignore"), "node_modules\n");
    return planCopy(folder, "/nowhere", new AbortController().signal);
  };

  test("at most 200 of its packages, the largest; the others are copied", async () => {
    using temp = tempFolder();
    const names = Array.from({ length: 230 }, (_, index) => `node_modules/p${index}`);
    for (const [index, name] of names.entries())
      writeFiles(temp.path, { [`${name}/index.js`]: "x".repeat(index + 1), [`${name}/lib/a.js`]: "" });
    makeLarge(join(temp.path, "node_modules/large/blob"));
    const { entries, shared } = await plan(temp.path);
    const paths = shared.map(({ path }) => path);
    expect(new Set(paths)).toEqual(new Set(["node_modules/large", ...names.slice(31)]));
    const copied = names.slice(0, 31).flatMap((name) => [name, `${name}/index.js`, `${name}/lib`, `${name}/lib/a.js`]);
    const made = entries.filter(({ kept }) => !kept).map(({ path }) => path);
    expect(made.toSorted()).toEqual(["node_modules", ...copied].toSorted());
  });

  test("as a whole when the others are too large to be copied", async () => {
    using temp = tempFolder();
    for (let index = 0; index < 202; index++) makeLarge(join(temp.path, `node_modules/p${index}/blob`));
    const { entries, shared } = await plan(temp.path);
    expect(shared).toEqual([{ path: "node_modules", folder: true }]);
    expect(entries.filter(({ kept }) => !kept)).toEqual([]);
  });

  test("a large file and a large hidden folder beside the packages too; the bound holds for several together", async () => {
    using temp = tempFolder();
    for (const part of ["a", "b"]) {
      writeFiles(temp.path, { [`${part}/package.json`]: "{}" });
      for (let index = 0; index < 150; index++)
        writeFiles(temp.path, { [`${part}/node_modules/p${index}/index.js`]: "x" });
      makeLarge(join(temp.path, part, "node_modules/blob"));
      makeLarge(join(temp.path, part, "node_modules/.hidden/blob"));
      makeLarge(join(temp.path, part, "node_modules/.cache/tool/blob"));
      writeFiles(temp.path, { [`${part}/node_modules/.state`]: "x", [`${part}/node_modules/.small/x`]: "x" });
    }
    const { entries, shared } = await plan(temp.path);
    expect(shared.length).toBe(200);
    const paths = shared.map(({ path }) => path);
    const made = entries.map(({ path }) => path);
    for (const part of ["a", "b"]) {
      expect(paths).toContain(`${part}/node_modules/blob`);
      expect(paths).toContain(`${part}/node_modules/.hidden`);
      expect(made.filter((path) => path.includes(`${part}/node_modules/.cache`))).toEqual([
        `${part}/node_modules/.cache`,
      ]);
      expect(made).toContain(`${part}/node_modules/.state`);
      expect(made).toContain(`${part}/node_modules/.small/x`);
    }
  });
});
