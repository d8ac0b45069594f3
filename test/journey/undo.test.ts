/** Undo with the real binary: edits and commands of a turn, the thread after it, redo, refusals. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { call, type Journey, journey, messagesOf } from "../kit/journey.ts";
import type { Reply } from "../kit/model-server.ts";
import { treeOf } from "../kit/undo.ts";

/** Each prompt runs the replies of its own word, then ends. */
function scripted(turns: Readonly<Record<string, readonly Reply[]>>) {
  return (request: { readonly body: Readonly<Record<string, unknown>> }): Reply => {
    const messages = messagesOf(request);
    const last = messages.findLastIndex((message) => message["role"] === "user");
    const prompt = JSON.stringify(messages[last]?.["content"]);
    const name = Object.keys(turns).find((word) => prompt.includes(word)) ?? "";
    const done = messages.slice(last).filter((message) => message["role"] === "assistant").length;
    return turns[name]?.[done] ?? { text: `done: ${name}` };
  };
}

const MESS = [
  "printf changed > kept.txt",
  "rm gone.txt link",
  "mkdir -p made/deep/empty && printf new > made/deep/file",
  "chmod +x run.sh",
  "rmdir hollow",
  "ln -s kept.txt other-link",
  "printf built > ignored/out.o",
].join(" && ");

const TURNS = {
  alpha: [call("write", { path: "fresh/a.txt", content: "a\n" }), call("shell", { command: MESS })],
  beta: [
    call("read", { path: "kept.txt" }),
    call("edit", { path: "kept.txt", edits: [{ old: "changed", new: "twice" }] }),
  ],
  gamma: [call("read", { path: "run.sh" })],
};

async function setting(): Promise<Journey> {
  const made = await journey({
    files: {
      "kept.txt": "kept",
      "gone.txt": "gone",
      "run.sh": "#!/bin/sh\n",
      ".gitignore": "ignored/\n",
      "ignored/out.o": "old",
    },
    script: scripted(TURNS),
  });
  mkdirSync(join(made.folder, "hollow"));
  symlinkSync("gone.txt", join(made.folder, "link"));
  chmodSync(join(made.folder, "run.sh"), 0o644);
  return made;
}

const json = (text: string) => JSON.parse(text) as Record<string, unknown>;

test("a turn with edits and a command is taken back byte for byte, done again, and the thread goes with it", async () => {
  await using own = await setting();
  const { folder } = own;
  const before = treeOf(folder);
  expect((await own.ask(["-p", "alpha"])).stdout).toContain("done: alpha");
  const after = treeOf(folder);
  expect(after["kept.txt"]).toContain("changed");
  await own.ask(["-p", "-c", "beta"]);
  expect(own.read("kept.txt")).toBe("twice");
  await own.ask(["-p", "-c", "gamma"]);

  const list = (await own.run(["undo", "--list"])).stdout;
  expect(list).toMatch(/1 .* 8 .*alpha\n.*2 .* 1 .*\+1 -1.*beta\n.*3 .* 0 .*gamma/);
  const dry = await own.run(["undo", "3", "--dry-run"]);
  expect(dry).toMatchObject({ code: 0, stderr: "" });
  expect(dry.stdout).toContain("would be removed   fresh/a.txt");
  expect(own.read("kept.txt")).toBe("twice");

  const two = await own.run(["undo", "2", "-o", "json"]);
  expect(json(two.stdout)).toMatchObject({ done: true, turns: [2, 3], conflicts: [] });
  expect(treeOf(folder)).toEqual(after);
  const one = await own.run(["undo"]);
  expect(one.stdout).toContain("undid turn 1");
  expect(treeOf(folder)).toEqual(before);
  expect((await own.run(["undo"])).code).toBe(2);

  expect((await own.run(["undo", "--redo"])).stdout).toMatch(/redid turn 1: .*back again: crucible undo\n/);
  expect(treeOf(folder)).toEqual(after);
  await own.run(["undo", "--redo"]);
  expect(own.read("kept.txt")).toBe("twice");
  expect((await own.run(["undo", "--redo"])).code).toBe(2);
  expect((await own.run(["undo", "--to", "2"])).code).toBe(0);

  await own.ask(["-p", "-c", "gamma"]);
  const thread = JSON.stringify(messagesOf(own.server.chats.at(-1) ?? { body: {} }));
  expect(thread).toContain("alpha");
  expect(thread).not.toContain("beta");
  expect(own.audit().filter((record) => JSON.stringify(record).includes('"undo"')).length).toBe(5);
});

test("what the person changed since is refused with its names, and never overwritten", async () => {
  await using own = await setting();
  await own.ask(["-p", "alpha"]);
  writeFileSync(join(own.folder, "kept.txt"), "mine");
  writeFileSync(join(own.folder, "made/mine.txt"), "mine too");
  const refused = await own.run(["undo"]);
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain("left      kept.txt (changed since by somebody else)");
  expect(refused.stdout).toContain("--keep-mine");
  expect(existsSync(join(own.folder, "gone.txt"))).toBe(false);
  const kept = await own.run(["undo", "--keep-mine"]);
  expect(kept.code).toBe(0);
  expect(own.read("kept.txt")).toBe("mine");
  expect(own.read("made/mine.txt")).toBe("mine too");
  expect(own.read("gone.txt")).toBe("gone");
  expect(existsSync(join(own.folder, "made/deep"))).toBe(false);
  expect(own.read("ignored/out.o")).toBe("old");
});

test("git's index, stash, refs and HEAD stay as they are", async () => {
  await using own = await setting();
  const git = (...words: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...words], { cwd: own.folder, encoding: "utf8" });
  git("init", "-q");
  git("add", ".");
  git("commit", "-qm", "first");
  writeFileSync(join(own.folder, "kept.txt"), "stashed");
  git("stash");
  writeFileSync(join(own.folder, "gone.txt"), "staged");
  git("add", "gone.txt");
  const state = () => ({
    index: readFileSync(join(own.folder, ".git/index")),
    head: readFileSync(join(own.folder, ".git/HEAD"), "utf8"),
    refs: git("for-each-ref"),
    stash: git("stash", "list"),
    staged: git("diff", "--cached"),
  });
  await own.ask(["-p", "alpha"]);
  const before = state();
  expect((await own.run(["undo"])).code).toBe(0);
  expect(own.read("gone.txt")).toBe("staged");
  expect(state()).toEqual(before);
  await own.run(["undo", "--redo"]);
  expect(state()).toEqual(before);
});

test("a session in another process is refused, and a home folder is no place for undo", async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  await using own = await journey({
    files: { "a.txt": "a" },
    script: async () => {
      begin();
      await held;
      return { text: "done" };
    },
  });
  const running = own.ask(["-p", "wait"]);
  await begun;
  const refused = await own.run(["undo"]);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("is in use by process") });
  release();
  await running;
  const env = { HOME: own.folder };
  const off = await own.run(["undo"], { env });
  expect(off).toMatchObject({ code: 2, stderr: expect.stringContaining("undo is off in") });
});

test("in a home folder work goes on and says once that undo is off", async () => {
  await using own = await journey({
    files: { "kept.txt": "kept" },
    script: scripted({
      home: [call("shell", { command: "touch made" }), call("write", { path: "b.txt", content: "b" })],
    }),
  });
  const run = await own.ask(["-p", "home"], { env: { HOME: own.folder } });
  expect(run.stdout).toContain("done: home");
  expect(run.stderr.match(/undo is off here/g)?.length).toBe(1);
  expect(existsSync(join(own.home, "crucible/data/undo.db"))).toBe(false);
});

test("a turn that only reads keeps nothing", async () => {
  await using own = await setting();
  await own.ask(["-p", "gamma"]);
  expect(existsSync(join(own.home, "crucible/data/undo.db"))).toBe(false);
  await own.ask(["-p", "alpha"]);
  expect(statSync(join(own.home, "crucible/data/undo.db")).size).toBeGreaterThan(0);
  rmSync(join(own.folder, "ignored"), { recursive: true });
});

test("a fork takes back turns of the session that it left; that session stays as it is", async () => {
  await using own = await setting();
  const before = treeOf(own.folder);
  await own.ask(["-p", "alpha"]);
  await own.ask(["-p", "-c", "--fork-session", "gamma"]);
  const undone = json((await own.run(["undo", "2", "-o", "json"])).stdout);
  expect(undone).toMatchObject({ done: true, turns: [1, 2] });
  expect(treeOf(own.folder)).toEqual(before);
  const older = String(own.journal().find(({ session }) => session !== undone["session"])?.session);
  const list = json((await own.run(["undo", "--list", "--session", older, "-o", "json"])).stdout);
  expect(list["checkpoints"]).toMatchObject([{ turn: 1, undone: false }]);
});

test("what a background command changed is taken back, where it is doubtful on wish", async () => {
  await using own = await journey({
    files: {
      "kept.txt": "kept",
      "late.mjs":
        'import fs from "node:fs";\nsetTimeout(() => fs.writeFileSync("kept.txt", "by job"), 300);\nsetTimeout(() => {}, 60_000);\n',
    },
    script: scripted({
      job: [
        call("shell", { command: "node late.mjs", background: true }),
        call("shell", { command: "sleep 1" }),
        call("write", { path: "b.txt", content: "b" }),
      ],
    }),
  });
  const before = treeOf(own.folder);
  expect((await own.ask(["-p", "job"])).stdout).toContain("done: job");
  expect(own.read("kept.txt")).toBe("by job");
  const refused = await own.run(["undo"]);
  const bare = refused.stdout.includes("doubtful");
  if (bare) {
    expect(refused.code).toBe(1);
    expect((await own.run(["undo", "--doubtful"])).code).toBe(0);
  } else expect(refused.code).toBe(0);
  expect(treeOf(own.folder)).toEqual(before);
});
