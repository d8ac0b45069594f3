/** The commands beside the prompt: models, doctor, prompt, audit, demo, help. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { FLAGS } from "../../src/cli/flags.ts";
import { call, journey } from "../kit/journey.ts";

const writes = (_request: unknown, index: number) =>
  index % 2 ? { text: "Written." } : call("write", { path: `file${index}.txt`, content: "x\n" });

describe.concurrent("models", () => {
  test.each([
    ["ollama", undefined, "loaded", 32_768],
    ["openai", "lmstudio", "loaded", 20_000],
    ["openai", "llamacpp", "loaded", 20_000],
    ["openai", "vllm", "loaded", 20_000],
  ] as const)("%s %s: loaded window with its source", async (wire, flavour, state, window) => {
    const server = flavour ? { flavour, window } : { window };
    await using setting = await journey({ wire, server, script: [] });
    const flags =
      wire === "ollama"
        ? ["--local-provider", "ollama", "--base-url", setting.server.url]
        : ["--base-url", `${setting.server.url}/v1`];
    const run = await setting.run(["models", "--json", ...flags]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    const { models } = JSON.parse(run.stdout) as { models: Record<string, unknown>[] };
    expect(models).toMatchObject([{ state, loadedWindow: { tokens: window, source: expect.stringMatching(/\w/) } }]);
    const shown = await setting.run(["models", ...flags]);
    expect(shown.stdout).toMatch(new RegExp(`scripted.*${window} \\(`));
  });

  test("no server at all is exit 60 and names every address", async () => {
    await using setting = await journey({ script: [] });
    const run = await setting.run(["models", "--base-url", "http://127.0.0.1:1/v1"]);
    expect(run.code).toBe(60);
    expect(run.stderr).toContain("http://127.0.0.1:1");
  });
});

describe.concurrent("doctor", () => {
  test("all is well", async () => {
    await using setting = await journey({ script: [] });
    const env = { OLLAMA_HOST: setting.server.url };
    const run = await setting.run(["doctor", "--json"], { env });
    const { findings } = JSON.parse(run.stdout) as { findings: { name: string; status: string; text: string }[] };
    expect(findings.filter((finding) => finding.status === "problem")).toEqual([]);
    expect(run.code).toBe(0);
    expect(new Set(findings.map((finding) => finding.name))).toEqual(
      new Set([
        "node",
        "sandbox",
        "backend",
        "server",
        "disk",
        "config",
        "journal",
        "audit",
        "policy",
        "approvals",
        "trust",
        "languages",
      ]),
    );
    expect(findings.find((finding) => finding.name === "server")?.text).toContain("window of 32768");
    const shown = await setting.run(["doctor"], { env });
    expect(shown.stdout).toMatch(/^ok {7}node/);
  });

  test("what is wrong is exit 3, each with the command that mends it", async () => {
    await using setting = await journey({ script: writes });
    await setting.ask(["-p", "write"]);
    const log = join(setting.home, "crucible/state/audit/audit.jsonl");
    writeFileSync(log, readFileSync(log, "utf8").replace('"write"', '"erase"'));
    const run = await setting.run(["doctor"]);
    expect(run.code).toBe(3);
    expect(run.stdout).toMatch(/PROBLEM {2}server .*\n +mend: ollama serve/);
    expect(run.stdout).toMatch(/PROBLEM {2}audit .*line 2/);
    writeFileSync(join(setting.home, "crucible/config.jsonc"), "");
    const broken = await setting.run(["doctor"], { env: { CODECRUCIBLE_PERMISSION_MODE: "wild" } });
    expect(broken.code).toBe(3);
    expect(broken.stdout).toMatch(/PROBLEM {2}config .*CODECRUCIBLE_PERMISSION_MODE/);
  });
});

describe.concurrent("audit", () => {
  test("head and verify; a changed line, a cut tail and a foreign head are exit 3", async () => {
    await using setting = await journey({ script: writes });
    expect((await setting.run(["audit", "head"])).stdout).toBe("no records yet\n");
    await setting.ask(["-p", "write"]);
    const [first = "", key = ""] = (await setting.run(["audit", "head"])).stdout.split("\n");
    const head = first.split(" ");
    expect(head).toEqual(["4", expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(key).toMatch(/^codecrucible\.local\/audit\/[0-9a-f]{16}\+[0-9a-f]{8}\+/);
    const verified = await setting.run(["audit", "verify"]);
    expect(verified).toMatchObject({
      code: 0,
      stdout: `4 records, chain intact, head ${head[1]}, 4 covered by signed checkpoints\n`,
    });
    await setting.ask(["-p", "write"]);
    expect((await setting.run(["audit", "verify", "--head", head[1] ?? ""])).code).toBe(0);
    expect((await setting.run(["audit", "verify", "--head", "0123456789abcdef".repeat(4)])).code).toBe(3);
    const log = join(setting.home, "crucible/state/audit/audit.jsonl");
    const whole = readFileSync(log, "utf8");
    writeFileSync(log, whole.replace('"decision":"allow"', '"decision":"deny"'));
    const changed = await setting.run(["audit", "verify"]);
    expect(changed).toMatchObject({ code: 3, stdout: "" });
    expect(changed.stderr).toContain("line 2: its content does not match its hash");
    writeFileSync(log, whole.split("\n").slice(0, 2).join("\n").concat("\n"));
    const cut = JSON.parse((await setting.run(["audit", "verify", "--json"])).stdout) as { problem: string };
    expect(cut.problem).toContain("the tail was cut");
    const next = await setting.ask(["-p", "write"]);
    expect(next.code).toBe(1);
    expect(next.stderr).toContain("it was cut");
  });
});

describe.concurrent("audit for others", () => {
  test("tail, export and its check; what is kept elsewhere; levels from the environment", async () => {
    await using setting = await journey({ script: writes });
    const none = await setting.run(["audit", "export"]);
    expect(none).toMatchObject({ code: 1, stdout: "" });
    expect(none.stderr).toMatch(/^crucible: the audit log cannot be exported: [^\n]+\n$/);
    await setting.ask(["-p", "write"], { env: { AUDIT_LOGGING_LEVEL: "comprehensive" } });
    expect(setting.audit()).toMatchObject([
      { action: "session-start", type: "session_management" },
      { action: "tool-decision", actor: { id: "local", role: "user" }, input: { path: "file0.txt" } },
      { action: "tool-end", result: { label: { integrity: "workspace" } } },
      { action: "session-end" },
    ]);
    const tail = await setting.run(["audit", "tail", "-n", "1"]);
    expect(tail.stdout).toMatch(/^\S+Z 4 low success session-end local [0-9a-f-]{36}\n$/);
    const stored = JSON.parse((await setting.run(["audit", "tail", "-n", "1", "--json"])).stdout) as {
      session: string;
    };
    const file = join(setting.folder, "out.jsonl");
    const wanted = ["--from", "2020-01-01", "--session", stored.session, "--out", file];
    expect(await setting.run(["audit", "export", ...wanted])).toMatchObject({ code: 0, stdout: "", stderr: "" });
    const [, key = ""] = (await setting.run(["audit", "head"])).stdout.split("\n");
    const proved = await setting.run(["audit", "verify", file, "--key", key]);
    expect(proved.stdout).toBe(`4 records, each in the checkpoint over 4, signed by ${key}\n`);
    writeFileSync(file, readFileSync(file, "utf8").replace("file0", "file1"));
    expect(await setting.run(["audit", "verify", file])).toMatchObject({ code: 3, stdout: "" });
    const place = join(setting.home, "crucible/state/audit-checkpoints");
    const checkpoint = join(place, readdirSync(place)[0] ?? "");
    expect((await setting.run(["audit", "verify", "--checkpoint", checkpoint, "--key", key])).code).toBe(0);
  });

  test("a log that was taken away whole is missed by what lies in the second place", async () => {
    await using setting = await journey({ script: writes });
    await setting.ask(["-p", "write"]);
    rmSync(join(setting.home, "crucible/state/audit"), { recursive: true });
    const gone = await setting.run(["audit", "verify"]);
    expect(gone).toMatchObject({ code: 3, stderr: expect.stringContaining("was signed for another log") });
    await setting.ask(["-p", "write"]);
    expect((await setting.run(["audit", "verify"])).code).toBe(3);
  });

  test("tail -f goes on until it is interrupted, which is no failure", async () => {
    await using setting = await journey({ script: writes });
    await setting.ask(["-p", "write"]);
    const run = await setting.run(["audit", "tail", "-f"], {
      running: (child) => child.onOutput((text) => text.includes("session-end") && child.kill("SIGINT")),
    });
    expect(run).toMatchObject({ code: 0, signal: null, stderr: "" });
    expect(run.stdout.trimEnd().split("\n")).toHaveLength(4);
  });

  test("a changed setting is recorded; checkpoints where commands may write are refused", async () => {
    await using setting = await journey({ script: writes });
    const inside = join(setting.folder, "checkpoints");
    expect(await setting.run(["config", "set", "audit.checkpoints", inside])).toMatchObject({ code: 0 });
    expect(setting.audit()).toMatchObject([{ action: "config-change", details: { key: "audit.checkpoints" } }]);
    const run = await setting.ask(["-p", "write"]);
    expect(run).toMatchObject({ code: 52, stdout: "" });
    expect(run.stderr).toMatch(/^crucible: audit.checkpoints is [^\n]+ may write[^\n]+\n$/);
  });

  test.each([
    [["tail", "-n", "x"], 2, "a number is due"],
    [["export", "--from", "yesterday"], 2, "is no time"],
    [["verify", "missing.jsonl"], 42, "cannot be read"],
    [["verify", "--key", "x"], 2, "no verifier key"],
  ])("audit %j is exit %i in one line", async (words, code, text) => {
    await using setting = await journey({ script: [] });
    const run = await setting.run(["audit", ...words]);
    expect(run.stderr).toMatch(/^crucible: [^\n]+\n$/);
    expect(run.stderr).toContain(text);
    expect(run.code).toBe(code);
  });
});

describe.concurrent("the rest", () => {
  test("prompt show counts every part and stays within the promise", async () => {
    await using setting = await journey({ script: [] });
    const run = await setting.run(["prompt", "show", "--json"]);
    const shown = JSON.parse(run.stdout) as { parts: { name: string; tokens: number }[] };
    const idle = shown.parts
      .filter((part) => part.name !== "project instructions")
      .reduce((sum, part) => sum + part.tokens, 0);
    expect(idle).toBeLessThanOrEqual(1200);
    expect(shown.parts.map((part) => part.name)).toContain("project instructions");
    expect((await setting.run(["prompt", "show", "--full"])).stdout).toContain("You are CodeCrucible");
  });

  test("demo --json ends with one line that proves the work", async () => {
    await using setting = await journey({ script: [] });
    const run = await setting.run(["demo", "--json"]);
    expect(run.code).toBe(0);
    const last = JSON.parse(run.stdout.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;
    expect(last).toMatchObject({
      status: "success",
      model: "script",
      tests_before: { passed: 3, failed: 1 },
      tests_after: { passed: 4, failed: 0 },
      duration_ms: expect.any(Number),
    });
    expect((await setting.run(["audit", "verify", "--head", String(last["audit_head"])])).code).toBe(0);
    expect((await setting.run(["sessions", "list", "--all"])).stdout).toContain(String(last["session_id"]));
    expect(setting.server.requests).toEqual([]);
  });

  test("demo for people says that the model is a script", async () => {
    await using setting = await journey({ script: [] });
    const run = await setting.run(["demo"]);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(
      /the model is a SCRIPT[\s\S]*\+.*>= 10_000[\s\S]*audit head: [0-9a-f]{64}[\s\S]*With a real one/,
    );
  });

  test("help and version", async () => {
    await using setting = await journey({ script: [] });
    const help = await setting.run(["--help"]);
    for (const name of Object.keys(FLAGS)) expect(help.stdout).toContain(`--${name}`);
    expect(help.code).toBe(0);
    for (const flag of ["--version", "-v", "-V"])
      expect((await setting.run([flag])).stdout).toBe(`${manifest.version}\n`);
    const command = await setting.run(["audit", "--help"]);
    expect(command).toMatchObject({ code: 0, stderr: "" });
    expect(command.stdout).toContain("verify");
    expect((await setting.run(["audit"])).code).toBe(2);
  });
});
