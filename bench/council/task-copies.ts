/** Copies of a task's workspace for an in-process council: real folders and real runs, each distinct run once for all councils. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createTwoFilesPatch } from "diff";
import { sha256 } from "../../src/base/hash.ts";
import type { CheckResult, CopyPort, FileEdit, WorkspaceCopy } from "../../src/core/ports/council.ts";
import { type CouncilTask, layOut } from "./task.ts";

type Files = readonly { readonly path: string; readonly content: string }[];
type Order = { readonly command: string; readonly timeoutMs: number; readonly files?: Files };

export interface TaskRuns {
  /** Runs a command in a fresh folder where the file to be changed has this text. */
  run(task: CouncilTask, text: string, order: Order): Promise<CheckResult>;
  /** Whether the score's own checks pass. */
  solves(task: CouncilTask, text: string): Promise<boolean>;
}

const KEPT_OUTPUT = 4_000;

export function createRuns(): TaskRuns {
  const known = new Map<string, Promise<CheckResult>>();
  const run: TaskRuns["run"] = (task, text, order) => {
    const key = sha256(JSON.stringify([task.name, text, order.command, order.files ?? []]));
    const found = known.get(key) ?? runIn(task, text, order);
    known.set(key, found);
    return found;
  };
  return {
    run,
    async solves(task, text) {
      const files = [{ path: "hidden.check.ts", content: task.hidden.replace('from "../', 'from "./') }];
      const { outcome } = await run(task, text, { command: "node hidden.check.ts", timeoutMs: 30_000, files });
      return outcome === "pass";
    },
  };
}

/** Copies that hold the one file which councils of these tasks change. */
export function taskCopies(task: CouncilTask, runs: TaskRuns): CopyPort {
  return {
    checks: () => [{ id: "test", kind: "test", command: "node --test" }],
    copy: async () => oneCopy(task, runs),
    accept: async () => [],
  };
}

function oneCopy(task: CouncilTask, runs: TaskRuns): WorkspaceCopy {
  let text = task.base;
  return {
    async edit(edits) {
      const after = applied(task, text, edits);
      if (after.problem === undefined) text = after.text;
      return after.problem === undefined ? {} : { problem: after.problem };
    },
    run: (command, options) => runs.run(task, text, { command, ...options }),
    work: async () => ({ text: "", problem: "nobody works in this copy" }),
    scan: async () => [],
    diff: async () => (text === task.base ? "" : createTwoFilesPatch(task.path, task.path, task.base, text)),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** The text after all edits; an edit of another file is a problem: every task has one file. */
export function applied(
  task: CouncilTask,
  text: string,
  edits: readonly FileEdit[],
): { readonly text: string; readonly problem?: string } {
  let after = text;
  for (const { path, find, replace } of edits) {
    if (path !== task.path) return { text, problem: `${path} is not part of this task` };
    if (find !== "" && after.split(find).length !== 2) return { text, problem: `find does not stand once in ${path}` };
    after = find === "" ? replace : after.replace(find, () => replace);
  }
  return { text: after };
}

async function runIn(task: CouncilTask, text: string, { command, timeoutMs, files = [] }: Order): Promise<CheckResult> {
  const folder = mkdtempSync(join(tmpdir(), "crucible-task-"));
  try {
    layOut(task, folder, text);
    for (const { path, content } of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    return await spawned(command, folder, timeoutMs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function spawned(command: string, cwd: string, timeoutMs: number): Promise<CheckResult> {
  const started = performance.now();
  const [program = "", ...words] = command.split(" ");
  // A test runner inside of another one would report to it instead of by its exit code.
  const env: Record<string, string> = { PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`, HOME: cwd };
  const child = spawn(program, words, { cwd, env, timeout: timeoutMs, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output = (output + chunk).slice(-KEPT_OUTPUT);
    });
  const { promise, resolve } = Promise.withResolvers<CheckResult>();
  child.on("close", (exitCode, killed) => {
    const ms = performance.now() - started;
    resolve({ outcome: killed ? "timeout" : exitCode === 0 ? "pass" : "fail", exitCode, output, ms });
  });
  return promise;
}
