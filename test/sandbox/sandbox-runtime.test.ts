/** Sandbox-runtime as a backend, as a normal user: what it keeps, what it lets, and that nothing outlives a command. */
import { spawn, spawnSync } from "node:child_process";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import sandboxRuntime from "../../src/sandbox/backends/sandbox-runtime.ts";
import { runtimeInitCommand } from "../../src/sandbox/container-init.ts";
import type { SandboxContext } from "../../src/sandbox/options.ts";
import { pathView } from "../../src/sandbox/paths.ts";
import { PROBES } from "../../src/sandbox/probes.ts";
import { runtimeSettings } from "../../src/sandbox/runtime-settings.ts";
import { treeScanner } from "../../src/sandbox/tree-scan.ts";
import { tempFolder } from "../kit/temp.ts";
import { BASE, makeKit } from "./kit.ts";
import { git, lacking, processesWith, ROOT, uniqueMark } from "./machine.ts";
import { USER, userScene } from "./user-scene.ts";

const reason = lacking() ?? (existsSync("/usr/bin/socat") ? undefined : "socat is not installed");
const uid = ROOT ? USER : (process.getuid?.() ?? 0);
const NAME = "@anthropic-ai/sandbox-runtime";
const modules = resolve(import.meta.dirname, "../../node_modules");
const words = (name: string) => `${name}${reason ? ` (skipped: ${reason})` : ""}`;

/** The package as `npm install -g` leaves it, in a folder that any user may read. */
function install(base: string): string {
  const parts = [NAME, "@pondwader/socks5-server", "node-forge"];
  for (const part of parts) cpSync(join(modules, part), join(base, "lib/node_modules", part), { recursive: true });
  mkdirSync(join(base, "bin"));
  symlinkSync(`../lib/node_modules/${NAME}/dist/cli.js`, join(base, "bin/srt"));
  return join(base, "bin");
}

describe.skipIf(reason !== undefined)(words("commands under sandbox-runtime"), () => {
  let base = "";
  let path = "";
  beforeAll(() => {
    base = realpathSync(mkdtempSync(join(BASE, "crucible-srt-")));
    path = `${install(base)}:/usr/bin:/bin`;
    if (ROOT) chownSync(base, uid, uid);
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));
  /** A file in the one folder that it always shows and lets be written, and the way to take it away. */
  const shareCanary = (): Disposable => {
    const folder = "/tmp/claude";
    const made = mkdirSync(folder, { recursive: true }) !== undefined;
    const file = join(folder, `crucible-${process.pid}`);
    writeFileSync(file, "canary\n");
    return { [Symbol.dispose]: () => rmSync(made ? folder : file, { recursive: true }) };
  };
  const who = () => ({ uid, path, backend: "sandbox-runtime" });

  test("no way out is open", () => {
    using stage = userScene(uid, ({ workspace }) => void git(workspace, "init", "-q"));
    const { status, report } = stage.play([], { ...who(), thorough: true });
    expect(status).toMatchObject({ backend: "sandbox-runtime", identity: `your own uid ${uid}` });
    expect(report?.probes.map(({ name, verdict, detail }) => [name, verdict, detail])).toEqual(
      PROBES.map(({ name }) => [name, "held", undefined]),
    );
  });

  test("ordinary work; secrets, control places and all else shut; its own variables are not seen", () => {
    using _shared = shareCanary();
    using stage = userScene(uid, ({ workspace, home }) => {
      git(workspace, "init", "-q");
      mkdirSync(join(workspace, "src [x]*"));
      mkdirSync(join(workspace, ".codecrucible"));
      for (const file of [".env", "src [x]*/key.pem"]) writeFileSync(join(workspace, file), "canary");
      writeFileSync(join(workspace, ".codecrucible/config.jsonc"), "{}");
      writeFileSync(join(home, "private"), "canary");
    });
    const { results } = stage.play(
      [
        "echo new > 'src [x]*/b'; mkdir d; mv 'src [x]*/b' d/c; cat d/c; git add d; git -c user.name=t -c user.email=t@e commit -qm one; git log --format=%s",
        `cat .env 'src [x]*/key.pem' ${stage.home}/private; ls ${stage.home} ${base}; true`,
        "for f in .git/config .codecrucible/config.jsonc .git/hooks/x /etc/x /tmp/x /tmp/claude/x; do (echo x > $f) 2>/dev/null && echo wrote $f; done; ls /etc | head -3",
        "echo t > $TMPDIR/t; cat $TMPDIR/t; echo h > ~/h; cat ~/h; echo x > /dev/null && echo null",
        "env | cut -d= -f1 | sort | tr '\\n' ' '; echo; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -ciE 'proxy|claude|SANDBOX_RUNTIME'",
        "echo '{}' > .mcp.json; cat /tmp/claude/* 2>/dev/null; true",
        "perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0) and print \"unix\\n\"; socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) and print \"pair\\n\"'; (exec 3<>/dev/tcp/127.0.0.1/3128) && printf 'CONNECT a.test:443 HTTP/1.1\\r\\n\\r\\n'; exit 7",
        "ls -A",
      ],
      who(),
    );
    const out = results.map((result) => result.output);
    expect(out[0]).toBe("new\none\n");
    expect(out[1]).not.toMatch(/^canary|private$/m);
    expect(out[2]).not.toContain("wrote");
    expect(out[3]).toBe("t\nh\nnull\n");
    expect(out[4]).not.toMatch(/proxy|claude|SANDBOX/i);
    expect(out[4]).toMatch(/GIT_CONFIG_COUNT .*\n0\n$/);
    expect(out[5]).toMatch(/^\[.*\.mcp\.json was moved away/);
    expect(out[6]).toMatch(/pair\n/);
    expect(out[6]).not.toMatch(/^unix$/m);
    expect(results[6]?.exitCode).toBe(7);
    expect(out[7]).toBe(".codecrucible\n.env\n.git\nd\nsrc [x]*\n");
    expect(readFileSync(join(stage.workspace, "d/c"), "utf8")).toBe("new\n");
    const settings = join(stage.workspace, "../state/sandbox/runtime/s1");
    expect(readdirSync(settings).length).toBeGreaterThan(0);
  });

  test("processes that leave their parents end with the command, and all of them with us", async () => {
    using stage = userScene(uid);
    const mark = uniqueMark("987680");
    const daemon = `setsid sleep ${mark} & (trap '' TERM HUP; setsid bash -c 'sleep ${mark} & exec sleep ${mark}') & disown -a; sleep 0.1; echo done`;
    const { results } = stage.play([daemon, `${daemon}; kill -9 $$`, "exit 3"], who());
    expect(results.map((result) => [result.exitCode, result.output])).toEqual([
      [0, "done\n"],
      [137, "done\n"],
      [3, ""],
    ]);
    expect(processesWith(`sleep ${mark}`)).toEqual([]);
    const { file, args, options } = stage.words([`${daemon}; sleep ${mark}`], who());
    const child = spawn(file, args, { ...options, stdio: "ignore" });
    await expect.poll(() => processesWith(`sleep ${mark}`).length, { timeout: 20_000 }).toBeGreaterThan(3);
    child.kill("SIGKILL");
    await expect
      .poll(() => [...processesWith(`sleep ${mark}`), ...processesWith(stage.workspace)], { timeout: 20_000 })
      .toEqual([]);
  });

  test("a timeout and a fork bomb end whole", () => {
    using stage = userScene(uid);
    const mark = uniqueMark("987681");
    const commands = [`setsid sleep ${mark} & sleep ${mark}`, `f() { f | f & sleep ${mark}; }; f; f`];
    const { results } = stage.play(commands, { ...who(), timeoutMs: 1500 });
    expect(results[0]).toMatchObject({ timedOut: true });
    expect(results).toHaveLength(2);
    expect(processesWith(`sleep ${mark}`)).toEqual([]);
  });
});

describe("what stands in its way", () => {
  const context = (folder: string, more: object = {}) => {
    const at = (name: string) => join(folder, name);
    for (const name of ["ws", "home", "tmp"]) mkdirSync(at(name), { recursive: true });
    const paths = pathView({
      workspace: at("ws"),
      addDirs: [],
      home: at("home"),
      tmp: { view: "/tmp", host: at("tmp") },
    });
    return {
      ...{ paths, home: at("home"), privateHome: at("private"), stateDir: at("state"), owner: undefined },
      ...{ env: { PATH: at("bin") }, readable: [], exposed: [], session: "s", model: "m", config: { env: {} } },
      ...more,
    } as unknown as SandboxContext;
  };
  const planted = (folder: string, name = NAME) => {
    mkdirSync(join(folder, "dist"), { recursive: true });
    writeFileSync(join(folder, "dist/cli.js"), "");
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name }));
  };

  test("root, its absence, another srt and one that a command could change are told with the mend", () => {
    using folder = tempFolder();
    const here = context(folder.path);
    expect(sandboxRuntime.lacking(context(folder.path, { owner: { uid: 0, gid: 0 } }))).toMatchObject({
      reason: expect.stringContaining("root") as string,
      mend: "start crucible as a normal user",
    });
    const absent = {
      reason: expect.stringContaining("is missing") as string,
      mend: expect.stringMatching(/^npm install -g @anthropic-ai\/sandbox-runtime@\d/) as string,
    };
    expect(sandboxRuntime.lacking(here)).toMatchObject(absent);
    mkdirSync(join(folder.path, "bin"));
    planted(join(folder.path, "other"), "srt-of-another");
    symlinkSync(join(folder.path, "other/dist/cli.js"), join(folder.path, "bin/srt"));
    expect(sandboxRuntime.lacking(here)).toMatchObject(absent);
    rmSync(join(folder.path, "bin/srt"));
    planted(join(folder.path, "ws/node_modules/srt"));
    symlinkSync(join(folder.path, "ws/node_modules/srt/dist/cli.js"), join(folder.path, "bin/srt"));
    expect(sandboxRuntime.lacking(here)).toMatchObject({
      reason: expect.stringContaining("where commands may write") as string,
    });
    const linked = context(folder.path, { env: { PATH: join(folder.path, "ws/bin") } });
    mkdirSync(join(folder.path, "ws/bin"));
    planted(join(folder.path, "outside"));
    symlinkSync(join(folder.path, "outside/dist/cli.js"), join(folder.path, "ws/bin/srt"));
    expect(sandboxRuntime.lacking(linked)).toMatchObject({
      reason: expect.stringMatching(/ws\/bin\/srt lies where commands may write/) as string,
    });
    const place = { tree: treeScanner(join(folder.path, "ws"), here.stateDir)(), socket: undefined, relaxed: false };
    const planner = sandboxRuntime.open(here);
    expect(() => planner({ readOnly: false, reveals: [], hosts: ["a.test:443"] }, place)).toThrow(/no way to the net/);
    expect(() => planner({ readOnly: false, reveals: [], hosts: [] }, place)).toThrow(/where commands may write/);
  });

  test("a backend that is not for this platform says so", async () => {
    await using kit = await makeKit({ backends: [{ ...sandboxRuntime, platforms: ["aix"] }] });
    expect(await kit.sandbox.status()).toMatchObject({
      backend: undefined,
      reason: `sandbox-runtime is not for ${process.platform}`,
    });
    const elsewhere = { ...sandboxRuntime, rank: 0, platforms: ["aix" as const] };
    const here = { ...sandboxRuntime, lacking: () => ({ reason: "it is not there", mend: "get it" }) };
    await using both = await makeKit({ backends: [elsewhere, here] });
    expect(await both.sandbox.status()).toMatchObject({ reason: "it is not there", mend: "get it" });
  });

  test.skipIf(!ROOT)("as root it is off and says so", async () => {
    await using kit = await makeKit({ backends: [sandboxRuntime] });
    expect(await kit.sandbox.status()).toMatchObject({ reason: expect.stringContaining("root") as string });
  });
});

test("where nothing lies around it our first process does not start: at its end it kills what it can reach", () => {
  const init = runtimeInitCommand("/dev/null", { variables: { A: "b" }, writable: [], shown: [] }, [
    "/bin/echo",
    "started",
  ]);
  const who = ROOT ? { uid: USER, gid: USER } : {};
  const run = spawnSync("/usr/bin/perl", init ?? [], { ...who, cwd: "/", encoding: "utf8", input: "" });
  expect(run).toMatchObject({ stdout: "", stderr: "not confined\n" });
  const asRoot = ROOT
    ? spawnSync("/usr/bin/perl", init ?? [], { encoding: "utf8", input: "" }).stderr
    : "root inside\n";
  expect(asRoot).toBe("root inside\n");
});

test("mounts become rules: writable, read, taken back, hidden; names are no patterns", () => {
  const same = (kind: "ro" | "rw", path: string) => ({ kind, source: path, target: path, mapped: false }) as const;
  const settings = runtimeSettings(
    [
      { kind: "link", source: "usr/bin", target: "/bin" },
      same("ro", "/usr"),
      { kind: "rw", source: "/state/tmp", target: "/tmp", mapped: true },
      same("rw", "/ws*"),
      same("ro", "/ws*/.git/config"),
      { kind: "ro", source: "/state/empty", target: "/ws*/.env", mapped: false },
    ],
    { read: ["/etc/passwd"], write: ["/state/tmp"] },
  );
  const paths = Object.fromEntries(
    Object.entries(settings.filesystem).map(([name, places]) => [name, places.map(({ path }) => path)]),
  );
  expect(paths).toEqual({
    denyRead: ["/", "/tmp/claude", "/private/tmp/claude", "/ws*/.env"],
    allowRead: ["/etc/passwd", "/usr", "/state/tmp", "/ws*"],
    allowWrite: ["/state/tmp", "/ws*"],
    denyWrite: ["/tmp/claude", "/private/tmp/claude", "/ws*/.git/config"],
  });
  expect(settings.filesystem.allowWrite.every(({ literal }) => literal)).toBe(true);
  expect(settings.network.allowedDomains).toEqual([]);
});
