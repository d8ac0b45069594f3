/** Councils of scripted voices on the tasks, through the real runner: what each rung solves and costs, beside one voice alone. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import type { CouncilReport } from "../../src/core/council.ts";
import type { Emit, Event } from "../../src/core/event.ts";
import type { Voice } from "../../src/core/voice.ts";
import { assemble } from "../../src/council/assemble.ts";
import { prefixOf } from "../../src/council/prompts.ts";
import { riskOf } from "../../src/council/risk.ts";
import { runCouncil } from "../../src/council/run.ts";
import { parseVoice } from "../../src/council/voice-file.ts";
import { NO_RECORD } from "../../src/council/weights.ts";
import { type Casting, changeBy, patchOf, scriptedVoices, tokensOf } from "./scripted-voices.ts";
import { type CouncilTask, variantsOf, visiblePath } from "./task.ts";
import { applied, type TaskRuns, taskCopies } from "./task-copies.ts";

/** What one way of working did with one task. */
export interface Tried {
  readonly solved: boolean;
  readonly abstained: boolean;
  /** A right change was there and was not taken. */
  readonly missed: boolean;
  readonly calls: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Time of checks, milliseconds. */
  readonly execMs: number;
}

/** Nobody listens: events only have to be made. */
const told: Emit = (body) => ({ ...body, v: 1, seq: 0, at: 0, session: "bench", epoch: 0 }) as Event;

const VOICES = join(import.meta.dirname, "../../voices");

export function packagedVoices(): readonly Voice[] {
  const files = readdirSync(VOICES).filter((file) => file.endsWith(".md"));
  return files.map((file) =>
    parseVoice({ file: join(VOICES, file), origin: "built-in", text: readFileSync(join(VOICES, file), "utf8") }),
  );
}

/** A council of this size; `cheap` climbs as it does before a writer, undefined as it does for people who name none. */
export async function councilOn(
  casting: Casting,
  runs: TaskRuns,
  size?: number | "cheap",
  look?: (r: CouncilReport) => void,
): Promise<Tried> {
  const { task, seed } = casting;
  const roster = packagedVoices();
  const voices = scriptedVoices(casting, roster);
  const sized = size === "cheap" ? { cheap: true } : size === undefined ? {} : { size };
  const wanted = { kind: "patch", risk: riskOf(task.words), ...sized } as const;
  const groupOf = (voice: Voice) => voices.group(voice);
  const assembly = assemble(wanted, { voices: roster, presets: [], groupOf, weights: NO_RECORD });
  const copies = taskCopies(task, runs);
  const question = task.words;
  const files = [
    { path: task.path, text: task.base },
    { path: visiblePath(task), text: task.visible },
  ];
  const prefix = prefixOf({ question, kind: "patch", files, checks: copies.checks().map(({ command }) => command) });
  const plan = {
    ...{ id: `${task.name}-${seed}`, kind: "patch" as const, question, risk: wanted.risk, seed, budget: {}, width: 4 },
    ...{ ...assembly, checks: copies.checks(), weights: NO_RECORD, prefix },
  };
  const steps = { once: <T>(_: string, work: () => Promise<T>) => work() };
  const ports = { voices, steps, copies, clock: systemClock, emit: told };
  const { report } = await runCouncil(plan, ports, new AbortController().signal);
  look?.(report);
  return triedBy(report, task, runs);
}

async function triedBy(report: CouncilReport, task: CouncilTask, runs: TaskRuns): Promise<Tried> {
  const { text } = applied(task, task.base, report.edits ?? []);
  const solved = report.decision.outcome === "decided" && (await runs.solves(task, text));
  const at = [...variantsOf(task).keys()].indexOf("reference");
  const there = report.options.some((option) => option.text === `Reading ${at} of the task.`);
  const { calls, promptTokens, outputTokens, execMs } = report.cost;
  const abstained = report.decision.outcome !== "decided";
  return { solved, abstained, missed: there && !solved, calls, promptTokens, outputTokens, execMs };
}

/** One voice that sees what the visible checks print and tries again, with as many output tokens. */
export async function aloneOn(casting: Casting, runs: TaskRuns, outputTokens: number): Promise<Tried> {
  const tries = await samples(casting, runs, { outputTokens, stop: true });
  return chosen(casting, runs, tries, tries.at(-1));
}

/** One voice that answers as often as the tokens allow: the most frequent change that passes the visible checks. */
export async function sampledOn(casting: Casting, runs: TaskRuns, outputTokens: number): Promise<Tried> {
  const tries = await samples(casting, runs, { outputTokens, stop: false });
  const passing = tries.filter(({ passes }) => passes);
  const votes = (change: string) => passing.filter((one) => one.change === change).length;
  const [best = tries[0]] = passing.toSorted((a, b) => votes(b.change) - votes(a.change));
  return chosen(casting, runs, tries, best);
}

interface Sample {
  readonly change: string;
  readonly passes: boolean;
  readonly outputTokens: number;
  readonly execMs: number;
}

async function samples(
  casting: Casting,
  runs: TaskRuns,
  { outputTokens, stop }: { outputTokens: number; stop: boolean },
): Promise<Sample[]> {
  const { task } = casting;
  const tries: Sample[] = [];
  let left = outputTokens;
  do {
    const change = changeBy(casting, "alone", "model-0", `try-${tries.length}`);
    const cost = tokensOf(JSON.stringify(patchOf(casting, change)));
    const text = variantsOf(task).get(change) ?? task.base;
    const { outcome, ms } = await runs.run(task, text, { command: "node --test", timeoutMs: 60_000 });
    tries.push({ change, passes: outcome === "pass", outputTokens: cost, execMs: ms });
    left -= cost;
    if (stop && outcome === "pass") break;
  } while (left > 0);
  return tries;
}

async function chosen(casting: Casting, runs: TaskRuns, tries: readonly Sample[], taken?: Sample): Promise<Tried> {
  const { task } = casting;
  const solved = await runs.solves(task, variantsOf(task).get(taken?.change ?? "") ?? task.base);
  const sum = (of: (one: Sample) => number) => tries.reduce((all, one) => all + of(one), 0);
  const read = tokensOf(task.words + task.base + task.visible) + 600;
  return {
    solved,
    abstained: false,
    missed: !solved && tries.some(({ change }) => change === "reference"),
    calls: tries.length,
    promptTokens: tries.length * read,
    outputTokens: sum(({ outputTokens }) => outputTokens),
    execMs: sum(({ execMs }) => execMs),
  };
}
