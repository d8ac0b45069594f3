import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import type { Grant, Lease } from "../../src/core/grant.ts";
import type { CommandResult } from "../../src/core/ports/hands.ts";
import { type Kit, makeKit, memoryBlobs, sandboxFor } from "./kit.ts";
import { git, lacking, processesWith, uniqueMark } from "./machine.ts";

const reason = lacking();
const signal = new AbortController().signal;

async function run(
  kit: Kit,
  command: string,
  extra: Partial<Grant> = {},
  options: { cwd?: string; timeoutMs?: number } = {},
): Promise<CommandResult> {
  const { exec } = kit.sandbox.hands(kit.grant(["exec"], extra));
  if (!exec) throw new Error("no exec hands");
  return exec.run(command, { timeoutMs: 20_000, ...options }, signal);
}

const output = async (kit: Kit, command: string, extra: Partial<Grant> = {}) =>
  (await run(kit, command, extra)).output.trim();

describe.skipIf(reason !== undefined)(`commands in bubblewrap${reason ? ` (skipped: ${reason})` : ""}`, () => {
  test("the probe passes and is remembered for the next session", async () => {
    await using kit = await makeKit();
    const status = await kit.sandbox.status();
    expect(status).toMatchObject({ backend: "bubblewrap", identity: expect.stringMatching(/uid/) as string });
    expect(readdirSync(join(kit.base, "state/sandbox/probe")).some((name) => name.endsWith(".json"))).toBe(true);
    expect(existsSync(join(kit.base, "state/sandbox/probe/written"))).toBe(false);
  });

  test("exit code, both streams in order, folder, large input and deltas", async () => {
    await using kit = await makeKit({}, ({ workspace }) => mkdirSync(join(workspace, "sub")));
    expect(await run(kit, "echo a; echo b >&2; echo c; exit 3")).toMatchObject({
      exitCode: 3,
      output: "a\nb\nc\n",
      truncated: false,
      timedOut: false,
    });
    expect(await run(kit, "pwd; cat", {}, { cwd: "sub" })).toMatchObject({
      exitCode: 0,
      output: `${join(kit.workspace, "sub")}\n`,
    });
    expect(await output(kit, `: ${"x".repeat(100_000)}\necho "$#" '$1' "\${limits-}\${folder-}\${command-}"`)).toBe(
      "0 $1",
    );
    expect(await run(kit, "kill -9 $$")).toMatchObject({ exitCode: 137 });
    expect(await run(kit, "if then")).toMatchObject({ exitCode: 2 });
    await expect(run(kit, "x".repeat(130_000))).rejects.toMatchObject({ fault: { code: "bad-input" } });
    await expect(run(kit, "true", {}, { cwd: "/etc" })).rejects.toMatchObject({ fault: { code: "outside-workspace" } });
    const deltas = kit.events.filter((event) => event.kind === "tool-delta").map((event) => event.text);
    expect(deltas.join("")).toContain("a\nb\nc\n");
  });

  test("nothing outside can be read, written or reached", async () => {
    const server = createServer((socket) => socket.end("inside"));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await using kit = await makeKit(
      { env: { PATH: "/usr/bin:/bin", LAUNCHER_SECRET: "hunter2" } },
      ({ base, workspace, home }) => {
        writeFileSync(join(base, "canary"), "canary");
        mkdirSync(join(home, ".ssh"));
        writeFileSync(join(home, ".ssh/id_rsa"), "canary");
        mkdirSync(join(workspace, "conf"));
        for (const name of [".env", "conf/.env.local", "server.key"]) writeFileSync(join(workspace, name), "canary");
        writeFileSync(join(workspace, ".env.example"), "example");
      },
    );
    try {
      const { base, home } = kit;
      const attempts = [
        `cat ${base}/canary ${home}/.ssh/id_rsa`,
        "cat .env conf/.env.local server.key; tail -c 9 conf/.env.local",
        "cat /etc/shadow",
        `cat < /dev/tcp/127.0.0.1/${port}`,
        "env; tr '\\0' '\\n' < /proc/1/environ; cat /proc/*/environ | tr '\\0' '\\n'",
        `echo canary > ${base}/made; echo canary > /usr/made; echo canary > /made; echo canary > /etc/made; ls ${base} / /etc`,
        "unshare -Ur cat /etc/shadow; mount -t tmpfs none /mnt",
        "umount .env && cat .env; rm -f .env && cat .env; mv .env other && cat other; ln .env hard && cat hard",
      ];
      for (const attempt of attempts)
        expect(await output(kit, attempt), attempt).not.toMatch(
          /canary$|^canary|inside|hunter2|root:.*:\d+:0:|\bmade\b$/m,
        );
      expect(await output(kit, "cat .env.example")).toBe("example");
      expect(existsSync(join(base, "made"))).toBe(false);
      expect(readFileSync(join(kit.workspace, ".env"), "utf8")).toBe("canary");
      expect(await output(kit, "id -u")).not.toBe("0");
      expect(await output(kit, "(exec 3<>/proc/sys/kernel/hostname) 2>/dev/null && echo open || echo shut")).toBe(
        "shut",
      );
    } finally {
      server.close();
    }
  });

  test("an approval opens exactly what it showed, for that command only", async () => {
    await using kit = await makeKit({}, ({ base, workspace }) => {
      writeFileSync(join(base, "canary"), "outside");
      for (const name of [".env", "b.key"]) writeFileSync(join(workspace, name), name);
    });
    const reveals = [join(kit.base, "canary"), join(kit.workspace, ".env")];
    expect(await output(kit, `cat .env b.key ${kit.base}/canary`, { reveals })).toBe(".envoutside");
    expect(await output(kit, `cat .env b.key ${kit.base}/canary 2>/dev/null; true`)).toBe("");
  });

  test("a read-only grant cannot write the workspace, but /tmp", async () => {
    await using kit = await makeKit();
    expect((await run(kit, "touch x", { readOnly: true })).exitCode).toBe(1);
    expect((await run(kit, "touch /tmp/x", { readOnly: true })).exitCode).toBe(0);
    expect(existsSync(join(kit.workspace, "x"))).toBe(false);
    expect((await run(kit, "touch x")).exitCode).toBe(0);
  });

  test("/tmp and HOME outlive a command, and file tools see the same /tmp", async () => {
    await using kit = await makeKit();
    await run(kit, "echo one > /tmp/a; echo two > ~/b; chmod 600 /tmp/a");
    expect(await output(kit, "cat /tmp/a ~/b")).toBe("one\ntwo");
    const hands = kit.sandbox.hands(kit.grant(["read", "write"]));
    expect(Buffer.from((await hands.files?.read("/tmp/a"))?.bytes ?? []).toString()).toBe("one\n");
    await hands.fileWrites?.write("/tmp/c", Buffer.from("three"), null);
    expect(await output(kit, "cat /tmp/c && echo four >> /tmp/c && cat /tmp/c")).toBe("threethreefour");
  });

  test("below /tmp the workspace stands at its place in the private /tmp, for tools and commands alike", async () => {
    const workspace = realpathSync(mkdtempSync("/tmp/crucible-ws-"));
    try {
      mkdirSync(join(workspace, "deep"));
      writeFileSync(join(workspace, "deep/a"), "in");
      await using kit = await makeKit({ workspace: join(workspace, "deep") });
      const list = (path: string) => kit.sandbox.hands(kit.grant(["read"])).files?.list(path);
      expect(await list("/tmp")).toEqual([`${basename(workspace)}/`]);
      expect(await list(workspace)).toEqual(["deep/"]);
      expect(await list(join(workspace, "deep"))).toEqual(["a"]);
      expect(await output(kit, `ls /tmp; cat ${workspace}/deep/a; echo x > /tmp/new; echo y > b`)).toBe(
        `${basename(workspace)}\nin`,
      );
      expect(await list("/tmp")).toEqual([`${basename(workspace)}/`, "new"]);
      expect(await list(join(workspace, "deep"))).toEqual(["a", "b"]);
    } finally {
      rmSync(workspace, { recursive: true, force: true });
    }
  });

  test("git's control places and ours stay as they are", async () => {
    await using kit = await makeKit({}, ({ workspace }) => {
      git(workspace, "init", "-q");
      mkdirSync(join(workspace, ".codecrucible"));
      writeFileSync(join(workspace, ".codecrucible/config.jsonc"), "{}");
    });
    const config = readFileSync(join(kit.workspace, ".git/config"), "utf8");
    const attempts = [
      "git config core.fsmonitor ./evil",
      "echo x >> .git/config",
      "rm -rf .git/hooks",
      "echo x > .git/hooks/pre-commit",
      "echo x > .git/info/attributes",
      "mv .git .old",
      "rm .git/config",
      "mv .git/hooks .git/h2",
      "echo x > .codecrucible/config.jsonc",
      "mv .codecrucible x",
    ];
    for (const attempt of attempts) expect((await run(kit, attempt)).exitCode, attempt).not.toBe(0);
    expect(readFileSync(join(kit.workspace, ".git/config"), "utf8")).toBe(config);
    expect(readFileSync(join(kit.workspace, ".codecrucible/config.jsonc"), "utf8")).toBe("{}");
    const made = await run(kit, "mkdir .CRUCIBLE && echo x > .CRUCIBLE/y; echo '{}' > .mcp.json");
    expect(made.output).toMatch(/\.CRUCIBLE was moved away[\s\S]*\.mcp\.json was moved away/);
    expect(readdirSync(kit.workspace).sort()).toEqual([".codecrucible", ".git"]);
    expect(
      (
        await run(
          kit,
          "echo a > f && git add f && git -c user.name=a -c user.email=b commit -qm one && git log --oneline | wc -l && git diff HEAD",
        )
      ).output.trim(),
    ).toBe("1");
  });

  test("a fresh repository may stay, one with a planted program may not", async () => {
    await using kit = await makeKit();
    expect((await run(kit, "git init -q")).output).not.toContain("moved away");
    expect(existsSync(join(kit.workspace, ".git/HEAD"))).toBe(true);
    await using other = await makeKit();
    expect((await run(other, "git init -q && git config core.fsmonitor ./evil")).output).toContain(
      ".git was moved away",
    );
    expect(existsSync(join(other.workspace, ".git"))).toBe(false);
  });

  test("a spare never outlives its masks: files replaced on the host are masked anew", async () => {
    await using kit = await makeKit({}, ({ workspace }) => {
      git(workspace, "init", "-q");
      writeFileSync(join(workspace, ".env"), "old-secret");
    });
    const { workspace } = kit;
    await run(kit, "true");
    await expect.poll(() => processesWith(join(kit.base, "state")).length).toBeGreaterThan(0);
    writeFileSync(join(workspace, "new"), "new-secret");
    renameSync(join(workspace, "new"), join(workspace, ".env"));
    mkdirSync(join(workspace, "deep"));
    writeFileSync(join(workspace, "deep/key.pem"), "new-secret");
    expect(await output(kit, "cat .env deep/key.pem")).toBe("");
    await run(kit, "true");
    git(workspace, "config", "x.y", "z");
    expect((await run(kit, "echo x >> .git/config")).exitCode).not.toBe(0);
  });

  test("daemons and writes to other memory change nothing for the next command", async () => {
    await using kit = await makeKit();
    const mark = uniqueMark("987651");
    // A write to the memory of a process that just became another one returns 0, and bash tries again for ever.
    const attack = `for i in 1 2 3; do setsid sleep ${mark} >/dev/null 2>&1 </dev/null & done; disown -a
      (trap '' TERM HUP; exec sleep ${mark}) & timeout -s KILL 1 bash -c 'for mem in /proc/[0-9]*/mem; do printf forged > $mem; done 2>/dev/null; printf x > /proc/1/mem'; sleep 0.1; echo done`;
    for (let round = 0; round < 3; round++) {
      expect((await run(kit, attack)).output).toContain("done");
      expect(processesWith(`sleep ${mark}`)).toEqual([]);
      expect(await run(kit, "echo clean; ps -e 2>/dev/null | grep -c sleep")).toMatchObject({ output: "clean\n0\n" });
    }
  });

  test("a timeout, an abort and the end of a lease leave no process", async () => {
    await using kit = await makeKit();
    const mark = uniqueMark("987652");
    const endless = `trap '' TERM INT HUP; setsid sleep ${mark} & echo begun; sleep ${mark}`;
    expect(await run(kit, endless, {}, { timeoutMs: 400 })).toMatchObject({
      timedOut: true,
      exitCode: null,
      signal: "SIGKILL",
      output: "begun\n",
    });
    expect(processesWith(`sleep ${mark}`)).toEqual([]);
    const limits = { wallMs: 400, outputBytes: 0, memoryBytes: 0, processes: 0, fileBytes: 0 };
    expect(await run(kit, endless, { limits })).toMatchObject({ timedOut: true });
    for (const delayMs of [0, 5, 300]) {
      const controller = new AbortController();
      const running = kit.sandbox
        .hands(kit.grant(["exec"]))
        .exec?.run(endless, { timeoutMs: 20_000 }, controller.signal);
      setTimeout(() => controller.abort(new Error("stop")), delayMs);
      await expect(running).rejects.toThrow("stop");
      await expect.poll(() => processesWith(`sleep ${mark}`)).toEqual([]);
    }
  });

  test("long output is cut in the middle and spilled whole", async () => {
    await using kit = await makeKit();
    const limits = { wallMs: 0, outputBytes: 1000, memoryBytes: 0, processes: 0, fileBytes: 0 };
    const result = await run(kit, "for i in $(seq 1 20000); do echo line $i é; done", { limits });
    expect(result.truncated).toBe(true);
    expect(result.output).toMatch(/^line 1 é\n[\s\S]*bytes left out[\s\S]*line 20000 é\n$/);
    expect(Buffer.byteLength(result.output)).toBeLessThan(1100);
    expect(result.output).not.toContain("\ufffd");
    const whole = await kit.sandbox.hands(kit.grant(["read"])).files?.read(result.spill ?? "");
    expect(
      Buffer.from(whole?.bytes ?? [])
        .toString()
        .split("\n"),
    ).toHaveLength(20_001);
    expect(await output(kit, `wc -l < ${result.spill}`)).toBe("20000");
  });

  test("limits hold: file size, memory, processes", async () => {
    await using kit = await makeKit();
    const none = { wallMs: 20_000, outputBytes: 30_000, memoryBytes: 0, processes: 0, fileBytes: 0 };
    expect(
      (await run(kit, "head -c 5000000 /dev/zero > big", { limits: { ...none, fileBytes: 1_048_576 } })).exitCode,
    ).not.toBe(0);
    expect((await run(kit, "stat -c %s big")).output.trim()).toBe("1048576");
    expect(
      (
        await run(kit, "head -c 400000000 /dev/zero | tail -c 300000000 | wc -c", {
          limits: { ...none, memoryBytes: 200 * 1024 * 1024 },
        })
      ).output,
    ).not.toContain("300000000");
    expect(
      (await run(kit, "for i in $(seq 1 60); do sleep 2 & done; wait", { limits: { ...none, processes: 20 } })).output,
    ).toMatch(/Resource temporarily unavailable|fork/);
    expect(await output(kit, "ulimit -c; ulimit -v")).toBe("0\nunlimited");
  });

  test("a fork bomb ends with its command, and a file stops at the limit of a session's calls", async () => {
    await using kit = await makeKit();
    const limits = { wallMs: 2000, outputBytes: 30_000, memoryBytes: 0, processes: 64, fileBytes: 2 * 2 ** 30 };
    const mark = uniqueMark("987659");
    const bomb = await run(kit, `bomb() { bomb | bomb & sleep ${mark}; }; bomb; bomb`, { limits });
    expect(bomb.timedOut || bomb.exitCode !== 0).toBe(true);
    await expect.poll(() => processesWith(`sleep ${mark}`)).toEqual([]);
    // A sparse file: the limit counts the size, not the blocks.
    const big = await run(kit, "truncate -s 3G big; stat -c %s big; truncate -s 1G small && stat -c %s small", {
      limits,
    });
    expect(big.output).toMatch(/(?:File too large|size limit)[\s\S]*1073741824\n$/);
    expect(big.output).not.toContain("3221225472");
    expect(await output(kit, "ulimit -n")).toMatch(/^\d{1,5}$/);
  });

  test("jobs run beside commands, are polled and killed, and end with lease and session", async () => {
    await using kit = await makeKit();
    const mark = uniqueMark("987653");
    const jobs = () => kit.sandbox.hands(kit.grant(["exec", "jobs"])).jobs;
    const job = await jobs()?.start(`echo up; while read -r line; do echo "got $line"; done; sleep ${mark}`, {});
    const id = job?.id ?? "";
    await expect.poll(async () => (await jobs()?.poll(id))?.output ?? "").toContain("up");
    expect(await jobs()?.poll(id)).toMatchObject({ running: true, output: "", exitCode: null });
    expect(await output(kit, "echo beside")).toBe("beside");
    expect(await jobs()?.kill(id)).toMatchObject({ running: false });
    expect(processesWith(`sleep ${mark}`)).toEqual([]);
    await expect(jobs()?.poll("job_none")).rejects.toMatchObject({ fault: { code: "bad-input" } });
    const quick = (await jobs()?.start("exit 7", {}))?.id ?? "";
    await expect.poll(async () => (await jobs()?.poll(quick))?.exitCode).toBe(7);
    const controller = new AbortController();
    const lease: Lease = Object.assign(kit.grant(["exec", "jobs"]), { signal: controller.signal });
    await kit.sandbox.hands(lease).jobs?.start(`sleep ${mark}`, {});
    await expect.poll(() => processesWith(`sleep ${mark}`).length).toBeGreaterThan(0);
    controller.abort();
    await expect.poll(() => processesWith(`sleep ${mark}`)).toEqual([]);
    await jobs()?.start(`setsid sleep ${mark} & sleep ${mark}`, {});
    await kit.sandbox.close();
    expect(processesWith(`sleep ${mark}`)).toEqual([]);
    const kinds = kit.events.map((event) => event.kind).filter((kind) => kind.startsWith("job-"));
    expect(kinds.filter((kind) => kind === "job-start")).toHaveLength(4);
    expect(kit.events.find((event) => event.kind === "job-end" && event.job === quick)).toMatchObject({ exitCode: 7 });
  });

  test("closing kills the spare; afterwards nothing starts", async () => {
    const kit = await makeKit();
    await run(kit, "true");
    await expect.poll(() => processesWith(join(kit.base, "state")).length).toBeGreaterThan(0);
    await kit[Symbol.asyncDispose]();
    expect(processesWith(join(kit.base, "state"))).toEqual([]);
    await expect(run(kit, "true")).rejects.toMatchObject({ fault: { code: "sandbox-unavailable" } });
  });

  test("the environment is an allow-list plus the user's own additions", async () => {
    const config = { read: [], expose: [], env: { EXTRA: "yes" } };
    await using kit = await makeKit({
      config,
      env: { PATH: "/x/node_modules/.bin:/usr/bin:/bin", AWS_SECRET_ACCESS_KEY: "k", LC_ALL: "C", NO_COLOR: "1" },
    });
    const lines = (await output(kit, "env")).split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        "EXTRA=yes",
        "AI_AGENT=codecrucible",
        "CODECRUCIBLE_SESSION_ID=s1",
        "CODECRUCIBLE_MODEL=ollama/test",
        "LC_ALL=C",
        "NO_COLOR=1",
        "TERM=dumb",
      ]),
    );
    expect(lines.filter((line) => /AWS|^CI=|node_modules/.test(line))).toEqual([]);
    expect(lines.find((line) => line.startsWith("PATH="))).toBe("PATH=/usr/bin:/bin:/usr/local/bin");
  });

  test("what Node hands on to every child by itself stays outside", async () => {
    vi.stubEnv("NODE_V8_COVERAGE", join(tmpdir(), "never-written"));
    try {
      await using kit = await makeKit();
      expect((await output(kit, "env")).split("\n").filter((line) => line.startsWith("NODE"))).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test("user config opens paths outside and secret files", async () => {
    const base = { env: { PATH: "/usr/bin:/bin" } };
    await using outer = await makeKit(base, ({ base: dir }) => writeFileSync(join(dir, "shared.txt"), "shared"));
    await using kit = await makeKit({
      ...base,
      config: { read: [join(outer.base, "shared.txt")], expose: [], env: {} },
    });
    expect(await output(kit, `cat ${outer.base}/shared.txt; echo x >> ${outer.base}/shared.txt`)).toMatch(
      /^shared\n?.*(Read-only|denied)/,
    );
    expect(
      (await kit.sandbox.hands(kit.grant(["read"])).files?.read(join(outer.base, "shared.txt")))?.bytes,
    ).toHaveLength(6);
    await using open = await makeKit({ ...base, config: { read: [], expose: [".env"], env: {} } }, ({ workspace }) =>
      writeFileSync(join(workspace, ".env"), "shown"),
    );
    expect(await output(open, "cat .env")).toBe("shown");
  });
});

test("a workspace that holds the home folder gets no shell, and says why", async () => {
  await using outer = await makeKit();
  await using kit = await makeKit({ workspace: outer.base, home: outer.home });
  if (process.platform !== "linux") return;
  expect(await kit.sandbox.status()).toMatchObject({
    backend: undefined,
    reason: expect.stringContaining("home") as string,
    mend: expect.any(String) as string,
  });
  await expect(run(kit, "true")).rejects.toMatchObject({
    fault: { code: "sandbox-unavailable", hint: expect.any(String) as string },
  });
});

test("-s off runs bash directly with the same ends", async () => {
  await using kit = await makeKit({ mode: "off", env: { PATH: process.env["PATH"] ?? "", SECRET: "s" } });
  expect(await kit.sandbox.status()).toEqual({ backend: "off" });
  // What watches over our end is no job of the command's own shell.
  expect(await output(kit, "sleep 0 & wait; jobs; echo over")).toBe("over");
  expect(await run(kit, `echo "\${SECRET-none}" "$AI_AGENT"; echo $HOME; exit 4`)).toMatchObject({
    exitCode: 4,
    output: `none codecrucible\n${kit.home}\n`,
  });
  const mark = uniqueMark("987654");
  expect(await run(kit, `echo a; sleep ${mark} & sleep ${mark}`, {}, { timeoutMs: 300 })).toMatchObject({
    timedOut: true,
    output: "a\n",
  });
  await expect.poll(() => processesWith(`sleep ${mark}`)).toEqual([]);
  const begun = performance.now();
  expect(await run(kit, "setsid sleep 4 & echo b")).toMatchObject({ exitCode: 0, output: "b\n" });
  expect(performance.now() - begun).toBeLessThan(3000);
});

test.skipIf(reason !== undefined)(
  "when crucible itself is killed, its commands, jobs and spare die with it",
  async () => {
    await using kit = await makeKit();
    const mark = uniqueMark("987655");
    const order = {
      workspace: kit.workspace,
      home: kit.home,
      stateDir: join(kit.base, "state2"),
      path: "/usr/bin:/bin",
    };
    const commands = ["true", `setsid sleep ${mark} & (trap '' TERM HUP; sleep ${mark}) & sleep ${mark}`];
    const script = join(import.meta.dirname, "user-run.ts");
    const child = spawn(process.execPath, [script, JSON.stringify({ ...order, commands })], { stdio: "ignore" });
    await expect.poll(() => processesWith(`sleep ${mark}`).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(3);
    child.kill("SIGKILL");
    await expect.poll(() => [...processesWith(`sleep ${mark}`), ...processesWith(order.stateDir)]).toEqual([]);
  },
);

test.skipIf(reason !== undefined)("closing in the middle of a start leaves no process", async () => {
  for (const delayMs of [0, 2, 5, 8, 11, 14, 17, 20, 25, 30]) {
    const kit = await makeKit();
    const running = run(kit, "sleep 987656").catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await kit[Symbol.asyncDispose]();
    await running;
    expect(processesWith(kit.base), `closed after ${delayMs} ms`).toEqual([]);
  }
});

test.skipIf(reason !== undefined)("what a kill during a start left behind ends with the next session", async () => {
  await using kit = await makeKit();
  const { workspace, home } = kit;
  const order = { workspace, home, stateDir: join(kit.base, "state2") };
  const tmp = join(order.stateDir, "sandbox/tmp/s0");
  mkdirSync(tmp, { recursive: true });
  // Blocked where a start is killed: its child waits for a word that never comes.
  const args = [
    "--unshare-user",
    "--unshare-pid",
    "--userns-block-fd",
    "3",
    "--info-fd",
    "4",
    "--ro-bind",
    "/",
    "/",
    "--bind",
    tmp,
    "/tmp",
    "--",
    "/bin/true",
  ];
  const starting = spawn("/usr/bin/bwrap", args, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  await once(starting.stdio[4] as Readable, "data");
  starting.kill("SIGKILL");
  await once(starting, "exit");
  expect(processesWith(tmp)).toHaveLength(1);
  const { sandbox, grant } = sandboxFor(order, memoryBlobs(), []);
  sandbox.hands(grant(["read"]));
  await expect.poll(() => processesWith(tmp)).toEqual([]);
  await sandbox.close();
});
