/** Ways out through git's own files: what a script plants must not run when the user starts git on the host. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Kit } from "./kit.ts";
import { makeKit, memoryBlobs, sandboxFor } from "./kit.ts";
import { git, lacking, processesWith, uniqueMark } from "./machine.ts";

const reason = lacking();
const signal = new AbortController().signal;

async function run(kit: Kit, command: string) {
  const result = await kit.sandbox.hands(kit.grant(["exec"])).exec?.run(command, { timeoutMs: 20_000 }, signal);
  if (!result) throw new Error("no exec hands");
  return result;
}

/** The user's own look at the repository, in each of `folders`; fails when a planted program ran. */
function lookOnHost(kit: Kit, ...folders: string[]): void {
  for (const folder of folders) {
    try {
      git(join(kit.workspace, folder), "status");
    } catch {
      // Not a repository, or one that git refuses: nothing ran.
    }
  }
  expect(existsSync(join(kit.base, "PWNED"))).toBe(false);
}

const repository = (folder: string) => {
  mkdirSync(folder, { recursive: true });
  git(folder, "init", "-q");
  writeFileSync(join(folder, "file"), "x");
  git(folder, "add", ".");
  git(folder, "commit", "-qm", "one");
};

/** Shell words that make `config` start a program on the host. */
const evil = (kit: Kit, config: string) =>
  `printf '[core]\\n\\trepositoryformatversion = 0\\n\\tfsmonitor = "touch ${kit.base}/PWNED; false"\\n' > ${config}`;

describe.skipIf(reason !== undefined)(`ways out through git${reason ? ` (skipped: ${reason})` : ""}`, () => {
  test("the planted program would run on the host if it were left", async () => {
    await using kit = await makeKit({}, ({ workspace }) => repository(workspace));
    execFileSync(
      "/bin/sh",
      ["-c", `cp -r .git evilgit; ${evil(kit, "evilgit/config")}; echo ../evilgit > .git/commondir`],
      {
        cwd: kit.workspace,
      },
    );
    git(kit.workspace, "status");
    expect(existsSync(join(kit.base, "PWNED"))).toBe(true);
  });

  test.each([
    ["commondir", (kit: Kit) => `cp -r .git evilgit; ${evil(kit, "evilgit/config")}; echo ../evilgit > .git/commondir`],
    [
      "commondir as a link",
      (kit: Kit) => `cp -r .git e; ${evil(kit, "e/config")}; echo ../e > x; ln -s ../x .git/commondir`,
    ],
    [
      "a new .git",
      (kit: Kit) =>
        `cp -r .git e; ${evil(kit, "e/config")}; mv .git old; mv e .git; cp -r e/. .git; rmdir .git; rm .git/config; cp e/config .git/config`,
    ],
    ["a .git file", (kit: Kit) => `cp -r .git e; ${evil(kit, "e/config")}; mv .git old; echo 'gitdir: e' > .git`],
    ["config.worktree", (kit: Kit) => evil(kit, ".git/config.worktree")],
    ["HEAD as a link", (kit: Kit) => `cp -r .git e; ${evil(kit, "e/config")}; rm .git/HEAD; ln -s ../e/HEAD .git/HEAD`],
    [
      "no HEAD, and the root as a bare repository",
      (kit: Kit) =>
        `rm .git/HEAD; mkdir refs objects; echo ref: refs/heads/x > HEAD; ${evil(kit, "config")}; printf '\\tbare = false\\n\\tworktree = ..\\n' >> config`,
    ],
  ])("of the top repository: %s", async (_name, attack) => {
    await using kit = await makeKit({}, ({ workspace }) => repository(workspace));
    await run(kit, attack(kit));
    lookOnHost(kit, ".");
    expect(git(kit.workspace, "log", "--format=%s")).toBe("one\n");
    expect(existsSync(join(kit.workspace, ".git/commondir"))).toBe(false);
    expect(
      (await run(kit, "git log --format=%s; echo a > n && git add n && git stash -q && git switch -qc side")).output,
    ).toBe("one\n");
  });

  test("links of worktrees and alternates are put back, honest worktrees work", async () => {
    await using kit = await makeKit({}, ({ workspace }) => {
      repository(workspace);
      git(workspace, "worktree", "add", "-q", "-b", "side", "tree");
    });
    const { workspace } = kit;
    const own = join(workspace, ".git/worktrees/tree");
    const before = ["commondir", "gitdir"].map((name) => readFileSync(join(own, name), "utf8"));
    const plant = `cp -r .git e; ${evil(kit, "e/config")}`;
    await run(
      kit,
      `${plant}; echo ../../../e > .git/worktrees/tree/commondir; echo /etc/.git > .git/worktrees/tree/gitdir`,
    );
    await run(kit, `${plant}; echo "gitdir: ${workspace}/e" > tree/.git`);
    await run(kit, `echo /var/lib > .git/objects/info/alternates; ${evil(kit, ".git/worktrees/tree/config.worktree")}`);
    lookOnHost(kit, ".", "tree");
    expect(["commondir", "gitdir"].map((name) => readFileSync(join(own, name), "utf8"))).toEqual(before);
    expect(existsSync(join(workspace, ".git/objects/info/alternates"))).toBe(false);
    const honest = await run(
      kit,
      "git worktree add -q -b more more && cd more && echo x > y && git add y && git -c user.name=t -c user.email=t@e commit -qm two",
    );
    expect(honest).toMatchObject({ exitCode: 0 });
    expect(honest.output).not.toContain("moved away");
    expect(git(join(workspace, "more"), "log", "-1", "--format=%s")).toBe("two\n");
    expect(await run(kit, "git worktree remove --force more && git worktree list | wc -l")).toMatchObject({
      output: "2\n",
    });
  });

  test("submodules with a slash in their path are shut like others", async () => {
    await using kit = await makeKit({}, ({ workspace, base }) => {
      repository(join(base, "library"));
      repository(workspace);
      git(
        workspace,
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        join(base, "library"),
        "third_party/foo",
      );
    });
    const at = ".git/modules/third_party/foo";
    for (const attack of [
      evil(kit, `${at}/config`),
      `printf '#!/bin/sh\\ntouch ${kit.base}/PWNED\\n' > ${at}/hooks/post-index-change && chmod +x ${at}/hooks/post-index-change`,
      `cp -r ${at} e; ${evil(kit, "e/config")}; echo ../../../../e > ${at}/commondir`,
      `cp -r .git/modules e; rm -f e/third_party/foo/config; ${evil(kit, "e/third_party/foo/config")}; mv .git/modules .git/m; ln -s ../e .git/modules`,
      `cp -r .git/modules/third_party e3; rm -f e3/foo/config; ${evil(kit, "e3/foo/config")}; mv .git/modules/third_party .git/m; ln -s ../../e3 .git/modules/third_party`,
      `mv ${at} ${at}2; mkdir -p ${at}; cp -r ${at}2/. ${at}; rm -f ${at}/config; ${evil(kit, `${at}/config`)}`,
    ]) {
      await run(kit, attack);
      lookOnHost(kit, ".", "third_party/foo");
    }
  });

  test("repositories below: what is there is shut, what is new must be harmless", async () => {
    await using kit = await makeKit({}, ({ workspace }) => {
      repository(workspace);
      repository(join(workspace, "old/deep"));
      mkdirSync(join(workspace, "node_modules/x"), { recursive: true });
    });
    for (const attack of [
      evil(kit, "old/deep/.git/config"),
      `cp -r old/deep/.git e; ${evil(kit, "e/config")}; echo ../../../e > old/deep/.git/commondir`,
      `mv old older; mkdir -p old/deep; cp -r older/deep/.git old/deep; rm -f old/deep/.git/config; ${evil(kit, "old/deep/.git/config")}`,
      `mkdir -p sub; cd sub; git init -q; ${evil(kit, ".git/config")}`,
      `mkdir -p node_modules/x; cd node_modules/x; git init -q; ${evil(kit, ".git/config")}`,
      `mkdir -p bare; git init -q --bare bare; ${evil(kit, "bare/config")}; printf '\\tbare = false\\n\\tworktree = ..\\n' >> bare/config`,
    ]) {
      await run(kit, attack);
      lookOnHost(kit, ".", "old/deep", "sub", "node_modules/x", "bare");
    }
    const honest = await run(
      kit,
      "git init -q fresh && git clone -q . copy && git clone -q --bare . mirror.git && git clone -q --shared . shared && ls -d */.git mirror.git",
    );
    expect(honest.output).toBe("copy/.git\nfresh/.git\nmirror.git\nshared/.git\n");
    const more = await run(
      kit,
      "cd copy && echo x > n && git add n && git -c user.name=t -c user.email=t@e commit -qm two && git log --format=%s",
    );
    expect(more.output).toBe("two\none\n");
  });

  test("our own folders and .mcp.json are swept at any depth and in any case", async () => {
    await using kit = await makeKit({}, ({ workspace }) => {
      mkdirSync(join(workspace, "kept/.codecrucible"), { recursive: true });
      writeFileSync(join(workspace, "kept/.codecrucible/config.jsonc"), "{}");
    });
    const { output } = await run(
      kit,
      "mkdir -p a/b/.CodeCrucible; mkdir -p node_modules/.crucible; echo '{}' > a/.MCP.json; ln -s /etc a/.crucible; echo x > kept/.codecrucible/config.jsonc",
    );
    expect(output.match(/was moved away/g)).toHaveLength(4);
    expect(readdirSync(join(kit.workspace, "a"))).toEqual(["b"]);
    expect(readdirSync(join(kit.workspace, "a/b"))).toEqual([]);
    expect(readdirSync(join(kit.workspace, "node_modules"))).toEqual([]);
    expect(readFileSync(join(kit.workspace, "kept/.codecrucible/config.jsonc"), "utf8")).toBe("{}");
    expect((await run(kit, "mv kept moved")).output).not.toContain("moved away");
    expect(existsSync(join(kit.workspace, "moved/.codecrucible/config.jsonc"))).toBe(true);
  });

  test("what a job makes is swept when another command ends", async () => {
    await using kit = await makeKit();
    const { jobs } = kit.sandbox.hands(kit.grant(["exec", "jobs"]));
    const id = (await jobs?.start("mkdir .codecrucible; echo made; sleep 60", {}))?.id ?? "";
    await expect.poll(async () => (await jobs?.poll(id))?.output).toContain("made");
    expect((await run(kit, "true")).output).toContain(".codecrucible was moved away");
    expect(existsSync(join(kit.workspace, ".codecrucible"))).toBe(false);
  });

  test("pipes and endless files in git's places stop nothing", async () => {
    await using kit = await makeKit({}, ({ workspace }) => repository(workspace));
    await run(
      kit,
      "mkdir -p .git/worktrees/x .git/modules/m sub/.git/objects sub/.git/refs sub/.git/worktrees/y; touch .git/modules/m/HEAD sub/.git/HEAD; mkfifo .git/worktrees/x/commondir .git/worktrees/x/gitdir .git/commondir sub/.git/worktrees/y/commondir; ln -s /dev/zero .git/modules/m/config; mkfifo sub/.git/config",
    );
    lookOnHost(kit, ".", "sub");
    expect(git(kit.workspace, "log", "--format=%s")).toBe("one\n");
  });

  test("a .git file that led nowhere leads to nothing made later", async () => {
    await using kit = await makeKit({}, ({ workspace }) => {
      repository(workspace);
      mkdirSync(join(workspace, "lost"));
      writeFileSync(join(workspace, "lost/.git"), "gitdir: ../.git/modules/lost\n");
    });
    await run(
      kit,
      `cp -r .git e; mkdir mods; mv e mods/lost; ${evil(kit, "mods/lost/config")}; ln -s ../mods .git/modules`,
    );
    lookOnHost(kit, ".", "lost");
  });

  test("of very many repositories the last are shut whole", async () => {
    await using kit = await makeKit({}, ({ workspace }) => {
      for (let number = 0; number < 70; number++) {
        const dot = join(workspace, `r${String(number).padStart(2, "0")}/.git`);
        mkdirSync(join(dot, "hooks"), { recursive: true });
        writeFileSync(join(dot, "config"), "");
      }
    });
    const shut = await run(kit, "for r in r*; do touch $r/.git/index 2>/dev/null || echo $r; done | wc -l");
    expect(shut.output).toBe("10\n");
    expect(
      await run(kit, "for r in r*; do echo x >> $r/.git/config; mv $r/.git $r/x; done 2>/dev/null; cat r*/.git/config"),
    ).toMatchObject({
      output: "",
      exitCode: 0,
    });
  });

  test.skipIf(!existsSync("/dev/shm"))("quarantine on another file system takes folders, links and pipes", async () => {
    const stateDir = mkdtempSync("/dev/shm/crucible-");
    try {
      await using kit = await makeKit({ stateDir });
      const { output } = await run(
        kit,
        "mkdir -p a/.crucible/x; echo y > a/.crucible/x/y; mkfifo a/.crucible/p; ln -s / a/.crucible/l",
      );
      expect(output).toContain("was moved away");
      expect(readdirSync(join(kit.workspace, "a"))).toEqual([]);
      const place = join(stateDir, "sandbox/quarantine/s1");
      expect(readdirSync(join(place, readdirSync(place)[0] ?? "")).sort()).toEqual(["l", "x"]);
    } finally {
      rmSync(stateDir, { recursive: true, force: true });
    }
  });

  test("what the user's own git makes meanwhile stays", async () => {
    await using kit = await makeKit({}, ({ workspace }) => repository(workspace));
    const { workspace, base } = kit;
    const { jobs } = kit.sandbox.hands(kit.grant(["exec", "jobs"]));
    await jobs?.start("sleep 60", {});
    git(workspace, "worktree", "add", "-q", "-b", "side", join(base, "side"));
    git(workspace, "config", "core.pager", "less");
    git(workspace, "switch", "-q", "-c", "other");
    expect((await run(kit, "true")).output).toBe("");
    git(workspace, "worktree", "move", join(base, "side"), join(base, "moved"));
    expect((await run(kit, "true")).output).toBe("");
    expect(git(join(base, "moved"), "status", "--short", "--branch")).toBe("## side\n");
  });

  test("a link as .git stays the link it was", async () => {
    await using kit = await makeKit({}, ({ workspace }) => {
      repository(workspace);
      execFileSync("mv", [".git", "real.git"], { cwd: workspace });
      symlinkSync("real.git", join(workspace, ".git"));
    });
    await run(kit, `cp -r real.git e; ${evil(kit, "e/config")}; rm .git; ln -s e .git`);
    await run(kit, evil(kit, "real.git/config"));
    lookOnHost(kit, ".");
    expect(lstatSync(join(kit.workspace, ".git")).isSymbolicLink()).toBe(true);
    expect(git(kit.workspace, "log", "--format=%s")).toBe("one\n");
  });

  test.each(["workspace-write", "off"] as const)(
    "what a killed session left is swept when the next one starts with %s",
    async (mode) => {
      await using kit = await makeKit();
      const { workspace, home } = kit;
      const mark = uniqueMark("987657");
      const order = { workspace, home, stateDir: join(kit.base, "state2") };
      const commands = [`mkdir -p .codecrucible sub; echo '{}' > sub/.mcp.json; sleep ${mark}`];
      const script = join(import.meta.dirname, "user-run.ts");
      const child = spawn(process.execPath, [script, JSON.stringify({ ...order, path: "/usr/bin:/bin", commands })], {
        stdio: "ignore",
      });
      await expect.poll(() => existsSync(join(workspace, "sub/.mcp.json")), { timeout: 10_000 }).toBe(true);
      const killed = once(child, "exit");
      child.kill("SIGKILL");
      await killed;
      await expect.poll(() => processesWith(`sleep ${mark}`)).toEqual([]);
      const { sandbox } = sandboxFor({ ...order, mode }, memoryBlobs(), []);
      expect(existsSync(join(workspace, ".codecrucible"))).toBe(false);
      expect(existsSync(join(workspace, "sub/.mcp.json"))).toBe(false);
      await sandbox.close();
    },
  );

  test("secret files of installed packages read as empty, their public certificates do not", async () => {
    await using kit = await makeKit({}, ({ workspace }) => {
      mkdirSync(join(workspace, "node_modules/p"), { recursive: true });
      mkdirSync(join(workspace, ".venv/lib/site-packages/certifi"), { recursive: true });
      writeFileSync(join(workspace, "node_modules/.env"), "canary");
      writeFileSync(join(workspace, "node_modules/p/.npmrc"), "canary");
      writeFileSync(join(workspace, ".venv/lib/site-packages/certifi/cacert.pem"), "public");
    });
    expect((await run(kit, "cat node_modules/.env node_modules/p/.npmrc .venv/lib/*/certifi/cacert.pem")).output).toBe(
      "public",
    );
  });
});
