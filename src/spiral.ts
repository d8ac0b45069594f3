/** Wires the Living Spiral into a session: voices, councils, copies to work in, the person, and what was learned before. */
import type { Json } from "./base/canonical-json.ts";
import { systemClock } from "./base/clock.ts";
import { CrucibleError } from "./base/error.ts";
import { parseJson } from "./base/json-answer.ts";
import { type ConveneParts, convene, failedOutcome, NOTHING } from "./convene.ts";
import type { CouncilReport } from "./core/council.ts";
import type { Event } from "./core/event.ts";
import { wordsOf } from "./core/message.ts";
import type { SpiralOptions } from "./core/ports/app.ts";
import type { Conductor } from "./core/ports/conductor.ts";
import type { CopyPort } from "./core/ports/council.ts";
import type { SpiralPort, SpiralQuestion, SpiralScale, Trial } from "./core/ports/spiral.ts";
import type { Journal } from "./core/ports/store.ts";
import type { SpiralReport } from "./core/spiral.ts";
import type { Outcome } from "./core/task.ts";
import { seedOf } from "./council/plan.ts";
import { COUNCIL_SYSTEM, prefixOf } from "./council/prompts.ts";
import { isTrivial, riskOf } from "./council/risk.ts";
import { createSteps } from "./council/steps.ts";
import { contextFor } from "./council-context.ts";
import { voicePort } from "./council-plan.ts";
import { openLessons } from "./lessons.ts";
import { runSpiral, type SpiralTask } from "./spiral/run.ts";
import { loadVoices } from "./voices.ts";

export interface SpiralParts extends Omit<ConveneParts, "options"> {
  readonly options: SpiralOptions;
}

const LOOPS: Readonly<Record<SpiralScale, number>> = { micro: 2, meso: 3, epic: 5 };
/** Voices that look for a way, by scale; absent: as many as it takes. */
const SIZES: Readonly<Record<SpiralScale, number | undefined>> = { micro: 2, meso: undefined, epic: 10 };
const ANSWER_TOKENS = 1_800;
/** Longest run of one check (milliseconds). */
const CHECK_MS = 600_000;

export function spiralConductor(parts: SpiralParts): Conductor {
  return {
    async run(task, signal) {
      try {
        const report = await spiral(parts, { work: wordsOf(task.prompt), turn: task.turn }, signal);
        return outcomeOf(report);
      } catch (error) {
        return failedOutcome(error, signal);
      }
    },
  };
}

async function spiral(
  parts: SpiralParts,
  { work, turn }: { work: string; turn: number },
  signal: AbortSignal,
): Promise<SpiralReport> {
  const { journal, emit, options } = parts;
  const open = options.resume ? unfinished(journal.events()) : undefined;
  if (options.resume && !open)
    throw new CrucibleError("usage", "no spiral of this session is open", {
      hint: 'begin one: crucible spiral "the work"',
    });
  const task = open ?? taskFor(options, work, journal);
  if (!open) emit({ kind: "spiral-start", work: task.id, task: task.work, plan: task }, { turn });
  await journal.flushed();
  const copies = await parts.copies();
  const port = await portFor(parts, { task, turn, copies }, signal);
  const report = await runSpiral(task, port, { signal, now: () => systemClock.monotonic() });
  emit({ kind: "spiral-end", work: task.id, report }, { turn });
  await journal.flushed();
  return report;
}

function taskFor(
  { scale, accept, loops, threshold, wallMs }: SpiralOptions,
  work: string,
  journal: Journal,
): SpiralTask {
  // Steps are found by this id: a second spiral of a session must not take the first one's for its own.
  const earlier = journal.events().filter(({ kind }) => kind === "spiral-start").length;
  const size = scale ?? scaleOf(work);
  const limit = wallMs === undefined ? {} : { wallMs };
  return {
    id: `s${journal.session.slice(0, 13)}${earlier === 0 ? "" : `.${earlier + 1}`}`,
    work,
    scale: size,
    accept,
    loops: loops ?? LOOPS[size],
    threshold,
    ...limit,
  };
}

/** Small work needs two voices; only a person makes it epic, because a person then stands at every exit. */
function scaleOf(work: string): SpiralScale {
  return isTrivial(work) || (riskOf(work) === "low" && work.length < 200) ? "micro" : "meso";
}

/** The last spiral of the session that was cut off, or waits for a person. */
function unfinished(events: readonly Event[]): SpiralTask | undefined {
  const start = events.findLast((event) => event.kind === "spiral-start");
  const end = start && events.findLast((event) => event.kind === "spiral-end" && event.work === start.work);
  if (!start || (end?.kind === "spiral-end" && end.report.end !== "needs-human")) return undefined;
  return start.plan as unknown as SpiralTask;
}

interface Under {
  readonly task: SpiralTask;
  readonly turn: number;
  readonly copies: CopyPort;
}

async function portFor(parts: SpiralParts, { task, turn, copies }: Under, signal: AbortSignal): Promise<SpiralPort> {
  const { house, journal, gate, options, human } = parts;
  const emit: SpiralPort["emit"] = (body, context) => parts.emit(body, { turn, ...context });
  const council = {
    ...parts,
    options: { next: "report" as const, kind: "question" as const, budget: {}, files: options.files },
  };
  const voices = await voicePort(council, turn);
  const steps = createSteps(task.id, journal.events(), { emit, flushed: () => journal.flushed() });
  const known = loadVoices(house).voices;
  const tokens = house.config.get<number>("council.contextTokens");
  const room = {
    question: task.work,
    files: options.files,
    tokens,
    tokensOf: voices.tokens,
    turn,
    workspace: house.workspace,
  };
  const lessons = await openLessons(house);
  const ask = async ({ key, voice: id, text, schema }: SpiralQuestion) => {
    const voice = known.find((one) => one.id === id) ?? known[0];
    if (!voice) throw new CrucibleError("bad-config", "there are no voices", { hint: "crucible voices test" });
    // Read anew for each question: an earlier loop may have changed files.
    const context = await contextFor(gate, room, signal);
    const prefix = prefixOf({
      question: text,
      kind: "answer",
      ...context,
      checks: copies.checks().map(({ command }) => command),
    });
    const seed = seedOf({ seed: 1 }, id, key);
    const call = {
      key,
      voice,
      system: COUNCIL_SYSTEM,
      prefix,
      tail: "\nAnswer with one JSON object of the form asked for.\n",
      schema,
      temperature: voice.temperature,
      seed,
      maxTokens: ANSWER_TOKENS,
    };
    let problem = "";
    for (const again of ["", `Your last answer did not fit: `]) {
      emit({ kind: "voice-asked", work: task.id, stage: key, asked: id });
      const reply = await voices.ask(
        { ...call, tail: call.tail + (again === "" ? "" : `${again}${problem}\n`) },
        signal,
      );
      signal.throwIfAborted();
      if (reply.status !== "ok") return { problem: reply.problem ?? "it did not answer" };
      const parsed = parseJson(reply.text, schema);
      if (parsed.ok) return { value: parsed.value as Json };
      ({ problem } = parsed);
    }
    return { problem };
  };
  return {
    steps,
    emit,
    checks: copies.checks(),
    ask,
    council: async (question, scale) => {
      const size = SIZES[scale];
      // The way is chosen by words; what comes of it is judged by runs: that is where the risk is met.
      const asked = { ...council.options, risk: "low" as const, ...(size === undefined ? {} : { size }) };
      const report =
        decidedIn(journal.events(), question) ??
        (await convene({ ...council, options: asked }, { question, turn }, signal)).report;
      const winner = report.options.find((option) => option.id === report.decision.winner);
      const dissent = report.decision.dissent.flatMap(({ voice, reason }) =>
        reason ? [`${voice} objects: ${reason}`] : [],
      );
      return {
        decided: report.decision.outcome === "decided",
        text: [winner?.text ?? "", ...dissent].join("\n"),
        id: report.id,
      };
    },
    trial: async () => trialIn(copies, task.work, signal),
    approve: async (question, lines) => {
      if (!human.present) return undefined;
      return (await human.ask([question, ...lines].join("\n"), ["yes", "no"], signal)) === "yes";
    },
    lessons: async () => lessons.newest(5),
    learn: async (lesson) => lessons.add(lesson),
  };
}

/** What the council of this spiral decided before a crash cut the phase off; an earlier spiral's is none of its own. */
function decidedIn(events: readonly Event[], question: string): CouncilReport | undefined {
  const own = events.slice(events.findLastIndex(({ kind }) => kind === "spiral-start"));
  const made = own.findLast((event) => event.kind === "decision-made" && event.report.question === question);
  const decided = made?.kind === "decision-made" && made.report.decision.outcome === "decided";
  return decided ? made.report : undefined;
}

async function trialIn(copies: CopyPort, work: string, signal: AbortSignal): Promise<Trial> {
  const copy = await copies.copy(signal);
  return {
    write: (prompt) => copy.work({ title: `spiral: ${work}`, prompt }, signal),
    check: (command, files) => copy.run(command, { timeoutMs: CHECK_MS, ...(files ? { files } : {}) }, signal),
    diff: () => copy.diff(),
    scan: () => copy.scan(signal),
    accept: () => copies.accept(copy, signal),
    [Symbol.asyncDispose]: () => copy[Symbol.asyncDispose](),
  };
}

function outcomeOf({ end, reason, applied, id, loops }: SpiralReport): Outcome {
  const text = `${end === "done" ? "Done" : "Not done"}: ${reason}${applied.length > 0 ? `\nchanged: ${applied.join(", ")}` : ""}`;
  const counted = { ...NOTHING, text, turns: loops.length };
  if (end === "done") return counted;
  const { fault } = new CrucibleError("undecided", `the spiral ended without a change: ${reason}`, {
    hint:
      end === "needs-human"
        ? `go on with it: crucible spiral --resume ${id.slice(1).split(".")[0]}`
        : "say more about what is wanted, or name a check with --accept",
  });
  return { ...counted, status: "failed", fault };
}
