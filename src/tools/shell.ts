/** Runs a bash command in the sandbox: in the foreground, or as a job that is polled and killed. */
import { stripVTControlCharacters } from "node:util";
import * as z from "zod/mini";
import type { CommandResult, JobStatus } from "../core/ports/hands.ts";
import { defineTool, failedResult, type ToolResult, textResult } from "../core/tool.ts";
import { need } from "./lib/hands.ts";

const DEFAULT_SECONDS = 120;
const MAX_SECONDS = 1800;

export default defineTool({
  name: "shell",
  summary:
    "Run a bash command in the workspace (no network). `background` starts a job; poll it by `job`, end it with `kill`.",
  input: z.strictObject({
    command: z.optional(z.string()),
    timeout: z.optional(z.number().check(z.describe("seconds, default 120"))),
    background: z.optional(z.boolean()),
    job: z.optional(z.string()),
    kill: z.optional(z.boolean()),
  }),
  effects: ["exec", "jobs"],
  parallel: false,
  timeoutMs: (MAX_SECONDS + 10) * 1000,
  run: async (input, hands, signal) => {
    if (input.job !== undefined) {
      if (input.command !== undefined) return failedResult("give either `command` or `job`");
      const jobs = need(hands, "jobs");
      return showJob(await (input.kill ? jobs.kill(input.job) : jobs.poll(input.job)));
    }
    if (input.command === undefined || input.command.trim() === "") return failedResult("`command` is missing");
    if (input.background) {
      const { id } = await need(hands, "jobs").start(input.command, {});
      return textResult(`started job ${id}`, { job: id });
    }
    const seconds = Math.min(MAX_SECONDS, Math.max(1, input.timeout ?? DEFAULT_SECONDS));
    const result = await need(hands, "exec").run(input.command, { timeoutMs: seconds * 1000 }, signal);
    return showResult(result);
  },
});

function showResult(result: CommandResult): ToolResult {
  const notes: string[] = [];
  if (result.truncated)
    notes.push(result.spill === undefined ? "output was cut" : `output was cut; all of it is in ${result.spill}`);
  if (result.timedOut) notes.push(`killed after ${Math.round(result.durationMs / 1000)} s`);
  else if (result.exitCode !== 0)
    notes.push(result.exitCode === null ? `killed by ${result.signal ?? "a signal"}` : `exit code ${result.exitCode}`);
  if (result.job !== undefined) {
    const note = `the person sent it to the background: it goes on as job ${result.job}; poll it by `;
    return textResult(withNotes(clean(result.output), [`${note}\`job\``]), { job: result.job, running: true });
  }
  const details = {
    exitCode: result.exitCode,
    signal: result.signal,
    durationMs: Math.round(result.durationMs),
    timedOut: result.timedOut,
    truncated: result.truncated,
    ...(result.spill === undefined ? {} : { spill: result.spill }),
    ...(result.spillAt === undefined ? {} : { spillAt: result.spillAt }),
    ...(result.network === undefined ? {} : { network: result.network.map((use) => ({ ...use })) }),
  };
  const text = withNotes(clean(result.output), notes);
  return result.exitCode === 0 ? textResult(text, details) : failedResult(text, details);
}

function showJob(status: JobStatus): ToolResult {
  const state = status.running
    ? "running"
    : status.exitCode === null
      ? "ended by a signal"
      : `ended with exit code ${status.exitCode}`;
  return textResult(withNotes(clean(status.output), [`job ${status.id} ${state}`]), {
    job: status.id,
    running: status.running,
    exitCode: status.exitCode,
    online: status.online,
    secret: status.secret,
  });
}

function withNotes(output: string, notes: readonly string[]): string {
  const tail = notes.length === 0 ? "" : `[${notes.join("; ")}]`;
  if (output === "") return tail === "" ? "(no output)" : tail;
  return tail === "" ? output : `${output.replace(/\n$/, "")}\n${tail}`;
}

/** What a terminal would show at the end: no colours, no overwritten progress lines. */
function clean(output: string): string {
  return stripVTControlCharacters(output)
    .replaceAll("\r\n", "\n")
    .replace(/[^\n]*\r(?=[^\n])/g, "")
    .replaceAll("\r", "");
}
