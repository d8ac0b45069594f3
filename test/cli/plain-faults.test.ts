/** What goes wrong outside a session is one line: what failed, where, what to do; and what is said is what is so. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfigFile } from "../../src/config/read-file.ts";
import { BIN, binaryEnv, runBinary } from "../kit/binary.ts";
import { tempFolder } from "../kit/temp.ts";
import { fill, mounts, tinyDisk } from "../kit/tiny-disk.ts";
import { lacking } from "../sandbox/machine.ts";

const mountable = mounts();

/** A person with a home, in a work folder. */
function person(base: string) {
  const [home, work] = [join(base, "home"), join(base, "work")];
  for (const folder of [home, work]) mkdirSync(folder);
  const run = (...words: string[]) => runBinary(words, { cwd: work, home });
  return { home, work, run, state: join(home, "crucible/state"), config: join(home, "crucible/config/config.jsonc") };
}

describe("a home that cannot be written", () => {
  const COMMANDS = [
    ["trust", "--revoke"],
    ["config", "set", "model", "x"],
    ["sandbox", "verify"],
    ["sandbox", "run", "true"],
  ];
  const line = (home: string) =>
    new RegExp(
      `^crucible: ${home}/crucible/\\S+ cannot be written: the disk is read-only\\b.*\\. Make it writable, or .*\\n$`,
    );

  test.skipIf(!mountable).each(["empty", "used"])(`read-only and %s`, async (kind) => {
    using temp = tempFolder();
    const { home, run } = person(temp.path);
    using _disk = tinyDisk(home, 4096);
    if (kind === "used") for (const words of COMMANDS.slice(0, 2)) await run(...words);
    execFileSync("mount", ["-o", "remount,ro", home]);
    for (const words of COMMANDS) {
      const { code, stdout, stderr } = await run(...words);
      expect({ words, code, stdout }).toEqual({ words, code: 1, stdout: "" });
      expect(stderr).toMatch(line(home));
    }
    const doctor = await run("doctor");
    expect(doctor).toMatchObject({ code: 3, stderr: "" });
    expect(doctor.stdout).toMatch(/^PROBLEM {2}sandbox +\S+ cannot be written/m);
  });

  test("a file where a folder is due", async () => {
    using temp = tempFolder();
    const { home, run } = person(temp.path);
    mkdirSync(join(home, "crucible"));
    for (const name of ["state", "config"]) writeFileSync(join(home, "crucible", name), "");
    // What is read first tells of the file: nothing is written over it.
    for (const words of COMMANDS) {
      const { code, stderr } = await run(...words);
      expect([words, code, stderr.split("\n").length]).toEqual([words, expect.any(Number), 2]);
      expect(stderr).not.toMatch(/E[A-Z]{4,}:/);
    }
  });
});

describe.skipIf(!mountable)("a full disk", () => {
  test("what was done although it cannot be recorded is said so", async () => {
    using temp = tempFolder();
    const { state, work, run, config } = person(temp.path);
    mkdirSync(join(work, ".codecrucible"));
    writeFileSync(join(work, ".codecrucible/config.jsonc"), "{}");
    const audit = join(state, "audit");
    mkdirSync(audit, { recursive: true });
    using _disk = tinyDisk(audit, 256);
    expect(await run("trust", "--yes")).toMatchObject({ code: 0, stderr: "" });
    fill(audit);
    const revoked = await run("trust", "--revoke");
    expect(revoked).toMatchObject({ code: 1, stdout: "" });
    expect(revoked.stderr).toMatch(
      /^crucible: nothing in \S+ is trusted now, but without a record: the audit log in .*\n$/,
    );
    expect((await run("trust", "--json")).stdout).toContain('"state":"new"');
    const set = await run("config", "set", "model", "x");
    expect(set.stderr).toMatch(/^crucible: model set in \S+, but without a record: /);
    expect(readFileSync(config, "utf8")).toContain('"x"');
    // What widens is recorded before: here nothing came of it.
    expect((await run("trust", "--yes")).stderr).toMatch(/^crucible: the audit log in /);
    expect((await run("trust", "--json")).stdout).toContain('"state":"new"');
  });

  test("what could not be written did not happen", async () => {
    using temp = tempFolder();
    const { home, state, work, run } = person(temp.path);
    mkdirSync(join(work, ".codecrucible"));
    writeFileSync(join(work, ".codecrucible/config.jsonc"), "{}");
    mkdirSync(state, { recursive: true });
    using _disk = tinyDisk(state, 512);
    await run("trust", "--yes");
    const before = readFileSync(join(state, "trust.jsonl"), "utf8");
    fill(state);
    const revoked = await run("trust", "--revoke");
    expect(revoked.stderr.split("\n")).toHaveLength(2);
    const done = /is trusted now, but/.test(revoked.stderr);
    expect(readFileSync(join(state, "trust.jsonl"), "utf8") !== before).toBe(done);
    expect((await run("trust", "--json")).stdout).toContain(`"state":"${done ? "new" : "trusted"}"`);
    expect(existsSync(home)).toBe(true);
  });
});

test("mistakes in a configuration file are told in words, with file and line", async () => {
  using temp = tempFolder();
  const { config, run } = person(temp.path);
  mkdirSync(join(config, ".."), { recursive: true });
  for (const [text, line, words] of [
    ['{ "model": "x"', 1, "a closing brace } is missing"],
    ['{ "model": "x",\n,}', 2, 'a name in double quotes is due ("name": ...)'],
    ['{ "model" "x" }', 1, "a colon is due after the name"],
    ['{ "model": }', 1, "a value is due"],
    ['{ "model": x }', 1, "this word is no JSON (words stand in double quotes)"],
    ['{ "a": 1\n"b": 2 }', 2, "a comma is due before this"],
    ['{ "model": "x }', 1, "a text does not end (a double quote is missing)"],
    ['{ "tools.disallow": ["a"', 1, "a closing bracket ] is missing"],
    ["{} {}", 1, "there is more after the end of the object"],
    ["{ /* }", 1, "a comment does not end (*/ is missing)"],
    ['{ "model": "\\q" }', 1, "this is no escape (a backslash is written \\\\)"],
    ['{ "model": "\\u12" }', 1, "this is no character number (\\u and four digits 0-9 a-f)"],
    ['{ "model": "a\u0001" }', 1, "a text holds a control character (write \\n, \\t or \\u0000)"],
  ] as const) {
    writeFileSync(config, text);
    await expect(readConfigFile(config)).rejects.toMatchObject({
      fault: { code: "bad-config", message: `${config}:${line}: ${words}`, hint: "mend the JSON there" },
    });
  }
  const { code, stderr } = await run("config", "path");
  expect({ code, lines: stderr.split("\n").length }).toEqual({ code: 52, lines: 2 });
});

test("a current folder that is gone is told in one line; -C with a whole path works", () => {
  using temp = tempFolder();
  const { home, work } = person(temp.path);
  const run = (words: string) => {
    mkdirSync(join(temp.path, "gone"));
    const script = `cd gone; rmdir ../gone; exec "$0" "$1" ${words}`;
    const env = binaryEnv({ home });
    return spawnSync("/bin/bash", ["-c", script, process.execPath, BIN], { cwd: temp.path, env, encoding: "utf8" });
  };
  const gone = "crucible: the folder you are in is gone. Change into one that is there: cd\n";
  for (const words of ["trust --revoke", "-p hello", "config show", "audit verify", "-C x -p hello"])
    expect([words, run(words).status, run(words).stderr]).toEqual([words, 42, gone]);
  expect(run("doctor").stdout).toMatch(/^PROBLEM {2}config +the folder you are in is gone$/m);
  expect(run(`-C ${work} -p hello --base-url http://127.0.0.1:1/v1 -m x`).status).toBe(60);
});

test("a mistyped key of the audit log is wrong usage, not a broken log", async () => {
  using temp = tempFolder();
  const { run } = person(temp.path);
  await run("config", "set", "model", "x");
  const file = join(temp.path, "out");
  await run("audit", "export", "--out", file);
  for (const words of [["verify"], ["verify", file]]) {
    const bad = await run("audit", ...words, "--key", "rubbish");
    expect(bad).toMatchObject({ code: 2, stdout: "" });
    expect(bad.stderr).toMatch(/^crucible: --key: this is no verifier key\. .*audit head.*\n$/);
  }
  const own = (await run("audit", "head")).stdout.split("\n")[1] ?? "";
  expect(await run("audit", "verify", "--key", own)).toMatchObject({ code: 0 });
});

test.skipIf(lacking() !== undefined)(
  "a look at the sandbox is on record, and neither look nor run leaves a folder",
  async () => {
    using temp = tempFolder();
    const { state, run } = person(temp.path);
    expect((await run("sandbox", "verify")).code).toBe(0);
    expect(await run("sandbox", "run", "sh", "-c", "echo x > /tmp/x; cat /tmp/x")).toMatchObject({
      code: 0,
      stdout: "x\n",
    });
    expect(readdirSync(join(state, "sandbox/sandbox/tmp"))).toEqual([]);
    const records = readFileSync(join(state, "audit/audit.jsonl"), "utf8").trim().split("\n");
    const probes = records.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(probes.filter(({ action }) => action === "sandbox-probe")).toMatchObject([
      { type: "security_scan", outcome: "success", details: { backend: "bubblewrap", leaked: [] } },
    ]);
  },
);

describe("what the policy decides is what a run does", () => {
  test("files of the system: commands see them, a tool asks first", async () => {
    using temp = tempFolder();
    const { home, work } = person(temp.path);
    const lines = [
      ...["/proc/cpuinfo", "/usr/bin/env"].map((path) => ({ id: path, tool: "read", input: { path } })),
      { id: "shell", tool: "shell", input: { command: "cat /proc/cpuinfo" } },
    ];
    const stdin = lines.map((line) => JSON.stringify(line)).join("\n");
    const run = await runBinary(["policy", "check"], { cwd: work, home, stdin });
    const decisions = run.stdout.trim().split("\n");
    expect(decisions.map((text) => (JSON.parse(text) as { decision: string }).decision)).toEqual([
      "ask",
      "ask",
      "allow",
    ]);
  });

  test("a model server stays closed, listed or not", async () => {
    using temp = tempFolder();
    const { home, work, config } = person(temp.path);
    mkdirSync(join(config, ".."), { recursive: true });
    const url = "http://models.test:8080/v1";
    const settings = {
      servers: [{ name: "own", kind: "openai-compatible", url }],
      network: { mode: "allowlist", allow: ["models.test:8080", "models.test", "127.0.0.1:9000"] },
    };
    writeFileSync(config, JSON.stringify(settings));
    const lines = [
      { id: "1", tool: "net", input: { url: `${url}/x` } },
      { id: "2", tool: "shell", input: { command: `curl ${url}/x` } },
      { id: "3", tool: "net", input: { url: "http://127.0.0.1:9000/x" } },
      { id: "4", tool: "net", input: { url: "http://models.test:8081/x" } },
    ];
    const run = await runBinary(["policy", "check"], {
      cwd: work,
      home,
      stdin: lines.map((line) => JSON.stringify(line)).join("\n"),
    });
    const answers = run.stdout.trim().split("\n");
    expect(answers.map((text) => (JSON.parse(text) as { decision: string }).decision)).toEqual([
      "deny",
      "deny",
      "allow",
      "allow",
    ]);
    expect(answers[0]).toContain("network.model-server");
  });
});
