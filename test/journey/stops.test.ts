/** How a run is stopped: by the person, by signals, by budgets, by its own circling. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { call, journey, lastText, resultOf, WIRES } from "../kit/journey.ts";
import { TYPESCRIPT_FIX } from "../kit/repositories.ts";

const { path } = TYPESCRIPT_FIX;
const WORDS = "word after word after word ".repeat(400);

/** Polls a condition that another process brings about. */
async function until(what: () => boolean): Promise<void> {
  const end = performance.now() + 25_000;
  while (!what()) {
    if (performance.now() > end) throw new Error("it did not come about");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe.concurrent.each(WIRES)("%s: signals", (wire) => {
  test("Ctrl+C while the model speaks: 130, the connection closed, the words so far kept", async () => {
    await using setting = await journey({ wire, script: [{ text: WORDS, chunkDelayMs: 10 }, { text: "Back again." }] });
    let sent = false;
    const run = await setting.ask(["-o", "stream-json", "talk"], {
      running: (child) =>
        child.onOutput((text) => {
          if (sent || !text.includes('"delta":true')) return;
          sent = true;
          child.kill("SIGINT");
        }),
    });
    expect(run).toMatchObject({ code: 130, signal: null, stderr: "" });
    await until(() => setting.server.aborted.count === 1);
    expect(resultOf(run)).toMatchObject({ is_error: true, error: { code: "aborted" }, exit_code: 130 });
    const end = setting.journal().findLast((event) => event.kind === "model-end");
    expect(end).toMatchObject({
      message: { stop: "aborted", parts: [{ type: "text", text: expect.stringMatching(/^word/) }] },
    });
    const again = await setting.run(["-c", "-p", "go on"]);
    expect(again).toMatchObject({ code: 0, stdout: "Back again.\n" });
  });

  test("SIGTERM saves and leaves with 143", async () => {
    await using setting = await journey({ wire, script: [{ text: WORDS, chunkDelayMs: 10 }] });
    let sent = false;
    const run = await setting.ask(["-o", "stream-json", "talk"], {
      running: (child) =>
        child.onOutput((text) => {
          // Once: Node gives signals their default meaning back while it ends, and a second one would be a death by signal.
          if (sent || !text.includes('"delta":true')) return;
          sent = true;
          child.kill("SIGTERM");
        }),
    });
    expect(run).toMatchObject({ code: 143, signal: null });
    expect(setting.journal().at(-1)).toMatchObject({ kind: "turn-end", outcome: { status: "cancelled" } });
  });
});

describe.concurrent("signals during a command", () => {
  test("Ctrl+C ends the command and all its children", async () => {
    const files = {
      "slow.mjs":
        'import { spawn } from "node:child_process";\nimport { appendFileSync } from "node:fs";\nif (process.argv[2] !== "child") spawn(process.execPath, ["slow.mjs", "child"], { detached: true, stdio: "ignore" });\nsetInterval(() => appendFileSync("beat-" + (process.argv[2] ?? "parent"), "x"), 20);\n',
    };
    await using setting = await journey({ files, script: [call("shell", { command: "node slow.mjs" })] });
    const beats = () => ["beat-parent", "beat-child"].map((name) => join(setting.folder, name));
    const size = (file: string) => readFileSync(file).length;
    const run = await setting.ask(["-p", "run it"], {
      running: (child) => void until(() => beats().every((file) => existsSync(file))).then(() => child.kill("SIGINT")),
    });
    expect(run).toMatchObject({ code: 130, signal: null });
    const sizes = beats().map(size);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(beats().map(size)).toEqual(sizes);
  });

  test("a job in the background ends with the session", async () => {
    const files = {
      "beat.mjs": 'import { appendFileSync } from "node:fs";\nsetInterval(() => appendFileSync("beat", "x"), 20);\n',
    };
    await using setting = await journey({
      files,
      script: async (_request, index) => {
        if (index === 0) return call("shell", { command: "node beat.mjs", background: true });
        await until(() => existsSync(join(setting.folder, "beat")));
        return { text: "Started." };
      },
    });
    const run = await setting.ask(["-p", "start it"]);
    expect(run.code).toBe(0);
    const beats = () => readFileSync(join(setting.folder, "beat")).length;
    const before = beats();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(beats()).toBe(before);
  });

  test("a second Ctrl+C leaves at once", async () => {
    await using setting = await journey({ script: [{ delayMs: 20_000, text: "late" }] });
    const run = await setting.ask(["-p", "wait"], {
      running: (child) =>
        void until(() => setting.server.chats.length === 1).then(() => {
          child.kill("SIGINT");
          child.kill("SIGINT");
        }),
    });
    expect(run.code).toBe(130);
  });
});

describe.concurrent("budgets", () => {
  const endless = (_request: unknown, index: number) => call("read", { path, offset: (index % 9) + 1 });
  test.each([
    ["--max-turns", "2", 53, "turn-limit", "CODECRUCIBLE_MAX_TURNS"],
    ["--max-tool-calls", "2", 55, "budget-spent", "CODECRUCIBLE_MAX_TOOL_CALLS"],
    ["--max-tokens-total", "3k", 55, "budget-spent", "CODECRUCIBLE_MAX_TOKENS_TOTAL"],
  ])("%s %s ends with %i", async (flag, value, code, fault, variable) => {
    await using setting = await journey({ script: endless });
    const run = await setting.ask(["-o", "json", flag, value, "look"]);
    expect(run.code).toBe(code);
    expect(resultOf(run)).toMatchObject({ is_error: true, error: { code: fault, hint: "go on with: crucible -c" } });
    const byVariable = await setting.ask(["-p", "look"], { env: { [variable]: value } });
    expect(byVariable.code).toBe(code);
    expect(byVariable.stderr).toMatch(/^crucible: stopped: the limit of .* is reached\. Go on with: crucible -c\n$/);
  });

  test("--max-wall-time ends a hanging model with 124", async () => {
    await using setting = await journey({ script: [{ text: "Hm", hang: true }] });
    const run = await setting.ask(["-p", "--max-wall-time", "1s", "look"]);
    expect(run.code).toBe(124);
    expect(run.stderr).toContain("longer than 1 s");
  });
});

describe.concurrent("circles", () => {
  test("the same call again and again: told first, then exit 63", async () => {
    await using setting = await journey({ script: () => call("read", { path }) });
    const run = await setting.ask(["-o", "json", "look"]);
    expect(resultOf(run)).toMatchObject({ exit_code: 63, error: { code: "loop-detected" } });
    const told = setting.server.chats.filter((chat) => lastText(chat).includes("Do something different now"));
    expect(told.length).toBe(2);
  });

  test("A-B-A-B", async () => {
    const script = (_request: unknown, index: number) => call("read", { path: index % 2 ? path : "package.json" });
    await using setting = await journey({ script });
    expect((await setting.ask(["-p", "look"])).code).toBe(63);
  });

  test("empty turns", async () => {
    await using setting = await journey({ script: () => ({ text: "" }) });
    const run = await setting.ask(["-p", "look"]);
    expect(run).toMatchObject({ code: 63, stdout: "" });
    expect(setting.server.chats).toHaveLength(2);
  });

  test("text that repeats itself, and a voice that comes out of it", async () => {
    const chant = { text: "I will now look at the file again.\n".repeat(8) };
    await using setting = await journey({ script: [chant, { text: "It is a basket." }] });
    const run = await setting.ask(["-p", "look"]);
    expect(run).toMatchObject({ code: 0, stdout: "It is a basket.\n" });
  });
});
