/** The Living Spiral: a state machine of five phases. A phase ends only when its exit test holds; every phase is on record. */
import type { Json } from "../base/canonical-json.ts";
import type { SpiralPort, SpiralScale, Trial } from "../core/ports/spiral.ts";
import type { Phase, Problem, Quality, QualityCheck, SpiralEnd, SpiralPlan, SpiralReport } from "../core/spiral.ts";
import {
  AUDIT_FORM,
  approachText,
  auditText,
  collapseText,
  LESSON_FORM,
  lessonText,
  PLAN_FORM,
  PROBLEM_FORM,
  planText,
  writeText,
} from "./prompts.ts";
import { isAccepted, lacks, qualityOf } from "./quality.ts";

/** What a spiral is told at its start; a resumption takes it from the record. */
export type SpiralTask = {
  readonly id: string;
  readonly work: string;
  readonly scale: SpiralScale;
  /** Commands that the person named: the work is done when they pass. */
  readonly accept: readonly string[];
  readonly loops: number;
  readonly threshold: number;
  /** Milliseconds; a loop is not begun when less than the longest one so far is left. */
  readonly wallMs?: number;
};

/** Less than this is no progress. */
const PROGRESS = 0.02;

interface State {
  readonly task: SpiralTask;
  readonly port: SpiralPort;
  readonly signal: AbortSignal;
  readonly started: number;
  readonly now: () => number;
}

type Loop = {
  readonly quality: Quality;
  readonly diff: string;
  readonly applied: readonly string[];
  readonly problem?: string;
};

/** Runs until it is done, or says why a person is needed. Throws what the port throws. */
export async function runSpiral(
  task: SpiralTask,
  port: SpiralPort,
  { signal, now }: { signal: AbortSignal; now: () => number },
): Promise<SpiralReport> {
  const state: State = { task, port, signal, started: now(), now };
  const loops: Loop[] = [];
  const end = (kind: SpiralEnd, reason: string, more: Partial<SpiralReport> = {}): SpiralReport => ({
    id: task.id,
    work: task.work,
    scale: task.scale,
    end: kind,
    reason,
    loops: loops.map(({ applied: _applied, ...loop }) => loop),
    applied: loops.at(-1)?.applied ?? [],
    ...more,
  });
  const problem = await phase(state, { phase: "collapse", loop: 1 }, () => collapse(state));
  if ("stop" in problem) return end("needs-human", problem.stop);
  const known = { problem: problem.value };
  if (!(await agreed(state, "collapse", problem.told))) return end("needs-human", "stopped after the collapse", known);
  const approach = await phase(state, { phase: "council", loop: 1 }, () => council(state, problem.value));
  if ("stop" in approach) return end("needs-human", approach.stop, known);
  if (!(await agreed(state, "council", approach.told))) return end("needs-human", "stopped after the council", known);
  let lacking: readonly string[] = [];
  let plan: SpiralPlan | undefined;
  for (let loop = 1; loop <= task.loops; loop++) {
    const planned = await phase(state, { phase: "synthesis", loop }, () =>
      synthesise(state, problem.value, { approach: approach.value, lacking, loop }),
    );
    if ("stop" in planned) return end("needs-human", planned.stop, known);
    plan = planned.value;
    showPlan(port, plan, 0);
    if (!(await agreed(state, "synthesis", planned.told)))
      return end("needs-human", "stopped after the plan", { ...known, plan });
    const current = plan;
    const born = await phase(state, { phase: "rebirth", loop }, () =>
      rebirth(state, problem.value, { plan: current, lacking, loop }),
    );
    if ("stop" in born) return end("needs-human", born.stop, { ...known, plan });
    loops.push(born.value);
    const { quality } = born.value;
    const before = lacking;
    lacking = [...lacks(quality), ...(born.value.problem ? [born.value.problem] : [])];
    const stop = stopOf(state, loops);
    const reflected = await phase(state, { phase: "reflection", loop }, () =>
      reflect(state, { loop, lacking: stop?.end === "done" ? before : lacking, done: stop?.end === "done" }),
    );
    const lesson = "value" in reflected && reflected.value !== "" ? { lesson: reflected.value } : {};
    if (stop?.end === "done") showPlan(port, plan, plan.steps.length);
    if (stop) return end(stop.end, stop.reason, { ...known, plan, ...lesson });
  }
  return end("loops", `not accepted after ${task.loops} loops`, { ...known, ...(plan ? { plan } : {}) });
}

type Result<T> = { readonly value: T; readonly told: readonly string[] } | { readonly stop: string };

/** Announces a phase and keeps what it came to. */
async function phase<T extends Json>(
  { port, task }: State,
  at: { readonly phase: Phase; readonly loop: number },
  work: () => Promise<Result<T>>,
): Promise<Result<T>> {
  const { emit } = port;
  emit({ kind: "phase-start", work: task.id, ...at });
  let stopped: { readonly stop: string } | undefined;
  const result = await port.steps
    .once(`${at.loop}/${at.phase}`, async () => {
      const found = await work();
      if (!("stop" in found)) return found as unknown as Json;
      // What stopped a phase is not kept: taken up again, the phase is tried anew.
      stopped = found;
      throw new Error(found.stop);
    })
    .then((value) => value as unknown as Result<T>)
    .catch((error: unknown) => {
      if (stopped) return stopped;
      throw error;
    });
  emit({ kind: "phase-end", work: task.id, ...at, text: "stop" in result ? result.stop : result.told.join("\n") });
  return result;
}

/** One call: a goal, what must stay true, and checks that fail now. The person's own checks count first. */
async function collapse(state: State): Promise<Result<Problem>> {
  const { port, task, signal } = state;
  const lessons = await port.lessons();
  const text = collapseText(task.work, lessons);
  const { value, problem } = await port.ask({ key: "collapse", voice: "explorer", text, schema: PROBLEM_FORM }, signal);
  if (value === undefined) return { stop: `the work was not understood: ${problem ?? "no answer"}` };
  const written = value as {
    goal: string;
    constraints: string[];
    acceptance: { title: string; path: string; content: string; command: string }[];
  };
  if (written.goal.trim() === "") return { stop: "the work has no goal that could be stated" };
  const own = task.accept.map((command) => ({ title: command, command, trust: "user" as const }));
  const generated = written.acceptance
    .filter(({ command }) => command.trim() !== "")
    .map(({ title, path, content, command }) => {
      const files = path.trim() === "" ? {} : { files: [{ path, content }] };
      return { title: title || command, command, ...files, trust: "generated" as const };
    });
  const acceptance = [...own, ...generated];
  const noOracle = acceptance.length === 0 && !port.checks.some(({ kind }) => kind === "test");
  const told = [
    written.goal,
    ...acceptance.map(({ title, trust }) => `done when: ${title}${trust === "user" ? " (yours)" : ""}`),
    ...(noOracle ? ["nothing that runs tells whether it is done"] : []),
  ];
  return { value: { goal: written.goal, constraints: written.constraints, acceptance, noOracle }, told };
}

async function council({ port, task, signal }: State, problem: Problem): Promise<Result<string>> {
  const { decided, text, id } = await port.council(approachText(problem, task.work), task.scale, signal);
  if (!decided) return { stop: `the council did not decide on a way (crucible council show ${id})` };
  return { value: text, told: [text.split("\n").slice(0, 6).join("\n")] };
}

async function synthesise(
  { port, signal }: State,
  problem: Problem,
  { approach, lacking, loop }: { approach: string; lacking: readonly string[]; loop: number },
): Promise<Result<SpiralPlan>> {
  const text = planText(problem, approach, lacking);
  const { value, problem: why } = await port.ask(
    { key: `plan-${loop}`, voice: "architect", text, schema: PLAN_FORM },
    signal,
  );
  const plan = value as unknown as SpiralPlan | undefined;
  if (!plan) return { stop: `there is no plan: ${why ?? "no answer"}` };
  if (plan.steps.length === 0 || plan.files.length === 0) return { stop: "the plan names no steps, or no files" };
  const told = [
    `files: ${plan.files.join(", ")}`,
    ...plan.risks.map((risk) => `risk: ${risk}`),
    `rollback: ${plan.rollback}`,
  ];
  return { value: plan, told };
}

/** In a copy: the writer works, everything that can be run is run, and only what is accepted reaches the workspace. */
async function rebirth(
  state: State,
  problem: Problem,
  { plan, lacking, loop }: { plan: SpiralPlan; lacking: readonly string[]; loop: number },
): Promise<Result<Loop>> {
  const { port, task, signal } = state;
  await using base = await port.trial(signal);
  const before = await outcomes(state, base, problem);
  await using trial = await port.trial(signal);
  const { problem: stopped } = await trial.write(writeText(problem, plan, lacking), signal);
  const diff = await trial.diff();
  const findings = await trial.scan();
  const after = await outcomes(state, trial, problem);
  const checks = after.map((check, at): QualityCheck => ({ ...check, before: before[at]?.after ?? "error" }));
  const quality = qualityOf(checks, findings);
  const grave = diff === "" ? "nothing was changed" : await audited(state, diff, loop);
  const accepted = isAccepted(quality, task.threshold) && grave === undefined;
  const told = [
    qualityLine(quality),
    ...checks.map(({ title, before: was, after: is }) => `${title}: ${was} -> ${is}`),
    ...findings,
    ...(grave ? [grave] : []),
  ];
  const why = grave ?? stopped;
  if (!accepted) return { value: { quality, diff, applied: [], ...(why === undefined ? {} : { problem: why }) }, told };
  if (!(await agreed(state, "rebirth", told)))
    return { stop: "the change was not taken: the person said no, or nobody was there" };
  const applied = await trial.accept(signal);
  return { value: { quality, diff, applied }, told: [...told, `applied: ${applied.join(", ")}`] };
}

/** The second of two voices reads what the first wrote; only what it calls grave stands in the way, once. */
async function audited({ port, task, signal }: State, diff: string, loop: number): Promise<string | undefined> {
  if (loop >= task.loops) return undefined;
  const { value } = await port.ask(
    { key: `audit-${loop}`, voice: "maintainer", text: auditText(task.work, diff), schema: AUDIT_FORM },
    signal,
  );
  const { findings = [] } = (value ?? {}) as {
    findings?: readonly { file: string; line: number; problem: string; grave: boolean }[];
  };
  const grave = findings.filter((finding) => finding.grave && diff.includes(finding.file));
  if (grave.length === 0) return undefined;
  return grave.map(({ file, line, problem }) => `the auditor: ${file}:${line} ${problem}`).join("\n");
}

async function outcomes({ port, signal }: State, trial: Trial, { acceptance }: Problem): Promise<QualityCheck[]> {
  const kinds = { test: "suite", types: "types", lint: "lint" } as const;
  const checks = [
    ...port.checks.map(({ kind, command }) => ({ kind: kinds[kind], title: command, command, files: undefined })),
    ...acceptance.map(({ title, command, files }) => ({ kind: "acceptance" as const, title, command, files })),
  ];
  const results: QualityCheck[] = [];
  for (const { kind, title, command, files } of checks) {
    const { outcome, output } = await trial.check(command, files, signal);
    results.push({ kind, title, command, before: outcome, after: outcome, output });
  }
  return results;
}

function qualityLine({ value, broken }: Quality): string {
  if (value === null) return "quality unknown: no suite and no acceptance check could run";
  return `quality ${value.toFixed(2)}${broken.length > 0 ? `, broken: ${broken.join(", ")}` : ""}`;
}

/** Why no further loop is begun; undefined when one is. */
function stopOf({ task, started, now }: State, loops: readonly Loop[]): { end: SpiralEnd; reason: string } | undefined {
  const last = loops.at(-1);
  if (!last) return undefined;
  const { quality, applied } = last;
  if (applied.length > 0) return { end: "done", reason: qualityLine(quality) };
  if (quality.value === null) return { end: "needs-human", reason: qualityLine(quality) };
  if (last.diff === "" && loops.length > 1) return { end: "plateau", reason: "the writer changes nothing any more" };
  const best = Math.max(...loops.slice(0, -1).map((loop) => loop.quality.value ?? 0), -1);
  if (loops.length > 2 && quality.value < best + PROGRESS)
    return { end: "plateau", reason: `no progress: ${qualityLine(quality)}` };
  const each = (now() - started) / loops.length;
  if (task.wallMs !== undefined && now() - started + each > task.wallMs)
    return { end: "budget", reason: `the time is up: ${qualityLine(quality)}` };
  return undefined;
}

async function reflect(
  { port, task, signal }: State,
  { loop, lacking, done }: { loop: number; lacking: readonly string[]; done: boolean },
): Promise<Result<string>> {
  if (lacking.length === 0) return { value: "", told: [] };
  const text = lessonText(task.work, lacking, done);
  const { value } = await port.ask({ key: `lesson-${loop}`, voice: "guardian", text, schema: LESSON_FORM }, signal);
  const { lesson = "" } = (value ?? {}) as { lesson?: string };
  if (lesson.trim() === "") return { value: "", told: [] };
  await port.learn(lesson.trim());
  return { value: lesson.trim(), told: [lesson.trim()] };
}

/** At the largest scale a person stands at each exit; nobody there means that it waits. */
async function agreed({ port, task, signal }: State, at: Phase, lines: readonly string[]): Promise<boolean> {
  if (task.scale !== "epic") return true;
  return (await port.approve(`The ${at} is done. Go on?`, lines, signal)) === true;
}

function showPlan(port: SpiralPort, { steps }: SpiralPlan, done: number): void {
  const todos = steps.map((text, at) => ({
    text,
    status: at < done ? ("done" as const) : at === done ? ("in_progress" as const) : ("pending" as const),
  }));
  port.emit({ kind: "todos-set", todos });
}
