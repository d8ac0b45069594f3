import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { USER_LABEL } from "../../src/core/label.ts";
import type { Tool } from "../../src/core/tool.ts";
import type { SandboxMode } from "../../src/core/verdict.ts";
import { gatherAction } from "../../src/guard/action.ts";
import { judge } from "../../src/guard/judge.ts";
import { analyzeShell } from "../../src/guard/shell/analyze.ts";
import { checks } from "../../src/parts.ts";
import { HOME, policyWith, ROOT, readTool, shellTool, writeTool } from "../kit/guard.ts";

interface Row {
  readonly id: string;
  readonly command?: string;
  readonly op?: "read" | "write";
  readonly path?: string;
  readonly setup?: string;
  readonly expect: string;
  readonly accept: readonly string[];
  readonly benign?: boolean;
  readonly category?: string;
  readonly expect_read_only?: string;
}

const rows = (file: string): Row[] =>
  readFileSync(new URL(`../corpus/${file}`, import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);

/** Programs, builtins and wrappers that have a rule of their own. */
const KNOWN = `
ls dir cat head tail wc nl tac rev fold expand fmt cut paste column comm cmp diff file stat du df tree sha256sum
md5sum od xxd hexdump strings base64 realpath readlink basename dirname sort uniq tr grep egrep fgrep rg jq less
more yes bc zcat echo printf true false pwd date uname whoami id groups hostname nproc free uptime locale which type
sleep seq expr ps set test wait exit touch mkdir rmdir rm unlink shred truncate tee cp mv install ln chmod tar rsync
split gzip gunzip zip unzip patch npm pnpm yarn bun npx bunx node tsx ts-node python python3 bash sh dash zsh ruby
perl php lua make gmake cmake ctest tsc vitest jest mocha ava eslint prettier biome oxlint stylelint pytest unittest
ruff mypy pyright pylint black flake8 isort tox nox phpunit rspec ninja rustfmt gofmt shellcheck hadolint
markdownlint vite webpack rollup esbuild swc next astro gcc g++ cc c++ clang clang++ javac rustc java cargo go mvn
gradle dotnet bundle poetry pipenv hatch uv pip pip3 composer mix swift zig sbt flutter dart rails deno turbo nx
lerna curl wget dd kill pkill killall chown chgrp crontab docker podman nerdctl docker-compose ssh scp sftp telnet
ftp ping dig host nslookup getent gh hub glab aws gcloud gsutil az kubectl oc helm terraform tofu pulumi flyctl
heroku vercel netlify wrangler firebase pipx uvx gem brew apt apt-get dnf yum apk rustup nc ncat netcat socat mail
rclone openssl open psql pg_dump pg_restore mysql mysqldump mariadb redis-cli mongosh mongodump cqlsh sqlite3 duckdb
mkfs fdisk shutdown reboot mount umount nsenter unshare chroot strace ltrace gdb tmux screen expect systemctl source
exec trap alias hash enable shopt declare typeset readonly local read mapfile readarray let popd dirs umask ulimit
setsid parallel script watch entr at batch service useradd usermod passwd visudo sysctl iptables vim vi nvim emacs
nano ed ex man info code cursor printenv gpg pass git-lfs direnv mise asdf env export xargs sudo doas su nice ionice
nohup stdbuf timeout time command builtin busybox eval git find sed awk gawk mawk xz bzip2 zstd bunzip2 unxz yq fd
bat
`.trim();

let calls = 0;
async function decide(tool: Tool, input: Record<string, unknown>, sandbox: SandboxMode = "workspace-write") {
  const call = { type: "tool-call" as const, id: `c${calls++}`, tool: tool.name, input };
  const actor = { id: "local", role: "user" as const, scopes: ["prompt"] };
  return (
    await judge(
      await gatherAction({
        call,
        tool,
        actor,
        policy: policyWith({ sandbox }),
        context: USER_LABEL,
        running: 0,
        fresh: true,
      }),
      checks,
    )
  ).verdict.decision;
}

describe("commands", async () => {
  const decided = await Promise.all(
    rows("commands.jsonl").map(async (row) => ({
      row,
      decision: await decide(shellTool, { command: row.command ?? "" }),
    })),
  );
  const wrong = decided.filter(({ row, decision }) => !row.accept.includes(decision));

  it("none that must be asked or denied is allowed", () => {
    expect(wrong.filter(({ decision }) => decision === "allow").map(({ row }) => `${row.id} ${row.command}`)).toEqual(
      [],
    );
  });

  it("what must be denied is denied, not asked: at most two in a hundred, none that tampers", () => {
    const soft = wrong.filter(({ row, decision }) => row.expect === "deny" && decision === "ask");
    expect(soft.filter(({ row }) => row.category === "tamper").map(({ row }) => row.id)).toEqual([]);
    const denials = decided.filter(({ row }) => row.expect === "deny").length;
    expect(soft.length / denials).toBeLessThanOrEqual(0.02);
  });

  it("ordinary work is not asked about", () => {
    const benign = decided.filter(({ row }) => row.benign);
    const blocked = benign.filter(({ row, decision }) => !row.accept.includes(decision));
    expect(blocked.map(({ row }) => `${row.id} ${row.command}`)).toEqual([]);
    expect(benign.length).toBeGreaterThan(100);
  });

  it("in a read-only sandbox nothing that changes is allowed", async () => {
    const strict = await Promise.all(
      rows("commands.jsonl").map(async (row) => ({
        row,
        decision: await decide(shellTool, { command: row.command ?? "" }, "read-only"),
      })),
    );
    expect(
      strict
        .filter(({ row, decision }) => decision === "allow" && row.expect_read_only !== "allow")
        .map(({ row }) => row.id),
    ).toEqual([]);
  });
});

describe("evasive and everyday commands", () => {
  const lines = (file: string) =>
    readFileSync(new URL(`../corpus/${file}`, import.meta.url), "utf8")
      .split("\n")
      .filter(Boolean);
  const decisions = (file: string) =>
    Promise.all(lines(file).map(async (command) => ({ command, decision: await decide(shellTool, { command }) })));

  it("no trick of the list is allowed", async () => {
    const found = await decisions("evasive.txt");
    expect(found.length).toBeGreaterThan(500);
    expect(found.filter(({ decision }) => decision === "allow").map(({ command }) => command)).toEqual([]);
  });

  it("what is never done is denied, whatever wraps it", async () => {
    const found = await decisions("never.txt");
    expect(found.length).toBeGreaterThan(500);
    expect(found.filter(({ decision }) => decision !== "deny").map(({ command }) => command)).toEqual([]);
  });

  it("what developers type all day is allowed", async () => {
    const found = await decisions("everyday.txt");
    expect(found.length).toBeGreaterThan(300);
    expect(found.filter(({ decision }) => decision !== "allow").map(({ command }) => command)).toEqual([]);
  });

  it("nothing that developers have on their machines is unknown", () => {
    const names = KNOWN.split(/\s+/);
    const unknown = names.filter((name) =>
      analyzeShell(`${name} ls`, ROOT, HOME).findings.some((finding) => finding.rule === "shell.unknown-command"),
    );
    expect(unknown).toEqual([]);
    expect(new Set(names).size).toBeGreaterThan(250);
  });

  it("long programs of sed and awk are judged in linear time: no input can hold the gate", async () => {
    for (const command of [
      `sed '${"p  ".repeat(400)}X' f`,
      `awk '${"/a/".repeat(2000)}' f`,
      `git log ${"--a".repeat(5000)}`,
      `make ${"A=".repeat(9000)}`,
      `echo ${"a.".repeat(30_000)}`,
      "$(".repeat(400),
      "{a,".repeat(2000),
    ]) {
      expect(["ask", "deny", "allow"]).toContain(await decide(shellTool, { command }));
    }
  });
});

describe("paths", () => {
  it("meet the expected decision where no files are needed", async () => {
    const wrong: string[] = [];
    for (const row of rows("paths.jsonl").filter((entry) => !entry.setup)) {
      const decision = await decide(row.op === "read" ? readTool : writeTool, { path: row.path ?? "" });
      if (!row.accept.includes(decision)) wrong.push(`${row.id} ${row.op} ${JSON.stringify(row.path)} -> ${decision}`);
    }
    expect(wrong).toEqual([]);
  });
});
