import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { restore } from "../../src/sandbox/restore.ts";
import { planUndo } from "../../src/sandbox/undo-plan.ts";
import { applied, copiesKit, treeOf } from "../kit/copies.ts";
import { treeOf as wholeTree } from "../kit/undo.ts";
import { git, lacking } from "./machine.ts";

const skip = lacking();
/** Commands that no parser looks into. */
const script = (content: string) => ["sh script.sh", { ...TIME, files: [{ path: "script.sh", content }] }] as const;
const TIME = { timeoutMs: 20_000 };

describe.skipIf(skip)("a copy of the workspace", () => {
  test("holds what is uncommitted, untracked and ignored, at the workspace's place", async () => {
    await using kit = await copiesKit({
      files: { "a.txt": "one\n", ".gitignore": "*.log\nbuild/\n", "x.log": "ignored\n", "build/out.js": "built\n" },
      prepare: (workspace) => {
        git(workspace, "init", "-q");
        git(workspace, "add", ".");
        git(workspace, "commit", "-qm", "first");
        writeFileSync(join(workspace, "a.txt"), "changed\n");
        writeFileSync(join(workspace, "new.txt"), "untracked\n");
      },
    });
    await using copy = await kit.port.copy(kit.signal);
    const command = `cat ${kit.workspace}/a.txt new.txt x.log build/out.js && pwd && git status --short && git log --format=%s`;
    const result = await copy.run(command, TIME, kit.signal);
    expect(result).toMatchObject({ outcome: "pass", exitCode: 0 });
    expect(result.output.split("\n").slice(0, 8)).toEqual([
      "changed",
      "untracked",
      "ignored",
      "built",
      kit.workspace,
      " M a.txt",
      "?? new.txt",
      "first",
    ]);
    expect(await copy.diff()).toBe("");
  });

  test("closed while it is accepted, it is accepted whole: its missing files are not deletions", async () => {
    await using kit = await copiesKit({ files: { "a.txt": "one\n", "b.txt": "two\n", "dir/c.txt": "three\n" } });
    const copy = await kit.port.copy(kit.signal);
    await copy.edit([{ path: "a.txt", find: "one", replace: "changed" }], kit.signal);
    const accepted = kit.port.accept(copy, kit.signal);
    await copy[Symbol.asyncDispose]();
    expect(await accepted).toEqual(["a.txt"]);
    expect(readFileSync(join(kit.workspace, "a.txt"), "utf8")).toBe("changed\n");
    expect(readFileSync(join(kit.workspace, "dir/c.txt"), "utf8")).toBe("three\n");
    await expect(kit.port.accept(copy, kit.signal)).rejects.toThrow("a copy that is gone");
  });

  test("shows no secret file in its difference, wherever a command moves it", async () => {
    await using kit = await copiesKit({
      files: { "a.txt": "one\n", "conf/.env": "TOKEN=hush\n", "conf/b.txt": "two\n" },
    });
    await using copy = await kit.port.copy(kit.signal);
    const [command, options] = script("mv conf other\n");
    await copy.run(command, options, kit.signal);
    const diff = await copy.diff();
    expect(diff).toContain("other/b.txt");
    expect(diff).not.toMatch(/hush|\.env/);
  });

  test("keeps from the workspace whatever a command tries", async () => {
    await using kit = await copiesKit({
      files: { "a.txt": "one\n", "dir/b.txt": "two\n", ".gitignore": "big/\n", "big/c.txt": "c\n" },
      prepare: (workspace) => {
        git(workspace, "init", "-q");
        writeFileSync(join(workspace, "big", "blob"), Buffer.alloc(51 * 1024 * 1024));
        symlinkSync(join(workspace, "dir", "b.txt"), join(workspace, "absolute"));
        symlinkSync("dir/b.txt", join(workspace, "relative"));
        linkSync(join(workspace, "a.txt"), join(workspace, "hard"));
      },
    });
    const before = treeOf(kit.workspace);
    const head = readFileSync(join(kit.workspace, ".git", "HEAD"), "utf8");
    await using copy = await kit.port.copy(kit.signal);
    const ws = kit.workspace;
    for (const command of [
      `echo x > ${ws}/a.txt`,
      "echo x > absolute; echo y > relative",
      "echo x > hard",
      `echo x > ../ws/dir/b.txt; echo x > ${ws}/dir/../made.txt`,
      "echo x > big/c.txt; rm -rf big; mv big other",
      "echo x > .git/HEAD; git add a.txt; git commit -m x",
      `cd / && rm -rf ${ws}/dir`,
    ])
      await copy.run(command, TIME, kit.signal);
    expect(treeOf(ws)).toEqual(before);
    expect(readFileSync(join(ws, ".git", "HEAD"), "utf8")).toBe(head);
    expect(existsSync(join(ws, ".git", "index"))).toBe(false);
    expect(await copy.diff()).toContain("a/dir/b.txt");
  });

  test("works without git, and two copies do not see each other", async () => {
    await using kit = await copiesKit({ files: { "a.txt": "one\n" } });
    await using first = await kit.port.copy(kit.signal);
    await using second = await kit.port.copy(kit.signal);
    expect(await first.edit([{ path: "a.txt", find: "one", replace: "two" }], kit.signal)).toEqual({});
    const dirty = "echo x > b.txt; echo x > /tmp/c; echo x > ~/d";
    expect(await first.run(...script(dirty), kit.signal)).toMatchObject({ outcome: "pass", output: "(no output)" });
    const seen = await second.run(...script("cat a.txt; ls /tmp ~ -A; ls"), kit.signal);
    expect(seen.output).toMatch(/^one\n[\s\S]*\na\.txt\nscript\.sh\n?$/);
    expect(seen.output).not.toMatch(/^[bcd]/m);
    expect(await second.diff()).toBe("");
    expect(treeOf(kit.workspace)).toEqual({ "a.txt": "100644 one\n" });
  });

  test("shares the history of a linked worktree, added folders too, for reading only", async () => {
    await using kit = await copiesKit({
      withParent: true,
      prepare: (workspace) => {
        const main = join(workspace, "..", "main");
        mkdirSync(main);
        writeFileSync(join(main, "a.txt"), "one\n");
        git(main, "init", "-q");
        git(main, "add", ".");
        git(main, "commit", "-qm", "first");
        git(main, "worktree", "add", "-q", workspace);
      },
    });
    await using copy = await kit.port.copy(kit.signal);
    const tries = `git log --format=%s; echo x > ${kit.base}/code/main/.git/x; echo x > ../x; git add -A; git commit -m x`;
    const result = await copy.run(...script(tries), kit.signal);
    expect(result.output).toMatch(/^first\n/);
    expect(existsSync(join(kit.base, "code/main/.git/x"))).toBe(false);
    expect(existsSync(join(kit.base, "code/x"))).toBe(false);
    expect(git(join(kit.base, "code/main"), "log", "--all", "--format=%s")).toBe("first\n");
    const edit = { path: `${kit.base}/code/main/a.txt`, find: "", replace: "x" };
    expect(await copy.edit([edit], kit.signal)).toMatchObject({ problem: expect.stringContaining("shares it") });
    const fromCopy = await copy.run("cat a.txt", TIME, kit.signal);
    expect(fromCopy.output).toMatch(/^one/);
  });

  test.each([true, false])("writes no history of a linked worktree (its folder added: %s)", async (withParent) => {
    await using kit = await copiesKit({
      withParent,
      prepare: (workspace) => {
        const main = join(workspace, "..", "main");
        mkdirSync(main);
        git(main, "init", "-q");
        git(main, "commit", "-qm", "first", "--allow-empty");
        git(main, "worktree", "add", "-q", workspace);
      },
    });
    await using copy = await kit.port.copy(kit.signal);
    const result = await copy.run(...script(`git log --format=%s; echo x > ${kit.base}/code/main/.git/x`), kit.signal);
    expect(result.output).toMatch(/^first\n/);
    expect(existsSync(join(kit.base, "code/main/.git/x"))).toBe(false);
  });

  test("is looked at as it is: its links lead, its secrets are masked", async () => {
    await using kit = await copiesKit({ files: { "a.txt": "one\n", l: "file\n", ".env": "TOKEN=0123456789\n" } });
    await using copy = await kit.port.copy(kit.signal);
    rmSync(join(kit.workspace, ".env"));
    expect((await copy.run(...script("wc -c < .env; rm l; ln -s a.txt l"), kit.signal)).output).toMatch(/^0/);
    expect(await copy.edit([{ path: "l", find: "one", replace: "two" }], kit.signal)).toEqual({});
    expect((await copy.run("cat a.txt", TIME, kit.signal)).output).toMatch(/^two/);
  });

  test("is confined although the session is not", async () => {
    await using kit = await copiesKit({ files: { "a.txt": "one\n" }, given: { sandbox: "off" } });
    mkdirSync(join(kit.base, "outside"));
    await using copy = await kit.port.copy(kit.signal);
    const result = await copy.run(...script(`echo 2 > a.txt; ls ${kit.base}/outside || echo hidden`), kit.signal);
    expect(result).toMatchObject({ outcome: "pass", output: expect.stringMatching(/hidden\n?$/) });
    expect(readFileSync(join(kit.workspace, "a.txt"), "utf8")).toBe("one\n");
  });

  test("tells nothing of what lies behind a folder that became a link", async () => {
    await using kit = await copiesKit({ files: { "dir/passwd": "mine\n" } });
    await using copy = await kit.port.copy(kit.signal);
    await copy.run(...script("rm -r dir; ln -s /etc dir"), kit.signal);
    const diff = await copy.diff();
    expect(diff).toContain("deleted file mode 100644");
    expect(diff).not.toContain("root:");
    const over = { ...TIME, files: [{ path: "dir/hostname", content: "x" }] };
    expect(await copy.run("true", over, kit.signal)).toMatchObject({ outcome: "error" });
  });

  test("runs what lies in ignored trees, copied or shared", async () => {
    const tool = "#!/bin/sh\necho tool $(dirname $0)\n";
    await using kit = await copiesKit({
      files: {
        ".gitignore": "node_modules/\n.venv/\ndata/\n",
        "data/a": "",
        "node_modules/.bin/t": tool,
        ".venv/bin/t": "",
      },
      prepare: (workspace) => {
        writeFileSync(join(workspace, ".venv/bin/t"), `#!${workspace}/.venv/bin/sh\necho venv\n`, { mode: 0o755 });
        symlinkSync("/bin/sh", join(workspace, ".venv/bin/sh"));
        git(workspace, "init", "-q");
        writeFileSync(join(workspace, "data", "blob"), Buffer.alloc(51 * 1024 * 1024));
      },
    });
    await using copy = await kit.port.copy(kit.signal);
    const result = await copy.run("sh node_modules/.bin/t && chmod +x .venv/bin/t && .venv/bin/t", TIME, kit.signal);
    expect(result.output).toMatch(/^tool node_modules\/\.bin\nvenv\n?$/);
    const write = await copy.run("touch .venv/new && touch data/new", TIME, kit.signal);
    expect(write).toMatchObject({ outcome: "fail", output: expect.stringContaining("Read-only file system") });
    expect(await copy.edit([{ path: "data/x.js", find: "", replace: "x" }], kit.signal)).toMatchObject({
      problem: expect.stringContaining("a copy of the workspace shares it"),
    });
  });
});

describe.skipIf(skip)("edits in a copy", () => {
  const files = { "a.txt": "one\ntwo\n", "b.txt": "three\n" };

  test("are made all or not at all", async () => {
    await using kit = await copiesKit({ files });
    await using copy = await kit.port.copy(kit.signal);
    const fits = [
      { path: "a.txt", find: "one", replace: "1" },
      { path: "b.txt", find: "", replace: "whole\n" },
      { path: "sub/new.txt", find: "", replace: "new\n" },
    ];
    const { problem } = await copy.edit(
      [...fits, { path: "a.txt", find: "nowhere to be found", replace: "" }],
      kit.signal,
    );
    expect(problem).toContain("a.txt");
    expect(await copy.diff()).toBe("");
    expect(await copy.edit(fits, kit.signal)).toEqual({});
    const changed = applied(join(kit.base, "clone"), files, await copy.diff());
    expect(changed).toEqual({ "a.txt": "100644 1\ntwo\n", "b.txt": "100644 whole\n", "sub/new.txt": "100644 new\n" });
    expect(treeOf(kit.workspace)).toEqual({ "a.txt": "100644 one\ntwo\n", "b.txt": "100644 three\n" });
  });

  test.each(["../out.txt", "/etc/hostname", ".git/config", ".codecrucible/config.jsonc", "~/x", ".mcp.json", "a\0b"])(
    "are refused at %j",
    async (path) => {
      await using kit = await copiesKit({ files, prepare: (workspace) => git(workspace, "init", "-q") });
      await using copy = await kit.port.copy(kit.signal);
      const { problem } = await copy.edit([{ path, find: "", replace: "x" }], kit.signal);
      expect(problem).toBeDefined();
      expect(await copy.diff()).toBe("");
      expect(existsSync(join(kit.base, "out.txt"))).toBe(false);
    },
  );

  test("move nothing of the session: no clock, no undo material, nothing seen; but they are on record", async () => {
    await using kit = await copiesKit({ files });
    await using copy = await kit.port.copy(kit.signal);
    await copy.edit(
      [
        { path: "a.txt", find: "one", replace: "1" },
        { path: "b.txt", find: "", replace: "" },
      ],
      kit.signal,
    );
    await copy.run("echo x > a.txt", TIME, kit.signal);
    expect(kit.edits.value).toBe(0);
    const kinds = new Set(kit.events.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(["tool-requested", "verdict-given", "tool-start", "tool-end"]));
    for (const event of kit.events) if (event.kind === "tool-end") expect(event.details).not.toHaveProperty("hash");
    const recorded = kit.audit.filter(({ action }) => action === "tool-decision").map(({ tool }) => tool);
    expect(recorded).toEqual(["read", "edit", "read", "write", "shell"]);
  });

  test("are refused in plan mode, and so is every run", async () => {
    await using kit = await copiesKit({ files, given: { mode: "plan" } });
    await using copy = await kit.port.copy(kit.signal);
    expect(await copy.edit([{ path: "a.txt", find: "one", replace: "1" }], kit.signal)).toMatchObject({
      problem: expect.stringContaining("Denied"),
    });
    expect(await copy.run("make test", TIME, kit.signal)).toMatchObject({ outcome: "error", exitCode: null });
  });
});

describe.skipIf(skip)("a check in a copy", () => {
  test("tells pass, fail, timeout and what never ran; nobody is asked", async () => {
    await using kit = await copiesKit({ files: { "a.txt": "one\n" } });
    await using copy = await kit.port.copy(kit.signal);
    expect(await copy.run("true", TIME, kit.signal)).toMatchObject({ outcome: "pass", exitCode: 0 });
    expect(await copy.run("echo no; exit 3", TIME, kit.signal)).toMatchObject({
      outcome: "fail",
      exitCode: 3,
      output: expect.stringMatching(/^no\n/),
    });
    expect(await copy.run("sleep 30", { timeoutMs: 1000 }, kit.signal)).toMatchObject({
      outcome: "timeout",
      exitCode: null,
    });
    expect(await copy.run("sudo reboot", TIME, kit.signal)).toMatchObject({ outcome: "error", exitCode: null });
    const long = await copy.run("seq 1 5000", TIME, kit.signal);
    expect(long.output.length).toBeLessThanOrEqual(4000);
    expect(long.output).toMatch(/4999\n5000/);
  });

  test("has its files only while it runs", async () => {
    await using kit = await copiesKit({ files: { "a.txt": "one\n" } });
    await using copy = await kit.port.copy(kit.signal);
    const given = [
      { path: "a.txt", content: "two\n" },
      { path: "t/check.sh", content: "cat a.txt; rm -r t; mkdir t; ln -s /etc t/check.sh\n" },
    ];
    const result = await copy.run("sh t/check.sh", { ...TIME, files: given }, kit.signal);
    expect(result).toMatchObject({ outcome: "pass", output: expect.stringMatching(/^two\n?$/) });
    expect((await copy.run("cat a.txt; ls t", TIME, kit.signal)).output).toMatch(/^one\n?$/);
    expect(await copy.diff()).toBe("");
    const denied = await copy.run("true", { ...TIME, files: [{ path: "../x", content: "" }] }, kit.signal);
    expect(denied).toMatchObject({ outcome: "error" });
    expect(existsSync("/etc/passwd")).toBe(true);
  });

  test("whose folder became a link takes nothing else away", async () => {
    await using kit = await copiesKit({ files: { "other/check.sh": "keep\n" } });
    await using copy = await kit.port.copy(kit.signal);
    const given = [{ path: "t/check.sh", content: "rm -r t; ln -s other t\n" }];
    expect(await copy.run("sh t/check.sh", { ...TIME, files: given }, kit.signal)).toMatchObject({ outcome: "pass" });
    expect(await copy.diff()).not.toContain("other/check.sh");
  });

  test("sees no secret and reaches no network", async () => {
    const secret = "s3cr3t-value-0123456789";
    await using kit = await copiesKit({
      files: { ".env": `TOKEN=${secret}\n`, "conf/plain.txt": "led to by a secret's name\n" },
      secrets: ["another-secret-9876543210"],
      flags: { "network.mode": "allowlist", "network.allow": ["example.org"] },
    });
    await using copy = await kit.port.copy(kit.signal);
    symlinkSync(join(kit.workspace, "conf/plain.txt"), join(kit.workspace, ".env.local"));
    await using linked = await kit.port.copy(kit.signal);
    const masked = await linked.run(
      ...script("cat .env .env.local conf/plain.txt; wc -c < conf/plain.txt"),
      kit.signal,
    );
    expect(masked.output).toMatch(/^0\n?$/);
    const told = await copy.run("printf '%s%s' another-secret -9876543210", TIME, kit.signal);
    expect(told.output).not.toContain("another-secret-9876543210");
    const proxies = await copy.run(...script("env | grep -ci proxy"), kit.signal);
    expect(proxies.output).toMatch(/^0/);
    const net = await copy.run("cat /proc/net/dev; env | grep -i proxy; exec 3<>/dev/tcp/1.1.1.1/80", TIME, kit.signal);
    expect(net.outcome).not.toBe("pass");
    expect(net.output).not.toMatch(/eth|proxy/i);
  });
});

describe.skipIf(skip)("accepting a copy", () => {
  const files = {
    "a.txt": "one\n",
    "b.txt": "two\n",
    "run.sh": "echo\n",
    "gone/c.txt": "c\n",
    file: "f\n",
    "crlf.txt": "a\r\nb\r\n",
  };
  const command = [
    "chmod +x run.sh",
    "rm -r gone file",
    "echo now-a-file > gone",
    "mkdir file; echo below > file/d.txt",
    "ln -s a.txt link",
    "printf 'a\\nb\\n' > crlf.txt",
    "printf '#!/bin/sh\\n' > tool; chmod +x tool",
    "echo 'with space' > 'a b.txt'",
    ": > empty",
    "mkdir .codecrucible; echo x > .mcp.json",
  ].join("; ");

  test("gives the workspace that git gives from its diff", async () => {
    await using kit = await copiesKit({ files });
    await using copy = await kit.port.copy(kit.signal);
    expect(await copy.edit([{ path: "a.txt", find: "one", replace: "1" }], kit.signal)).toEqual({});
    expect(await copy.run(...script(command), kit.signal)).toMatchObject({ outcome: "pass" });
    const wanted = applied(join(kit.base, "clone"), files, await copy.diff());
    const before = wholeTree(kit.workspace);
    const paths = await kit.port.accept(copy, kit.signal);
    expect(treeOf(kit.workspace)).toEqual(wanted);
    expect(paths).toEqual([...paths].sort());
    expect(wanted).toMatchObject({
      "a.txt": "100644 1\n",
      "run.sh": "100755 echo\n",
      "crlf.txt": "100644 a\nb\n",
      link: "120000 a.txt",
    });
    expect(Object.keys(wanted)).not.toContain(".mcp.json");
    expect(kit.events.filter(({ kind }) => kind === "file-changed").length).toBeGreaterThan(3);
    expect(kit.events.some(({ kind }) => kind === "snapshot-taken")).toBe(true);
    expect(kit.edits.value).toBeGreaterThan(3);
    await kit.checkpoints?.settled();
    const store = kit.undoStore();
    const turn = store.turn({ session: "s1", turn: 0 });
    const changes = turn.state === "kept" ? turn.changes.toReversed() : [];
    const { steps, conflicts } = planUndo({ changes, roots: [kit.workspace], doubtful: false });
    expect(conflicts).toEqual([]);
    await restore(steps, { store, owner: undefined });
    store.close();
    expect(wholeTree(kit.workspace)).toEqual(before);
  });

  test.each([
    ["changed", (ws: string) => writeFileSync(join(ws, "b.txt"), "mine\n")],
    ["made", (ws: string) => writeFileSync(join(ws, "new.txt"), "mine\n")],
  ])("refuses before the first write when a file was %s meanwhile", async (_what, meddle) => {
    await using kit = await copiesKit({ files });
    await using copy = await kit.port.copy(kit.signal);
    const edits = [
      { path: "a.txt", find: "one", replace: "1" },
      { path: "b.txt", find: "two", replace: "2" },
      { path: "new.txt", find: "", replace: "new\n" },
    ];
    expect(await copy.edit(edits, kit.signal)).toEqual({});
    meddle(kit.workspace);
    const before = treeOf(kit.workspace);
    await expect(kit.port.accept(copy, kit.signal)).rejects.toThrow(
      /^(b|new)\.txt changed since the copy was made; nothing was changed/,
    );
    expect(treeOf(kit.workspace)).toEqual(before);
  });

  test("of which files are only gone moves the session's clock", async () => {
    await using kit = await copiesKit({ files });
    await using copy = await kit.port.copy(kit.signal);
    await copy.run("rm a.txt", TIME, kit.signal);
    expect(await kit.port.accept(copy, kit.signal)).toEqual(["a.txt"]);
    expect(existsSync(join(kit.workspace, "a.txt"))).toBe(false);
    expect(kit.edits.value).toBe(1);
  });

  test("writes nothing in plan mode", async () => {
    await using kit = await copiesKit({ files, given: { mode: "plan" } });
    await using copy = await kit.port.copy(kit.signal);
    const [id = ""] = readdirSync(join(kit.state, "sandbox", "sandbox", "copies", "s1"));
    const made = join(kit.state, "sandbox", "sandbox", "copies", "s1", id);
    const name = readdirSync(made).find((each) => each.startsWith("copy")) ?? "";
    writeFileSync(join(made, name, "files", "a.txt"), "changed\n");
    await expect(kit.port.accept(copy, kit.signal)).rejects.toThrow(/Denied/);
    expect(readFileSync(join(kit.workspace, "a.txt"), "utf8")).toBe("one\n");
  });

  test("refuses binary files by name", async () => {
    await using kit = await copiesKit({ files });
    await using copy = await kit.port.copy(kit.signal);
    await copy.run("printf '\\0\\1' > image.bin; echo x > a.txt", TIME, kit.signal);
    expect(await copy.diff()).toContain("Binary files /dev/null and b/image.bin differ");
    await expect(kit.port.accept(copy, kit.signal)).rejects.toThrow(/image\.bin/);
    expect(readFileSync(join(kit.workspace, "a.txt"), "utf8")).toBe("one\n");
  });
});

describe.skipIf(skip)("nothing of a copy is left", () => {
  test("after it was closed, even where a command took the rights away", async () => {
    await using kit = await copiesKit({ files: { "a.txt": "one\n" } });
    const folder = join(kit.state, "sandbox", "sandbox", "copies");
    const copy = await kit.port.copy(kit.signal);
    await copy.run("mkdir -p d/e; echo > d/e/f; chmod 0 d/e d", TIME, kit.signal);
    await copy[Symbol.asyncDispose]();
    const names = () =>
      readdirSync(folder, { recursive: true })
        .map(String)
        .filter((name) => /copy_/.test(name));
    expect(names()).toEqual([]);
    await kit.port.copy(kit.signal);
    await kit.port[Symbol.asyncDispose]();
    expect(names()).toEqual([]);
    expect(lstatSync(kit.workspace).isDirectory()).toBe(true);
    mkdirSync(join(kit.base, "x"));
  });
});
