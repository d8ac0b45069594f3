/** The register of worktrees: records, and who is in one. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import type { WorktreeRecord } from "../../src/core/ports/worktrees.ts";
import { worktreeRegister } from "../../src/store/worktrees.ts";
import { tempFolder } from "../kit/temp.ts";

const REPOSITORY = "/home/u/my app/.git";

function setting() {
  const temp = tempFolder();
  const register = worktreeRegister(join(temp.path, "data"), REPOSITORY);
  const record = (name: string, at: number): WorktreeRecord => ({
    ...{ name, path: register.pathOf(name), repository: REPOSITORY, origin: "/home/u/my app" },
    ...{ branch: `crucible/${name}`, base: "0".repeat(40), ownBranch: true, state: "ready", at },
  });
  return { temp, register, record, [Symbol.dispose]: () => temp[Symbol.dispose]() };
}

describe("the register of worktrees", () => {
  test("keeps a record of each, newest first, and forgets", () => {
    using kit = setting();
    const { register, record } = kit;
    expect(register.list()).toEqual([]);
    for (const [name, at] of [
      ["a", 1],
      ["b.json", 3],
      ["c", 2],
    ] as const)
      register.write(record(name, at));
    expect(register.list().map(({ name }) => name)).toEqual(["b.json", "c", "a"]);
    expect(register.read("b.json")).toEqual(record("b.json", 3));
    register.forget("b.json");
    register.forget("b.json");
    expect(register.read("b.json")).toBeUndefined();
    expect(register.folder).toMatch(/\/data\/worktrees\/my-app-[0-9a-f]{8}$/);
  });

  test("a record that is damaged, another's, or of another place is none", () => {
    using kit = setting();
    const { register, record } = kit;
    register.write(record("a", 1));
    const file = join(register.folder, ".records/a.json");
    for (const text of ["", "{", "[]", JSON.stringify({ ...record("a", 1), repository: "/other/.git" })]) {
      writeFileSync(file, text);
      expect(register.read("a"), text).toBeUndefined();
    }
    writeFileSync(file, JSON.stringify({ ...record("a", 1), path: "/etc" }));
    expect([register.read("a"), register.list()]).toEqual([undefined, []]);
  });

  test("the same place through a link, before and after it is made", () => {
    using kit = setting();
    mkdirSync(join(kit.temp.path, "real"));
    symlinkSync(join(kit.temp.path, "real"), join(kit.temp.path, "link"));
    const through = () => worktreeRegister(join(kit.temp.path, "link/data"), REPOSITORY);
    const before = through().folder;
    expect(before).toContain("/real/data/worktrees/");
    through().makeFolder("a", kit.temp.path);
    expect(through().folder).toBe(before);
    expect(readdirSync(before)).toEqual(["a"]);
    through().removeFolder("a");
    expect(readdirSync(before)).toEqual([]);
  });

  test("one process has it, until it lets go or dies", async () => {
    using kit = setting();
    const { register } = kit;
    const held = register.hold("a");
    expect(held).toBeDefined();
    expect(register.hold("a")).toBeUndefined();
    register.hold("b")?.[Symbol.dispose]();
    held?.[Symbol.dispose]();
    const store = resolve(import.meta.dirname, "../../src/store/worktrees.ts");
    const script = `const { worktreeRegister } = await import(${JSON.stringify(store)});
      const held = worktreeRegister(${JSON.stringify(join(kit.temp.path, "data"))}, ${JSON.stringify(REPOSITORY)}).hold("a");
      console.log(held ? "held" : "busy"); setInterval(() => held, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const said = await new Promise<string>((done) => child.stdout.once("data", (text) => done(String(text))));
    expect([said.trim(), register.hold("a")]).toEqual(["held", undefined]);
    const gone = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await gone;
    using again = register.hold("a");
    expect(again).toBeDefined();
  });

  test("what cannot be written is a fault that names it", () => {
    using kit = setting();
    const { register, record, temp } = kit;
    mkdirSync(join(temp.path, "data"));
    writeFileSync(join(temp.path, "data/worktrees"), "");
    for (const work of [
      () => register.write(record("a", 1)),
      () => register.makeFolder("a", temp.path),
      () => register.hold("a"),
    ])
      expect(work).toThrow(/cannot be written: a file lies where a folder is due/);
    renameSync(join(temp.path, "data/worktrees"), join(temp.path, "away"));
    register.write(record("a", 1));
    expect(existsSync(join(register.folder, ".records/a.json"))).toBe(true);
  });
});
