/** `crucible sandbox`: every way out tried afresh, and one command under the session's profile. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { call, journey, lastText } from "../kit/journey.ts";
import { KEY, startDouble } from "../sandbox/e2b-double.ts";
import { lacking } from "../sandbox/machine.ts";

const reason = lacking();

describe.skipIf(reason !== undefined)(`sandbox${reason ? ` (skipped: ${reason})` : ""}`, () => {
  test("verify names every attempt and exits 0 when all held", async () => {
    await using setting = await journey({ script: [] });
    const run = await setting.run(["sandbox", "verify"]);
    expect(run.stdout).toMatch(/^held +write-outside +write/m);
    expect(run.stdout).toMatch(/no way out is open$/m);
    expect(run.stdout).toMatch(/^- +e2b +absent: the workspace would leave this machine/m);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    const { ok, probes, backends } = JSON.parse((await setting.run(["sandbox", "verify", "--json"])).stdout) as {
      ok: boolean;
      probes: { name: string; verdict: string }[];
      backends: { name: string; reason?: string }[];
    };
    expect(backends.map(({ name }) => name)).toEqual([
      "bubblewrap",
      "podman",
      "docker",
      "landlock",
      "sandbox-runtime",
      "e2b",
    ]);
    expect(ok).toBe(true);
    expect(probes.length).toBeGreaterThan(15);
    expect(probes.filter((probe) => probe.verdict === "leaked")).toEqual([]);
  });

  test("on a machine elsewhere: said at the start, run there, taken back; verify claims nothing", async () => {
    await using double = await startDouble();
    const script = [call("shell", { command: "echo there > made.txt; cat made.txt" }), { text: "Done." }];
    await using setting = await journey({ script });
    const settings = { "sandbox.backend": "e2b", "sandbox.remote": "true", "sandbox.remoteUrl": double.url };
    for (const [key, value] of Object.entries(settings)) await setting.run(["config", "set", key, value]);
    const env = { E2B_API_KEY: KEY };
    const run = await setting.ask(["-p", "make it"], { env });
    expect(run).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Done\.\n/) as string });
    expect(run.stderr).toContain("COMMANDS RUN ELSEWHERE");
    expect(lastText(setting.server.chats[1] ?? { body: {} })).toContain("there");
    expect(readFileSync(join(setting.folder, "made.txt"), "utf8")).toBe("there\n");
    expect([double.orders.length, double.live.size]).toEqual([1, 0]);
    const tried = await setting.run(["sandbox", "verify"], { env });
    expect(tried).toMatchObject({ code: 3, stderr: expect.stringContaining("e2b was not tried") as string });
    const told = await setting.run(["doctor"], { env });
    expect(told.stdout).toMatch(/^note +sandbox +e2b: .*not run against the service/m);
    expect(JSON.stringify(setting.audit())).not.toContain(KEY);
  });

  test("run passes words and the exit code on, keeps stdin shut, and is on record", async () => {
    await using setting = await journey({ script: [] });
    writeFileSync(join(setting.folder, ".env"), "canary");
    const run = await setting.run([
      "sandbox",
      "run",
      "--",
      "sh",
      "-c",
      'cat; cat .env; echo "$1"; touch made; exit 7',
      "x",
      "a 'b'",
    ]);
    expect(run).toMatchObject({ code: 7, stdout: "a 'b'\n", stderr: "" });
    expect(existsSync(join(setting.folder, "made"))).toBe(true);
    expect((await setting.run(["sandbox", "run", "printf", "%s", "--json"])).stdout).toBe("--json");
    const log = readFileSync(join(setting.home, "crucible/state/audit/audit.jsonl"), "utf8");
    expect(log.match(/"tool-decision"/g)).toHaveLength(2);
    expect(log.match(/"tool-end"/g)).toHaveLength(2);
    expect(log).toContain('"tool":"sandbox-run"');
  });
});
