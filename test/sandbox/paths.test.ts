import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { repositoryRoot } from "../../src/sandbox/git-state.ts";
import { pathView } from "../../src/sandbox/paths.ts";
import { makeKit } from "./kit.ts";

test("links are followed to where they lead, missing tails stay", async () => {
  await using kit = await makeKit({}, ({ workspace, base }) => {
    mkdirSync(join(workspace, "src"));
    writeFileSync(join(workspace, "src/a.ts"), "a");
    symlinkSync(base, join(workspace, "up"));
    symlinkSync("src", join(workspace, "inner"));
    symlinkSync("/nowhere/at/all", join(workspace, "dangling"));
    symlinkSync("loop", join(workspace, "loop"));
  });
  const { look } = kit.sandbox.paths;
  const { workspace, base, home } = kit;
  expect(look("inner/a.ts")).toEqual({
    absolute: join(workspace, "inner/a.ts"),
    resolved: join(workspace, "src/a.ts"),
    exists: true,
    kind: "file",
    links: 1,
    root: workspace,
  });
  expect(look("up/state")).toMatchObject({ resolved: join(base, "state"), exists: true });
  expect(look("up/new/file").resolved).toBe(join(base, "new/file"));
  expect(look("up/new/file").root).toBeUndefined();
  expect(look("dangling")).toMatchObject({ resolved: "/nowhere/at/all", exists: false, kind: "missing" });
  expect(look("dangling").root).toBeUndefined();
  expect(look("loop").root).toBeUndefined();
  expect(look("~/x").absolute).toBe(join(home, "x"));
  expect(look("a.ts", join(workspace, "src")).root).toBe(workspace);
  expect(look(`${workspace}-evil/x`).root).toBeUndefined();
  expect(() => look("a\0b")).toThrow("NUL");
});

test("/tmp is the session's own folder, links inside it included", async () => {
  await using kit = await makeKit();
  const { sandbox, grant } = kit;
  await sandbox.hands(grant(["read", "write"])).fileWrites?.write("/tmp/deep/note", Buffer.from("hi"), null);
  expect(sandbox.paths.look("/tmp/deep/note")).toMatchObject({
    resolved: "/tmp/deep/note",
    exists: true,
    kind: "file",
    root: "/tmp",
  });
  symlinkSync("/etc/passwd", join(kit.base, "state/sandbox/tmp/s1/out"));
  symlinkSync("/tmp/deep", join(kit.base, "state/sandbox/tmp/s1/in"));
  expect(sandbox.paths.look("/tmp/out")).toMatchObject({ resolved: "/etc/passwd" });
  expect(sandbox.paths.look("/tmp/out").root).toBeUndefined();
  symlinkSync("/tmp/round", join(kit.base, "state/sandbox/tmp/s1/round"));
  expect(sandbox.paths.look("/tmp/round").root).toBeUndefined();
  expect(sandbox.paths.look("/tmp/in/note").resolved).toBe("/tmp/deep/note");
  symlinkSync("/tmp/deep/note", join(kit.workspace, "to-tmp"));
  expect(sandbox.paths.look("to-tmp")).toMatchObject({ resolved: "/tmp/deep/note", root: "/tmp", exists: true });
});

test("no spelling of a missing path gets a root that does not hold it by segment", async () => {
  await using kit = await makeKit();
  const segment = fc.constantFrom("..", ".", "a", "ws", "", "~", "tmp", "etc");
  await fc.assert(
    fc.property(fc.array(segment, { maxLength: 8 }), fc.boolean(), (parts, absolute) => {
      const fact = kit.sandbox.paths.look(`${absolute ? "/" : ""}${parts.join("/")}`);
      if (fact.root !== undefined)
        expect(fact.resolved === fact.root || fact.resolved.startsWith(`${fact.root}/`)).toBe(true);
      expect(fact.resolved).not.toMatch(/\/\.\.?(\/|$)/);
    }),
  );
});

test("relative paths start in the folder the person stands in, the repository above it is the workspace", async () => {
  await using kit = await makeKit({}, ({ workspace, home }) => {
    mkdirSync(join(workspace, ".git"));
    mkdirSync(join(workspace, "packages/core"), { recursive: true });
    mkdirSync(join(home, "dots"), { recursive: true });
    mkdirSync(join(home, ".git"));
    writeFileSync(join(workspace, "packages/core/a.ts"), "a");
  });
  const { workspace, home } = kit;
  const core = join(workspace, "packages/core");
  expect(repositoryRoot(core, home)).toBe(workspace);
  expect(repositoryRoot(workspace, home)).toBe(workspace);
  expect(repositoryRoot(join(home, "dots"), home)).toBe(join(home, "dots"));
  expect(repositoryRoot("/", home)).toBe("/");
  const view = pathView({ workspace, cwd: core, addDirs: [], home, tmp: { view: "/tmp", host: "/tmp" } });
  expect(view.look("a.ts")).toMatchObject({ resolved: join(core, "a.ts"), root: workspace, kind: "file" });
  expect(view.look("../..")).toMatchObject({ resolved: workspace, root: workspace });
  expect(view.cwd).toBe(core);
});
