/** `-w`: a session in a git worktree of its own, beside the person's checkout. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { BinaryRun } from "../kit/binary.ts";
import { call, type Journey, journey, lastText, messagesOf } from "../kit/journey.ts";
import { missing, terminal } from "../kit/terminal.ts";

const FILES = { "a.txt": "one\n", "pkg/b.txt": "two\n", ".gitignore": "node_modules/\n*.log\n" };
const WORDS = "word after word after word ".repeat(400);
const EDIT = call("write", { path: "new.txt", content: "made\n" });
/** The prompt stands below, empty, and nothing is at work. */
const READY = /^(?![\s\S]*Esc stops)[\s\S]*─{20,}\n\s*\n─{20,}\n/;
const DONE = { text: "Done." };

function git(setting: Journey, ...words: string[]): string {
  const identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
  return execFileSync("git", [...identity, ...words], {
    cwd: setting.folder,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", HOME: setting.home },
  });
}

async function repository(script: Parameters<typeof journey>[0]["script"], files = {}): Promise<Journey> {
  const setting = await journey({ script, files: { ...FILES, ...files } });
  git(setting, "init", "-q", "-b", "main");
  git(setting, "config", "user.name", "A");
  git(setting, "config", "user.email", "a@example.org");
  git(setting, "add", "-A");
  git(setting, "commit", "-q", "-m", "Begin");
  return setting;
}

/** The folder of the repository's worktrees. */
function placeOf(setting: Journey): string {
  const all = join(setting.home, "crucible/data/worktrees");
  return join(all, readdirSync(all)[0] ?? "");
}

const treeOf = (setting: Journey, name: string) => join(placeOf(setting), name);
const listed = (setting: Journey) => git(setting, "worktree", "list").trim().split("\n").length - 1;
const branches = (setting: Journey) => git(setting, "branch", "--format=%(refname:short)").trim().split("\n");
const own = (run: BinaryRun) => run.stderr.split("\n").filter((line) => line.startsWith("crucible: "));

describe("crucible -w", () => {
  test("edits and commits land in the worktree alone; one line says where they are and how to take them", async () => {
    const commit = "git add -A && git commit -qm Made && git status --short --branch";
    await using setting = await repository([EDIT, call("shell", { command: commit }), DONE]);
    writeFileSync(join(setting.folder, "a.txt"), "mine\n");
    const run = await setting.ask(["-w", "fix", "-p", "make it"]);
    expect(run.code, run.stderr).toBe(0);
    const tree = treeOf(setting, "fix");
    expect(own(run)).toEqual([
      expect.stringMatching(/^crucible: worktree fix \(branch crucible\/fix\) begun at [0-9a-f]{12}: \/.*\/fix$/),
      `crucible: what is not committed in ${setting.folder} is not in it`,
      expect.stringMatching(
        /kept \(1 commit\) on branch crucible\/fix: .*git merge crucible\/fix · go on: crucible -w fix -c · remove: crucible worktree remove fix$/,
      ),
    ]);
    expect(lastText(setting.server.chats[2] ?? { body: {} })).toContain("## crucible/fix");
    expect(readFileSync(join(tree, "new.txt"), "utf8")).toBe("made\n");
    expect(readFileSync(join(tree, "a.txt"), "utf8")).toBe("one\n");
    expect(git(setting, "status", "--porcelain")).toBe(" M a.txt\n");
    expect(existsSync(join(setting.folder, "new.txt"))).toBe(false);
    // Where it is not to be seen it must not be taken for gone.
    await setting.run(["sandbox", "run", "--", "git", "worktree", "prune"]);
    expect(listed(setting)).toBe(1);
    git(setting, "merge", "-q", "crucible/fix");
    expect(setting.read("new.txt")).toBe("made\n");

    const removed = await setting.run(["worktree", "remove", "fix"]);
    expect(removed).toMatchObject({ code: 0, stdout: "worktree fix removed\n" });
    expect([listed(setting), branches(setting), existsSync(tree)]).toEqual([0, ["main"], false]);
    expect((await setting.run(["worktree"])).stdout).toMatch(/^no worktrees here/);
  });

  test("one in which nothing was changed is gone at the end, without a word; what tools make again is no change", async () => {
    await using setting = await repository(
      [call("shell", { command: "mkdir -p deep/node_modules/x && touch deep/node_modules/x/y; git status" }), DONE],
      { "pkg/server.key": "secret\n" },
    );
    const run = await setting.ask(["-w", "-p", "look"], { cwd: join(setting.folder, "pkg") });
    expect(run.code, run.stderr).toBe(0);
    expect(own(run)).toEqual([
      expect.stringMatching(/worktree [a-z]+-[a-z]+ \(branch crucible\/[a-z]+-[a-z]+\) begun/),
    ]);
    // It stood where the person stands.
    expect(JSON.stringify(messagesOf(setting.server.chats[0] ?? { body: {} }))).toMatch(/\/pkg \(in the repository \//);
    expect([listed(setting), branches(setting)]).toEqual([0, ["main"]]);
    expect(readdirSync(placeOf(setting))).toEqual([".records"]);
  });

  test("ignored files that were written keep it; -w and -c go on in it; undo works there", async () => {
    await using setting = await repository([call("write", { path: "out.log", content: "x\n" }), DONE, EDIT, DONE]);
    const first = await setting.ask(["-w", "long.run", "-p", "write a log"]);
    expect(own(first).at(-1)).toMatch(/worktree long\.run kept \(1 file not committed\).*git -C \S+ status · /);
    const tree = treeOf(setting, "long.run");
    const again = await setting.ask(["-w", "long.run", "-c", "-p", "go on"]);
    expect(own(again)).toEqual([
      expect.stringMatching(/long\.run .* opened again/),
      expect.stringMatching(/kept \(2 files not committed\)/),
    ]);
    expect(JSON.stringify(messagesOf(setting.server.chats[2] ?? { body: {} }))).toContain("write a log");
    expect((await setting.run(["undo"], { cwd: tree })).code).toBe(0);
    expect([existsSync(join(tree, "new.txt")), existsSync(join(tree, "out.log"))]).toEqual([false, true]);
    const refused = await setting.run(["worktree", "remove", "long.run"]);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/1 file not committed that would be lost/),
    });
    expect((await setting.run(["worktree", "remove", "--force", "long.run"])).code).toBe(0);
    expect([listed(setting), branches(setting)]).toEqual([0, ["main"]]);
  });

  test("-r goes back into the session's worktree, and says so when that is gone", async () => {
    await using setting = await repository([EDIT, DONE, DONE, DONE]);
    await setting.ask(["-w", "side", "-n", "sided", "-p", "make it"]);
    const back = await setting.ask(["-r", "sided", "-p", "go on"]);
    expect(back.code, back.stderr).toBe(0);
    expect(own(back)[0]).toMatch(/worktree side \(branch crucible\/side\) opened again/);
    await setting.run(["worktree", "remove", "--force", "side"]);
    const gone = await setting.ask(["-r", "sided", "-p", "go on"]);
    expect(gone).toMatchObject({
      code: 42,
      stderr: expect.stringMatching(/worktree side, which is gone.*-w side -r/),
    });
    const anew = await setting.ask(["-w", "side", "-r", "sided", "-p", "go on"]);
    expect(anew.code, anew.stderr).toBe(0);
    expect(own(anew)).toEqual([expect.stringMatching(/worktree side .* begun at/)]);
  });

  test("two sessions side by side; one name is one session's", async () => {
    await using setting = await repository((_request, index) =>
      index === 0 ? { text: WORDS, chunkDelayMs: 20 } : DONE,
    );
    let second: Promise<[BinaryRun, BinaryRun, BinaryRun, BinaryRun]> | undefined;
    const first = await setting.ask(["-w", "one", "-o", "stream-json", "talk"], {
      running: (child) =>
        child.onOutput((text) => {
          if (second || !text.includes('"delta":true')) return;
          second = Promise.all([
            setting.ask(["-w", "one", "-p", "hello"]),
            setting.ask(["-w", "two", "-p", "hello"]),
            setting.run(["worktree", "remove", "--force", "one"]),
            setting.run(["worktree", "list"]),
          ]).finally(() => child.kill("SIGTERM"));
        }),
    });
    const [busy, other, removal, list] = (await second) ?? [];
    expect(busy?.stderr).toMatch(/the worktree one is in use by another session.*-w other/);
    expect(other?.code, other?.stderr).toBe(0);
    expect(removal?.stderr).toMatch(/in use/);
    expect(list?.stdout).toMatch(/one +crucible\/one +\S+ \S+ +in use/);
    // SIGTERM: it leaves as any other end does.
    expect(first).toMatchObject({ code: 143, signal: null });
    expect([listed(setting), branches(setting)]).toEqual([0, ["main"]]);
  });

  test("after kill -9 the same name opens it again", async () => {
    await using setting = await repository([EDIT, { text: WORDS, chunkDelayMs: 20 }, DONE]);
    let sent = false;
    await setting.ask(["-w", "cut", "-o", "stream-json", "talk"], {
      running: (child) =>
        child.onOutput((text) => {
          if (sent || !text.includes('"delta":true')) return;
          sent = true;
          child.kill("SIGKILL");
        }),
    });
    expect((await setting.run(["worktree", "list"])).stdout).toMatch(/cut +crucible\/cut +\S+ \S+ +kept/);
    expect((await setting.run(["doctor"])).stdout).toMatch(/worktrees +1 of sessions here: cut/);
    const again = await setting.ask(["-w", "cut", "-p", "go on"]);
    expect(own(again)[0]).toMatch(/cut .* opened again/);
    expect(readFileSync(join(treeOf(setting, "cut"), "new.txt"), "utf8")).toBe("made\n");
  });

  test("what a crash left half made, or somebody removed by hand, is made anew; a branch with work stays", async () => {
    await using setting = await repository([
      EDIT,
      call("shell", { command: "git add -A; git commit -qm Made" }),
      DONE,
      DONE,
      DONE,
    ]);
    await setting.ask(["-w", "half", "-p", "make it"]);
    const tree = treeOf(setting, "half");
    rmSync(tree, { recursive: true });
    const anew = await setting.ask(["-w", "half", "-p", "look"]);
    expect(own(anew).at(-1)).toMatch(/half kept \(1 commit\)/);
    expect(readFileSync(join(tree, "new.txt"), "utf8")).toBe("made\n");
    const record = join(placeOf(setting), ".records/half.json");
    writeFileSync(record, readFileSync(record, "utf8").replace('"ready"', '"making"'));
    rmSync(join(tree, "a.txt"));
    await setting.ask(["-w", "half", "-p", "look"]);
    expect(readFileSync(join(tree, "a.txt"), "utf8")).toBe("one\n");
    expect(listed(setting)).toBe(1);
  });

  test("a folder that git has forgotten is never removed or reused in silence", async () => {
    await using setting = await repository([EDIT, DONE]);
    await setting.ask(["-w", "lost", "-p", "make it"]);
    const tree = treeOf(setting, "lost");
    rmSync(join(setting.folder, ".git/worktrees"), { recursive: true });
    const again = await setting.ask(["-w", "lost", "-p", "go on"]);
    expect(again).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/git knows it as no worktree.*move it away/),
    });
    const removal = await setting.run(["worktree", "remove", "lost"]);
    expect(removal).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no worktree of this repository any more/),
    });
    expect(readFileSync(join(tree, "new.txt"), "utf8")).toBe("made\n");
    expect((await setting.run(["worktree", "remove", "--force", "lost"])).code).toBe(0);
    expect([existsSync(tree), branches(setting)]).toEqual([false, ["main"]]);
  });

  test("no repository, no commit, no name: one line that says what to do", async () => {
    await using setting = await journey({ script: [], files: FILES });
    const ask = (...words: string[]) => setting.ask([...words, "-p", "hello"]);
    expect(await ask("-w")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^crucible: .*git repository.*git init.*\n$/),
    });
    git(setting, "init", "-q");
    expect(await ask("-w")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^crucible: .*no commit yet.*git commit\n$/),
    });
    for (const name of ["../x", "a..b", "x.lock", ".x", "a/b", "a\u00e9"])
      expect(await ask(`--worktree=${name}`)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/is no name of a worktree/),
      });
    git(setting, "config", "extensions.worktreeConfig", "true");
    git(setting, "add", "-A");
    git(setting, "commit", "-qm", "Begin");
    expect(await ask("-w")).toMatchObject({ code: 2, stderr: expect.stringMatching(/extensions\.worktreeConfig/) });
  });

  test("the bytes that the person trusts in the checkout are trusted in its worktree, and no others", async () => {
    const config = ".codecrucible/config.jsonc";
    const script = [EDIT, DONE];
    await using setting = await repository(script, { [config]: '{"effort":"high"}' });
    await setting.run(["trust", "--yes"]);
    await setting.ask(["-w", "t", "-p", "make it"]);
    const tree = treeOf(setting, "t");
    const effort = async () => (await setting.run(["config", "get", "effort"], { cwd: tree })).stdout.trim();
    expect(await effort()).toBe("high");
    writeFileSync(join(tree, config), '{"effort":"low"}');
    expect(await effort()).toBe("");
    expect((await setting.run(["trust", "--yes"], { cwd: tree })).code).toBe(0);
    expect(await effort()).toBe("low");
    expect((await setting.run(["config", "get", "effort"])).stdout.trim()).toBe("high");
    await setting.run(["trust", "--revoke"]);
    expect(await effort()).toBe("");
  });

  test("a hostile repository starts nothing outside the sandbox, and its control places stay shut", async () => {
    const shut =
      "c=$(git rev-parse --git-common-dir)\nfor f in config hooks/post-commit info/attributes\ndo echo x >> $c/$f && echo WROTE\ndone\necho TRIED\n";
    await using setting = await repository(
      [
        EDIT,
        call("shell", { command: "sh shut.sh" }),
        call("write", { path: ".git", content: "gitdir: /tmp" }),
        call("write", { path: "../../../x", content: "x" }),
        DONE,
      ],
      { ".gitattributes": "*.txt filter=evil\n", "shut.sh": shut },
    );
    const marker = join(setting.home, "owned");
    const evil = join(setting.folder, "evil.sh");
    writeFileSync(evil, `#!/bin/sh\ntouch ${marker}\ntouch ${setting.folder}/in-checkout\ncat\n`);
    chmodSync(evil, 0o755);
    mkdirSync(join(setting.folder, ".git/hooks"), { recursive: true });
    for (const hook of ["post-checkout", "post-index-change", "reference-transaction"]) {
      writeFileSync(join(setting.folder, ".git/hooks", hook), `#!/bin/sh\n${evil} </dev/null\n`);
      chmodSync(join(setting.folder, ".git/hooks", hook), 0o755);
    }
    for (const key of ["filter.evil.smudge", "filter.evil.clean", "core.fsmonitor", "core.hooksPath", "core.pager"])
      git(setting, "config", key, key === "core.hooksPath" ? ".git/hooks" : evil);
    const before = readFileSync(join(setting.folder, ".git/config"), "utf8");
    const run = await setting.ask(["-w", "h", "--permission-mode", "auto", "-p", "make it"]);
    expect(own(run).at(-1)).toMatch(/worktree h kept/);
    expect([existsSync(marker), existsSync(join(setting.folder, "in-checkout"))]).toEqual([false, false]);
    expect(lastText(setting.server.chats[2] ?? { body: {} })).toMatch(/^(?![\s\S]*WROTE)[\s\S]*TRIED/);
    expect(lastText(setting.server.chats[3] ?? { body: {} })).toMatch(/denied/i);
    expect(lastText(setting.server.chats[4] ?? { body: {} })).toMatch(/denied/i);
    expect(readFileSync(join(setting.folder, ".git/config"), "utf8")).toBe(before);
    expect(readdirSync(join(setting.folder, ".git/hooks")).filter((name) => name === "post-commit")).toEqual([]);
    expect((await setting.run(["worktree", "remove", "--force", "h"])).code).toBe(0);
    expect(existsSync(marker)).toBe(false);
  });

  test("without a sandbox nothing is made; with -s off and -s read-only it works as ever", async () => {
    await using setting = await repository([DONE, DONE]);
    const run = await setting.ask(["-w", "x", "-p", "hello"], { env: { CODECRUCIBLE_SANDBOX_BACKEND: "docker" } });
    expect(run.code).not.toBe(0);
    expect([listed(setting), branches(setting)]).toEqual([0, ["main"]]);
    const off = await setting.ask(["-w", "x", "-s", "off", "-p", "hello"], {
      env: { CODECRUCIBLE_SANDBOX_BACKEND: "docker" },
    });
    expect(off.code, off.stderr).toBe(0);
    const shut = await setting.ask(["-w", "x", "-s", "read-only", "-p", "hello"]);
    expect(shut.code, shut.stderr).toBe(0);
    expect([listed(setting), branches(setting)]).toEqual([0, ["main"]]);
  });

  test.skipIf(missing)("at a terminal: the conversation is in it, and leaving keeps what was made", async () => {
    await using setting = await repository([EDIT, DONE]);
    using screen = terminal(setting, ["-w", "talk"]);
    await screen.shows(READY);
    screen.type("make it");
    screen.send("Enter");
    await screen.shows(/Done\.[\s\S]*not verified since the last edit/);
    await screen.shows(READY);
    screen.send("C-c");
    await screen.shows(/Ctrl\+C again leaves/);
    // On a busy machine the first may be long ago by now.
    screen.send("C-c", "C-c");
    const last = (await screen.shows(/exit=0/)).replaceAll("\n", "");
    expect(last).toMatch(/go on with: crucible -w talk -c/);
    expect(last).toMatch(/worktree talk kept \(1 file not committed\)/);
    expect(existsSync(join(treeOf(setting, "talk"), "new.txt"))).toBe(true);
    expect(git(setting, "status", "--porcelain")).toBe("");
  });
});
