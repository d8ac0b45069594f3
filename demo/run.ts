/** The demo: copies the shop to a temporary folder and lets the real agent mend it with a scripted model. */
import { cpSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { toFault } from "../src/base/error.ts";
import { EXIT, exitOf } from "../src/cli/exit-codes.ts";
import { type Output, processOutput } from "../src/cli/output.ts";
import { inlineRenderer } from "../src/cli/render/inline.ts";
import { faultLine } from "../src/cli/render/renderer.ts";
import { works } from "../src/cli/render/works.ts";
import { onSignals } from "../src/cli/signals.ts";
import type { CouncilReport } from "../src/core/council.ts";
import type { Event } from "../src/core/event.ts";
import type { App, OpenOptions } from "../src/core/ports/app.ts";
import type { CommandContext } from "../src/core/ports/cli.ts";
import { NOBODY } from "../src/core/ports/human.ts";
import { COUNCIL_TASK, councilScript } from "./council-script.ts";
import { startOllamaServer } from "./model-server.ts";
import { shopScript } from "./script.ts";

const MODEL = "scripted-demo:latest";
const PROMPT = "A test of this shop fails. Find out why, fix it, and prove it.";

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** Runs the demo and returns its exit code. */
export async function runDemo(context: CommandContext, options: { json: boolean; council: boolean }): Promise<number> {
  const output = processOutput("auto", context.env);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "crucible-demo-")));
  const started = performance.now();
  try {
    cpSync(shopFolder(), folder, { recursive: true });
    // The shop is TypeScript and has no dependencies: it runs on the Node that runs crucible.
    process.env["PATH"] = `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`;
    const app = await context.makeApp({
      workspace: folder,
      bare: true,
      flags: new Map([["permissionMode", { value: "default", place: "demo" }]]),
    });
    const run = { json: options.json, started };
    return options.council ? await performCouncil(app, output, run) : await perform(app, output, run);
  } catch (error) {
    const fault = toFault(error);
    output.err(`crucible demo: ${faultLine(fault)}\n`);
    if (options.json) output.out(`${JSON.stringify({ status: "failed", model: "script", error: fault.code })}\n`);
    return EXIT[fault.code];
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await output.drained();
  }
}

function shopFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return join(here, "shop");
}

async function perform(app: App, output: Output, run: { json: boolean; started: number }): Promise<number> {
  const say = (text: string) => (run.json ? output.err(`${text}\n`) : output.out(`${text}\n`));
  await using server = await startOllamaServer({
    model: MODEL,
    maxWindow: 32_768,
    loadedWindow: 32_768,
    capabilities: ["completion", "tools"],
    script: shopScript,
  });
  say(`crucible demo: the model is a SCRIPT at ${server.url}; agent, gate, sandbox, journal and tests are real.`);
  say(`workspace: ${app.workspace}\nprompt: ${PROMPT}\n`);
  const renderer = inlineRenderer(run.json ? quiet(output) : { ...output, isTTY: false }, { verbose: false });
  const runs: Counts[] = [];
  const live = await app.open(
    openOptions(server.url, (event) => {
      renderer.event(event);
      const counts = testCounts(event);
      if (counts) runs.push(counts);
    }),
  );
  const signals = onSignals();
  try {
    renderer.start(live);
    const outcome = await live.prompt([{ type: "text", text: PROMPT }], {
      budget: { turns: 12 },
      signal: signals.signal,
    });
    const [before, after] = [runs[0], runs.at(-1)];
    const mended =
      outcome.status === "done" &&
      (before?.failed ?? 0) > 0 &&
      after?.failed === 0 &&
      outcome.verification.status === "passed";
    const exitCode = signals.exitCode() ?? (mended ? 0 : exitOf(outcome) || 1);
    const durationMs = Math.round(performance.now() - run.started);
    renderer.end({ outcome, exitCode, durationMs });
    const head = await app.audit.head();
    report(say, { before, after, head: head?.hash ?? "", id: live.id });
    if (run.json) {
      const facts = {
        tests_before: before ?? null,
        tests_after: after ?? null,
        session_id: live.id,
        audit_head: head?.hash ?? null,
      };
      output.out(
        `${JSON.stringify({ status: mended ? "success" : "failed", model: "script", ...facts, duration_ms: durationMs })}\n`,
      );
    }
    return exitCode;
  } finally {
    signals.stop();
    await live.close();
  }
}

/** Ten scripted voices over the same shop: proposals, copies, tests and the decision are real. */
async function performCouncil(app: App, output: Output, run: { json: boolean; started: number }): Promise<number> {
  const say = (text: string) => (run.json ? output.err(`${text}\n`) : output.out(`${text}\n`));
  await using server = await startOllamaServer({
    model: MODEL,
    maxWindow: 32_768,
    loadedWindow: 32_768,
    capabilities: ["completion"],
    script: councilScript,
  });
  say(`crucible demo council: the voices are a SCRIPT at ${server.url}; copies, tests and the decision are real.`);
  say(`workspace: ${app.workspace}\n\n$ crucible council --patch --council=10 "${COUNCIL_TASK}"\n`);
  const renderer = inlineRenderer(run.json ? quiet(output) : { ...output, isTTY: false }, { verbose: false, works });
  const reports: CouncilReport[] = [];
  const council = { next: "report", kind: "patch", size: 10, seed: 1, budget: {}, files: [] } as const;
  const live = await app.open({
    ...openOptions(server.url, (event) => {
      renderer.event(event);
      if (event.kind === "decision-made") reports.push(event.report);
    }),
    title: COUNCIL_TASK,
    council,
  });
  const signals = onSignals();
  try {
    const prompt = [{ type: "text" as const, text: COUNCIL_TASK }];
    const outcome = await live.prompt(prompt, { budget: {}, signal: signals.signal });
    const exitCode = signals.exitCode() ?? exitOf(outcome);
    if (outcome.fault) renderer.fault(outcome.fault, exitCode);
    const [report] = reports;
    if (run.json)
      output.out(
        `${JSON.stringify({ status: exitCode === 0 ? "success" : "failed", model: "script", decision: report?.decision ?? null })}\n`,
      );
    return exitCode;
  } finally {
    signals.stop();
    await live.close();
  }
}

function openOptions(url: string, onEvent: (event: Event) => void): OpenOptions {
  return {
    model: { localProvider: "ollama", baseUrl: url, model: MODEL },
    human: NOBODY,
    mode: "default",
    style: "normal",
    sandbox: "workspace-write",
    sandboxRequired: true,
    addDirs: [],
    allowedTools: [],
    disallowedTools: [],
    appendSystemPrompt: "",
    bare: true,
    cache: false,
    offline: true,
    fork: false,
    persist: true,
    title: PROMPT,
    onEvent,
  };
}

function quiet(output: Output): Output {
  return { ...output, isTTY: false, out: output.err };
}

function report(
  say: (text: string) => void,
  facts: { before: Counts | undefined; after: Counts | undefined; head: string; id: string },
): void {
  const { before, after } = facts;
  say(
    `\ntests before: ${before?.passed ?? "?"} passed, ${before?.failed ?? "?"} failed; after: ${after?.passed ?? "?"} passed, ${after?.failed ?? "?"} failed`,
  );
  say(`audit head: ${facts.head}  (crucible audit verify)`);
  say(`session: ${facts.id}  (crucible sessions show ${facts.id})`);
  say(
    '\nThe model was a script. With a real one: start Ollama (`ollama serve`, `ollama pull qwen3`), then: crucible "fix the failing test"',
  );
}

/** Passed and failed tests of a finished `node --test` run, from its own summary. */
function testCounts(event: Event): Counts | undefined {
  if (event.kind !== "tool-end" || event.tool !== "shell") return undefined;
  const text = event.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  const count = (word: string) => new RegExp(`^(?:ℹ|#) ${word} (\\d+)$`, "m").exec(text)?.[1];
  const [passed, failed] = [count("pass"), count("fail")];
  return passed === undefined || failed === undefined ? undefined : { passed: Number(passed), failed: Number(failed) };
}
