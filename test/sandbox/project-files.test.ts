import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { gitState } from "../../src/sandbox/git-state.ts";
import { readInstructions } from "../../src/sandbox/instructions.ts";
import { makeKit } from "./kit.ts";
import { git } from "./machine.ts";

test("instructions come nearest first, CLAUDE.md stands in, links out are left out", async () => {
  await using kit = await makeKit({}, ({ workspace, base }) => {
    mkdirSync(join(workspace, "a/b"), { recursive: true });
    writeFileSync(join(base, "AGENTS.md"), "outside");
    writeFileSync(join(workspace, "AGENTS.md"), "\ufefftop");
    writeFileSync(join(workspace, "CLAUDE.md"), "never");
    symlinkSync(join(base, "AGENTS.md"), join(workspace, "a/AGENTS.md"));
    writeFileSync(join(workspace, "a/CLAUDE.md"), "middle");
    writeFileSync(join(workspace, "a/b/AGENTS.md"), "x".repeat(40_000));
  });
  const found = readInstructions(kit.workspace, join(kit.workspace, "a/b"));
  expect(found.map(({ path, cut }) => [path.slice(kit.workspace.length), cut])).toEqual([
    ["/a/b/AGENTS.md", true],
    ["/a/CLAUDE.md", false],
    ["/AGENTS.md", false],
  ]);
  expect(found.map(({ text }) => text.slice(0, 6))).toEqual(["xxxxxx", "middle", "top"]);
  expect(readInstructions(kit.workspace, kit.base)).toEqual([]);
});

test("instructions that are a link to a secret are none", async () => {
  await using kit = await makeKit({}, ({ workspace }) => {
    mkdirSync(join(workspace, "a"));
    writeFileSync(join(workspace, ".env"), "TOKEN=1");
    writeFileSync(join(workspace, "a/server.pem"), "KEY");
    symlinkSync(".env", join(workspace, "AGENTS.md"));
    symlinkSync("server.pem", join(workspace, "a/AGENTS.md"));
    writeFileSync(join(workspace, "CLAUDE.md"), "kind words, and @a/server.pem and @.env");
  });
  const found = readInstructions(kit.workspace, join(kit.workspace, "a"));
  expect(found.map(({ text }) => text)).toEqual(["kind words, and @a/server.pem and @.env"]);
});

test("branch and commit are read from git's files", async () => {
  await using kit = await makeKit();
  const { workspace, base } = kit;
  expect(gitState(workspace)).toBeUndefined();
  git(workspace, "init", "-q");
  expect(gitState(workspace)).toEqual({ branch: "main" });
  git(workspace, "commit", "-q", "--allow-empty", "-m", "one");
  const commit = git(workspace, "rev-parse", "HEAD").trim();
  expect(gitState(workspace)).toEqual({ branch: "main", commit });
  git(workspace, "checkout", "-q", "-b", "feat/x");
  git(workspace, "pack-refs", "--all");
  expect(gitState(workspace)).toEqual({ branch: "feat/x", commit });
  git(workspace, "worktree", "add", "-q", "-b", "side", join(base, "side"));
  expect(gitState(join(base, "side"))).toEqual({ branch: "side", commit });
  git(workspace, "checkout", "-q", "--detach");
  expect(gitState(workspace)).toEqual({ commit });
});
