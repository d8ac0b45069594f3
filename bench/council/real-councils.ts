/** Councils of a real model: the program itself in a folder, and what its report says. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { applyPatch } from "diff";
import type { CouncilReport } from "../../src/core/council.ts";
import type { FileEdit } from "../../src/core/ports/council.ts";
import { type CouncilTask, layOut } from "./task.ts";
import { applied, createRuns, type TaskRuns } from "./task-copies.ts";
import type { Line } from "./task-table.ts";

export interface Asked {
  /** `provider/model`, or a bare name with `url`. */
  readonly model?: string;
  readonly url?: string;
  /** Voices; absent: it climbs by itself. */
  readonly size?: number;
  /** A council by name. */
  readonly preset?: string;
}

const PROGRAM = resolve(import.meta.dirname, "../../src/main.ts");

/** `crucible council --patch -o json` in this folder; throws with what it printed when there is no report. */
export async function councilIn(folder: string, words: string, asked: Asked, home?: string): Promise<CouncilReport> {
  const state = home ?? mkdtempSync(join(tmpdir(), "crucible-bench-home-"));
  try {
    const given = [
      ...(asked.url === undefined ? [] : ["--base-url", asked.url]),
      ...(asked.model === undefined ? [] : ["-m", asked.model]),
      ...(asked.size === undefined ? [] : [`--council=${asked.size}`]),
      ...(asked.preset === undefined ? [] : ["--preset", asked.preset]),
    ];
    // The person's own settings stay outside: every run begins without a record.
    const PATH = `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`;
    const env = { ...process.env, PATH, CODECRUCIBLE_HOME: state };
    const args = [PROGRAM, "council", ...given, "--patch", "-o", "json", words];
    const { stdout, stderr } = await told(args, folder, env);
    const last = stdout.trimEnd().split("\n").at(-1) ?? "";
    const { council } = (last.startsWith("{") ? JSON.parse(last) : {}) as { council?: CouncilReport };
    if (!council) throw new Error(`no report: ${(stderr || stdout).trim().split("\n").slice(0, 2).join(" ")}`);
    return council;
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
}

async function told(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
    });
  const { promise, resolve: done } = Promise.withResolvers<void>();
  child.on("close", () => done());
  await promise;
  return text;
}

/** One council for each task, scored by the hidden checks. */
export async function realCouncils(tasks: readonly CouncilTask[], asked: Asked): Promise<Line[]> {
  const runs = createRuns();
  const tried = [];
  for (const task of tasks) {
    const folder = mkdtempSync(join(tmpdir(), "crucible-bench-task-"));
    try {
      layOut(task, folder);
      mkdirSync(join(folder, ".git"));
      const report = await councilIn(folder, task.words, asked);
      const text = await resultOf(task, report);
      const solved = await runs.solves(task, text);
      const abstained = report.decision.outcome !== "decided";
      const missed = !solved && (await anySolves(task, report, runs));
      tried.push({ solved, abstained, missed, ...report.cost });
      console.error(
        `${task.name}: ${solved ? "solved" : abstained ? "abstained" : "wrong"}, ${report.cost.calls} calls`,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return [{ world: asked.model ?? "", way: asked.size === undefined ? "ladder" : `council of ${asked.size}`, tried }];
}

/** Whether a change that was not taken would have solved the task: its diff is applied as a person would. */
async function anySolves(task: CouncilTask, report: CouncilReport, runs: TaskRuns): Promise<boolean> {
  for (const { diff } of report.options) {
    if (diff === undefined) continue;
    const text = applyPatch(task.base, diff);
    if (text !== false && (await runs.solves(task, text))) return true;
  }
  return false;
}

async function resultOf(task: CouncilTask, { edits = [], decision }: CouncilReport): Promise<string> {
  const own = (edits as readonly FileEdit[]).filter(({ path }) => path === task.path);
  return decision.outcome === "decided" ? applied(task, task.base, own).text : task.base;
}

/** Lines of a file as JSON objects; none when there is no file. */
export function jsonLines(file: string): Record<string, unknown>[] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
