/** Commands in containers of a real engine: the same attempts to break out, the same promises as under bubblewrap. */
import { spawn } from "node:child_process";
import { chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import docker from "../../src/sandbox/backends/docker.ts";
import { containerPart } from "../../src/sandbox/container.ts";
import type { SandboxContext, SandboxOptions } from "../../src/sandbox/options.ts";
import { pathView } from "../../src/sandbox/paths.ts";
import { PROBES } from "../../src/sandbox/probes.ts";
import { mergeTrees, treeScanner } from "../../src/sandbox/tree-scan.ts";
import { tempFolder } from "../kit/temp.ts";
import { lackingEngine, startEngine, type TestEngine } from "./engine.ts";
import { makeKit } from "./kit.ts";
import { git, processesWith, uniqueMark } from "./machine.ts";
import { USER, userScene } from "./user-scene.ts";

const reason = lackingEngine();
const signal = new AbortController().signal;
const LIMIT = 120_000;

describe.skipIf(reason !== undefined)(`commands in containers${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
  }, LIMIT);
  afterAll(async () => {
    await engine?.[Symbol.asyncDispose]();
  }, LIMIT);

  const options = (more: Partial<SandboxOptions["config"]> = {}): Partial<SandboxOptions> => ({
    backends: [docker],
    env: { PATH: "/usr/bin:/bin", DOCKER_HOST: engine.address, LANG: "C.UTF-8", GOROOT: "/nowhere" },
    config: { read: [], expose: [], env: { MINE: "mi\nne" }, backend: "docker", image: engine.image, ...more },
  });
  const owned = (workspace: string) => {
    git(workspace, "init", "-q");
    mkdirSync(join(workspace, "src"));
    for (const [file, text] of [
      [".env", "canary\n"],
      ["src/a", "in\n"],
      ['a,b "c"', "odd\n"],
    ] as const)
      writeFileSync(join(workspace, file), text);
    for (const path of ["", "src", ".env", "src/a", ".git", 'a,b "c"']) chownSync(join(workspace, path), USER, USER);
  };
  const kitOf = (more: Partial<SandboxOptions> = {}) =>
    makeKit({ ...options(), ...more }, ({ workspace }) => owned(workspace));
  const names = () => engine.docker("ps", "-aq").trim();

  test("no way out is open", { timeout: LIMIT }, async () => {
    await using kit = await kitOf();
    const report = await kit.sandbox.verify(signal);
    expect(report.probes.map(({ name, verdict, detail }) => [name, verdict, detail])).toEqual(
      PROBES.map(({ name }) => [name, "held", undefined]),
    );
    expect(report).toMatchObject({ backend: "docker", identity: `the workspace owner's uid ${USER}` });
    expect(report.reason).toBeUndefined();
    expect(await kit.sandbox.status()).toMatchObject({ backend: "docker" });
  });

  test("ordinary work, masks, limits and the environment", { timeout: LIMIT }, async () => {
    await using kit = await kitOf();
    const run = async (command: string, more = {}) =>
      await kit.sandbox.hands(kit.grant(["exec"], more)).exec?.run(command, { timeoutMs: 60_000 }, signal);
    expect(
      await run("id -u; cat src/a 'a,b \"c\"'; echo new > src/b; echo t > /tmp/t; cat /tmp/t; echo h > ~/h; exit 3"),
    ).toMatchObject({
      exitCode: 3,
      output: `${USER}\nin\nodd\nt\n`,
    });
    expect(statSync(join(kit.workspace, "src/b")).uid).toBe(USER);
    const masked = await run("cat .env; echo x >> .git/config || echo shut; echo x > /usr/x || echo shut; cat ~/h");
    expect(masked?.output.match(/^shut$/gm)).toHaveLength(2);
    expect(masked?.output).toMatch(/h\n$/);
    expect(masked?.output).not.toContain("canary");
    const env = await run('printf "%s|" "$MINE" "$GOROOT" "$HOME" "$LANG"; ls /proc | tr -dc 0-9; env | cat');
    expect(env?.output).toContain("mi\nne||");
    expect(env?.output).not.toMatch(/DOCKER|HOSTNAME/);
    expect((await run("echo x > src/c && echo leak", { readOnly: true }))?.output).not.toContain("leak");
    expect((await run("kill -9 $$"))?.exitCode).toBe(137);
    expect(await run("kill -9 1; kill -9 $PPID; echo on")).toMatchObject({ exitCode: 0, output: "on\n" });
    const limits = { wallMs: 20_000, outputBytes: 30_000, memoryBytes: 0, processes: 0, fileBytes: 2048 };
    expect((await run("ulimit -f; ulimit -c", { limits }))?.output).toBe("2\n0\n");
  });

  test("started by a user, nothing gets out either", { timeout: LIMIT }, () => {
    using stage = userScene(USER, ({ workspace }) => void git(workspace, "init", "-q"));
    const who = { uid: USER, backend: "docker", image: engine.image, engine: engine.address, thorough: true };
    const { report, results } = stage.play(["id -u > mine; cat mine"], who);
    expect(report?.probes.map(({ name, verdict }) => [name, verdict])).toEqual(
      PROBES.map(({ name }) => [name, "held"]),
    );
    expect(results[0]?.output).toBe(`${USER}\n`);
    expect(statSync(join(stage.workspace, "mine")).uid).toBe(USER);
  });

  test("a way to named hosts, and to no other", { timeout: LIMIT }, async () => {
    const server = createServer((socket) => socket.end("hello\n"));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const dialling = { resolve: async () => ["127.0.0.1"], permits: () => true };
    await using kit = await kitOf({ dialling });
    const ask = (host: string) =>
      `exec 3<>/dev/tcp/127.0.0.1/3128; printf 'CONNECT ${host} HTTP/1.1\\r\\nHost: ${host}\\r\\n\\r\\n' >&3; cat <&3`;
    const hosts = [`a.test:${port}`];
    const run = async (host: string) =>
      await kit.sandbox.hands(kit.grant(["exec"], { hosts })).exec?.run(ask(host), { timeoutMs: 60_000 }, signal);
    expect((await run("b.test:1"))?.output).toMatch(/^HTTP\/1.1 403/);
    expect((await run(`a.test:${port}`))?.output).toMatch(/^HTTP\/1.1 200[\s\S]*hello\n$/);
    server.close();
  });

  test("timeout, abort and close leave nothing", { timeout: LIMIT }, async () => {
    const mark = uniqueMark("987670");
    {
      await using kit = await kitOf();
      const exec = (stop: AbortSignal, timeoutMs: number) =>
        kit.sandbox
          .hands(kit.grant(["exec"]))
          .exec?.run(`(trap '' TERM; setsid sleep ${mark}) & sleep ${mark}`, { timeoutMs }, stop);
      expect(await exec(signal, 1500)).toMatchObject({ timedOut: true });
      expect(processesWith(`sleep ${mark}`)).toEqual([]);
      const early = new AbortController();
      const starting = exec(early.signal, 60_000);
      early.abort();
      await expect(starting).rejects.toThrow();
      const stop = new AbortController();
      const running = exec(stop.signal, 60_000);
      await expect.poll(() => processesWith(`sleep ${mark}`).length, { timeout: 20_000 }).toBeGreaterThan(1);
      stop.abort();
      await expect(running).rejects.toThrow();
      await expect.poll(() => processesWith(`sleep ${mark}`), { timeout: 20_000 }).toEqual([]);
    }
    await expect.poll(names, { timeout: 20_000 }).toBe("");
  });

  test("a killed program leaves no container, and one that never ran is removed by the next", {
    timeout: LIMIT,
  }, async () => {
    using stage = userScene(USER);
    const mark = uniqueMark("987671");
    const who = { uid: 0, backend: "docker", image: engine.image, engine: engine.address };
    const { file, args, options: how } = stage.words([`setsid sleep ${mark} & sleep ${mark}`], who);
    const child = spawn(file, args, { ...how, stdio: "ignore" });
    await expect.poll(() => processesWith(`sleep ${mark}`).length, { timeout: 30_000 }).toBeGreaterThan(1);
    // The words also stand in the client's own command line, before there is a container.
    await expect.poll(names, { timeout: 30_000 }).not.toBe("");
    const [running = ""] = names().split("\n");
    const label = engine.docker("inspect", "-f", '{{index .Config.Labels "codecrucible.state"}}', running).trim();
    child.kill("SIGKILL");
    await expect.poll(() => processesWith(`sleep ${mark}`), { timeout: 30_000 }).toEqual([]);
    await expect.poll(names, { timeout: 30_000 }).toBe("");
    const labels = (owner: number) => [
      "--label",
      `codecrucible.state=${label}`,
      "--label",
      `codecrucible.owner=${owner}`,
    ];
    for (const owner of [child.pid ?? 0, process.pid])
      engine.docker("create", ...labels(owner), engine.image, "/bin/bash");
    expect(stage.play(["echo fine"], who).results[0]).toMatchObject({ output: "fine\n" });
    const left = engine.docker("ps", "-aq", "--filter", `label=codecrucible.owner=${child.pid}`);
    expect(left).toBe("");
    expect(names().split("\n")).toHaveLength(1);
    engine.docker("rm", "-f", names());
  });

  test("what is not there is named with its mend", { timeout: LIMIT }, async () => {
    const status = async (config: Partial<SandboxOptions["config"]>, more: Partial<SandboxOptions> = {}) => {
      await using kit = await makeKit({ ...options(config), ...more }, ({ workspace }) => owned(workspace));
      return await kit.sandbox.status();
    };
    expect(await status({ image: "local/none:1" })).toMatchObject({
      reason: "the image local/none:1 is not on this machine",
      mend: "docker pull local/none:1",
    });
    const env = { PATH: "/usr/bin:/bin" };
    expect(await status({}, { env: { ...env, DOCKER_HOST: "unix:///nowhere/sock" } })).toMatchObject({
      reason: expect.stringMatching(/^docker does not answer: .*nowhere/) as string,
    });
    expect(await status({}, { env: { ...env, DOCKER_HOST: "tcp://192.0.2.1:1" } })).toMatchObject({
      reason: expect.stringContaining("not on this machine") as string,
    });
    await using roots = await makeKit(options());
    expect(await roots.sandbox.status()).toMatchObject({ reason: expect.stringContaining("root's") as string });
  });
});

/** A client that answers as told; each line is `words of the question => answer`. */
function clientThat(folder: string, answers: Readonly<Record<string, string>>): string {
  const cases = Object.entries(answers).map(([words, answer]) => `"${words}"*) ${answer};;`);
  const path = join(folder, "client");
  writeFileSync(path, `#!/bin/bash\ncase "$*" in\n${cases.join("\n")}\nesac\n`, { mode: 0o755 });
  return path;
}

const ID = `sha256:${"a".repeat(64)}`;
const WELL = {
  "context inspect": "echo unix:///run/own.sock",
  "image inspect": `echo ${ID}`,
  info: `echo '["name=seccomp"]'`,
  ps: ":",
};

function partWith(folder: string, answers: Readonly<Record<string, string>>) {
  const kind = { name: "docker", places: [clientThat(folder, answers)], install: "get it", options: () => [] } as const;
  return containerPart(kind, { rank: 1 });
}

function contextIn(at: (path: string) => string, image?: string) {
  for (const path of ["ws/.git/objects", "home", "private", "tmp"]) mkdirSync(at(path), { recursive: true });
  for (const path of ["ws/.env", 'ws/a,"b.pem']) writeFileSync(at(path), "");
  const tmp = { view: "/tmp", host: at("tmp") };
  const paths = pathView({ workspace: at("ws"), addDirs: [], home: at("home"), tmp });
  const owner = { uid: USER, gid: USER };
  return {
    ...{ paths, owner, home: at("home"), privateHome: at("private"), stateDir: at("state"), session: "s", model: "m" },
    ...{ readable: [], exposed: [], mode: "workspace-write", env: { GOROOT: "/go", PATH: "/x", LANG: "C" } },
    config: { env: {}, ...(image === undefined ? {} : { image }) },
  } as unknown as SandboxContext;
}

test("the words for the engine: nothing of its own settings, masks over secrets, no values of variables", () => {
  using folder = tempFolder();
  const at = (path: string) => join(folder.path, path);
  const context = contextIn(at, "some:1");
  const part = partWith(folder.path, WELL);
  expect(part.lacking(context)).toBeUndefined();
  expect(part.facts?.(context)).toBe(ID);
  const tree = treeScanner(at("ws"), at("state"))();
  const planner = part.open(context);
  const terms = { readOnly: false, reveals: [], hosts: [] };
  const place = { tree, socket: undefined, relaxed: false };
  const { key, plan } = planner(terms, place);
  const { args } = plan;
  expect(plan).toMatchObject({ file: "/usr/bin/env", ends: "container" });
  expect(args).toEqual(expect.arrayContaining(["DOCKER_HOST=unix:///run/own.sock", `HOME=${at("home")}`, ID]));
  const mounts = args.flatMap((word, index) => (args[index - 1] === "--mount" ? [word] : []));
  const empty = at("state/sandbox/etc/empty");
  const ro = "readonly,bind-nonrecursive=true";
  expect(mounts).toEqual(
    expect.arrayContaining([
      `type=bind,source=${at("ws")},target=${at("ws")}`,
      `type=bind,source=${empty},target=${at("ws/.env")},${ro}`,
      `type=bind,source=${empty},"target=${at('ws/a,""b.pem')}",${ro}`,
      `type=bind,source=${at("tmp")},target=/tmp`,
    ]),
  );
  expect(mounts.some((mount) => /=\/usr|docker.sock|\/var\/run/.test(mount))).toBe(false);
  const variables = args.flatMap((word, index) => (args[index - 1] === "--env" ? [word] : []));
  expect(variables).toContain("LANG");
  expect(variables.filter((word) => word.includes("="))).toEqual([`HOME=${at("private")}`]);
  expect(variables).not.toContain("GOROOT");
  expect(planner(terms, place).key).toBe(key);
  expect(planner({ ...terms, readOnly: true }, place).key).not.toBe(key);
});

test("an engine far away, without our uid, without the image or silent is a lack", () => {
  using folder = tempFolder();
  const context = contextIn((path) => join(folder.path, path), "some:1");
  const lack = (answers: Readonly<Record<string, string>>) =>
    partWith(folder.path, { ...WELL, ...answers }).lacking(context);
  expect(lack({ "context inspect": "echo ssh://far" })?.reason).toContain("not on this machine (ssh://far)");
  expect(lack({ "context inspect": "echo no such context >&2; exit 1" })?.reason).toMatch(/: no such context$/);
  expect(lack({ info: `echo '["name=rootless"]'` })?.reason).toMatch(/rootless/);
  expect(lack({ "image inspect": "echo Error: No such image: x >&2; exit 1" })).toMatchObject({
    mend: "docker pull some:1",
  });
  expect(lack({ "image inspect": "exit 3" })?.reason).toMatch(/no reason given/);
  const mapped = { ...context, owner: { uid: 0, gid: 0 } };
  expect(partWith(folder.path, WELL).lacking(mapped)?.reason).toContain("root's");
  expect(() =>
    partWith(folder.path, { ...WELL, "image inspect": "exit 1" }).open(context)(
      { readOnly: false, reveals: [], hosts: [] },
      { tree: mergeTrees([]), socket: undefined, relaxed: false },
    ),
  ).toThrow(/does not answer/);
});

test("without a client or an image nothing is asked, and the mend is a pull of the person's own", async () => {
  using folder = tempFolder();
  const part = partWith(folder.path, {});
  await using kit = await makeKit({ backends: [part] });
  expect(await kit.sandbox.status()).toMatchObject({
    backend: undefined,
    reason: expect.stringContaining("no image is named for docker") as string,
    mend: expect.stringMatching(/^docker pull \S+ && crucible config set sandbox.image /) as string,
  });
  expect(kit.sandbox.survey()).toMatchObject([{ name: "docker", reason: expect.any(String) as string }]);
  const absent = { name: "podman", places: [join(folder.path, "none")], install: "get it", options: () => [] } as const;
  expect(containerPart(absent, { rank: 1 }).lacking(contextIn((path) => join(folder.path, path), "x"))).toEqual({
    reason: "podman is missing",
    mend: "get it",
  });
});
