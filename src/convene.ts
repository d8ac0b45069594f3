/** Wires a council into a session: who sits, what they read, where checks run; and goes on with one that was cut off. */
import type { Json } from "./base/canonical-json.ts";
import { systemClock } from "./base/clock.ts";
import { CrucibleError, toFault } from "./base/error.ts";
import type { CouncilOption, CouncilReport } from "./core/council.ts";
import type { Emit, Event } from "./core/event.ts";
import { type Message, wordsOf } from "./core/message.ts";
import type { CouncilOptions } from "./core/ports/app.ts";
import type { Conductor } from "./core/ports/conductor.ts";
import type { CopyPort } from "./core/ports/council.ts";
import type { Gate } from "./core/ports/gate.ts";
import type { Human } from "./core/ports/human.ts";
import type { Models, OpenModel } from "./core/ports/models.ts";
import type { Journal } from "./core/ports/store.ts";
import type { Outcome } from "./core/task.ts";
import { digestForThread, digestOf } from "./council/digest.ts";
import type { CouncilPlan } from "./council/plan.ts";
import { priceOf, priceText } from "./council/price.ts";
import { COUNCIL_SYSTEM } from "./council/prompts.ts";
import { isTrivial } from "./council/risk.ts";
import { runCouncil } from "./council/run.ts";
import { createSteps } from "./council/steps.ts";
import { applyEdits, changesIn, takenFrom } from "./council-apply.ts";
import { planFor, voicePort } from "./council-plan.ts";
import type { House } from "./house.ts";
import { openRecord } from "./outcomes.ts";

export interface ConveneParts {
  readonly house: House;
  readonly options: CouncilOptions;
  readonly model: OpenModel;
  readonly models: Models;
  readonly journal: Journal;
  readonly emit: Emit;
  readonly gate: Gate;
  /** Throw-away copies of the workspace; opened when a patch is to be tried. */
  readonly copies: () => Promise<CopyPort>;
  /** The one voice that goes on after the council. */
  readonly writer: Conductor;
  /** Who is asked where a council does not decide. */
  readonly human: Human;
}

/** A council as a conductor: it decides, and then one voice writes if that was asked for. */
export function councilConductor(parts: ConveneParts): Conductor {
  return {
    async run(task, signal) {
      const question = wordsOf(task.prompt);
      const { options, emit, writer } = parts;
      const write = options.next === "write";
      if (write && options.size === undefined && options.voices === undefined && isTrivial(question)) {
        emit({ kind: "model-note", code: "council-off", text: "one voice is enough for this: no council was called" });
        return writer.run(task, signal);
      }
      const limit =
        task.budget.wallMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(task.budget.wallMs)]);
      try {
        const { report, applied, next, chosen } = await convene(parts, { question, turn: task.turn }, limit);
        const settled = report.decision.outcome === "decided" || chosen !== undefined;
        if (next !== "write" || !settled) return councilOutcome(report, applied, chosen);
        const message: Message = {
          role: "user",
          parts: [{ type: "text", text: digestForThread(report, applied, chosen) }],
        };
        emit({ kind: "message-added", message, reason: "council" }, { turn: task.turn });
        return await writer.run(task, signal);
      } catch (error) {
        return failedOutcome(error, signal);
      }
    },
  };
}

export const NOTHING: Outcome = {
  status: "done",
  text: "",
  verification: { status: "unchanged", runs: [], text: "", changed: false },
  openDenials: [],
  turns: 0,
  toolCalls: 0,
};

/** How work ends that threw: cancelled by the person, or with the fault it threw. */
export function failedOutcome(error: unknown, signal: AbortSignal): Outcome {
  if (!signal.aborted) return { ...NOTHING, status: "failed", fault: toFault(error) };
  return { ...NOTHING, status: "cancelled", fault: { code: "aborted", message: "cancelled", retryable: false } };
}

function councilOutcome(report: CouncilReport, applied: readonly string[], chosen?: CouncilOption): Outcome {
  const { decision, cost } = report;
  const counted = { turns: cost.calls, toolCalls: 0 };
  const text = digestOf(report, applied, chosen);
  if (decision.outcome === "decided" || chosen) return { ...NOTHING, ...counted, text };
  const { fault } = new CrucibleError(
    "undecided",
    `the council did not decide: ${decision.abstainReason ?? "nobody answered"}`,
    {
      hint: `look at it: crucible council show ${report.id}`,
    },
  );
  return { ...NOTHING, ...counted, status: "failed", text, fault };
}

export interface Asked {
  readonly question: string;
  readonly turn: number;
}

interface Convened {
  readonly report: CouncilReport;
  readonly applied: readonly string[];
  readonly next: string;
  /** What the person took where the council did not decide. */
  readonly chosen?: CouncilOption;
}

/** The council of this turn: a new one, or the one that a crash cut off. */
export async function convene(parts: ConveneParts, asked: Asked, signal: AbortSignal): Promise<Convened> {
  const { journal, emit, options } = parts;
  const context = { turn: asked.turn };
  const voices = await voicePort(parts, asked.turn);
  const open = unfinished(journal.events(), options.resume ? undefined : asked.question);
  if (options.resume && !open)
    throw new CrucibleError("usage", "no council of this session was cut off", { hint: "see: crucible council list" });
  const plan = open?.plan ?? (await planFor(parts, { voices, asked }, signal));
  if (!open) {
    const price = priceText(plan, priceOf(plan, voices.tokens(COUNCIL_SYSTEM + plan.prefix), parts.model.rates));
    const { next } = options;
    const start = { work: plan.id, question: plan.question, price, next, plan: plan as unknown as Json };
    emit({ kind: "council-start", ...start }, context);
  }
  await journal.flushed();
  const copies = plan.kind === "patch" ? await parts.copies() : undefined;
  const told: Emit = (body, given) => emit(body, { ...context, ...given });
  const steps = createSteps(plan.id, journal.events(), { emit: told, flushed: () => journal.flushed() });
  const ports = { voices, steps, clock: systemClock, emit: told, ...(copies ? { copies } : {}) };
  const report = open?.report ?? (await runCouncil(plan, ports, signal)).report;
  if (!open?.report) emit({ kind: "decision-made", work: plan.id, report }, context);
  await journal.flushed();
  const next = open?.next ?? options.next;
  const taken = copies && next !== "report" ? await takenFrom(report, parts.human, signal) : undefined;
  const before = journal.events().length;
  const { workspace } = parts.house;
  const applied =
    copies && taken
      ? await steps.once(APPLIED, () => applyEdits(copies, { report, edits: taken.edits, workspace }, signal))
      : [];
  const record = await openRecord(parts.house);
  record.keep(report, changesIn(journal.events().slice(before), applied, workspace));
  if (taken?.chosen) record.settle(report.id, taken.chosen.id);
  record.close();
  return { report, applied, next, ...(taken?.chosen ? { chosen: taken.chosen } : {}) };
}

/** The step after which nothing of a council is open that was to be applied. */
const APPLIED = "applied";

interface Open {
  readonly plan: CouncilPlan;
  readonly next: string;
  /** It decided, and what it decided did not reach the workspace. */
  readonly report?: CouncilReport;
}

/** The last council, when it was cut off; with a `question` only if it was asked the same. */
function unfinished(events: readonly Event[], question: string | undefined): Open | undefined {
  const last = events.findLast((event) => event.kind === "council-start" && !isReview(event.plan));
  if (last?.kind !== "council-start" || (question !== undefined && question !== last.question)) return undefined;
  const open = { plan: last.plan as unknown as CouncilPlan, next: last.next };
  const made = events.find((event) => event.kind === "decision-made" && event.work === last.work);
  if (made?.kind !== "decision-made") return open;
  const done = events.some((event) => event.kind === "step-done" && event.work === last.work && event.key === APPLIED);
  const due = last.next !== "report" && made.report.decision.outcome === "decided" && made.report.edits !== undefined;
  return due && !done ? { ...open, report: made.report } : undefined;
}

/** A review has a plan too; it ends without a decision. */
const isReview = (plan: Json) => (plan as { readonly kind?: string }).kind === "review";
