/** Wires a review into a session: which change, who reads it, and where the checks run that confirm what they say. */
import { canonicalJson } from "./base/canonical-json.ts";
import { systemClock } from "./base/clock.ts";
import { CrucibleError } from "./base/error.ts";
import { shortId } from "./base/id.ts";
import { plural } from "./base/text.ts";
import { type ConveneParts, failedOutcome, NOTHING } from "./convene.ts";
import { LOCAL_USER } from "./core/actor.ts";
import type { ReviewOptions } from "./core/ports/app.ts";
import type { Conductor } from "./core/ports/conductor.ts";
import type { CopyPort, WorkspaceCopy } from "./core/ports/council.ts";
import { type ReviewReport, SEVERITIES } from "./core/review.ts";
import type { Outcome } from "./core/task.ts";
import type { Checking } from "./council/evidence.ts";
import type { CouncilPlan } from "./council/plan.ts";
import { prefixOf } from "./council/prompts.ts";
import { type RunBoth, reviewChange } from "./council/review.ts";
import { sit } from "./council/sitting.ts";
import { createSteps } from "./council/steps.ts";
import { NO_RECORD } from "./council/weights.ts";
import { contextFor } from "./council-context.ts";
import { councilId, membersFor, voicePort } from "./council-plan.ts";
import { type Change, changeOf } from "./review-change.ts";

export interface ReviewParts extends Omit<ConveneParts, "options"> {
  readonly options: ReviewOptions;
}

/** Part of the model's window that the change and the files around it may fill. */
const WINDOW_SHARE = 0.6;

export function reviewConductor(parts: ReviewParts): Conductor {
  return {
    async run(task, signal) {
      try {
        const report = await review(parts, task.turn, signal);
        parts.emit({ kind: "review-end", work: report.id, report }, { turn: task.turn });
        await parts.journal.flushed();
        return outcomeOf(report);
      } catch (error) {
        return failedOutcome(error, signal);
      }
    },
  };
}

function outcomeOf({ failed, failOn, findings, voices, cost }: ReviewReport): Outcome {
  const counted = { ...NOTHING, turns: cost.calls };
  if (!voices.some(({ status }) => status === "ok")) {
    const why = voices[0]?.problem ?? "the budget allows no call";
    const { fault } = new CrucibleError("undecided", `nobody read the change: ${why}`, { hint: "crucible doctor" });
    return { ...counted, status: "failed", fault };
  }
  if (!failed) return counted;
  const grave = findings.filter(({ status, severity }) => status !== "unconfirmed" && isAtLeast(severity, failOn));
  const { fault } = new CrucibleError(
    "findings",
    `the review fails: ${plural(grave.length, "finding")} of ${failOn} or worse`,
    {
      hint: "mend them, or look at each above",
    },
  );
  return { ...counted, status: "failed", fault };
}

const isAtLeast = (severity: ReviewReport["failOn"], least: ReviewReport["failOn"]) =>
  severity !== undefined && least !== undefined && SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);

async function review(parts: ReviewParts, turn: number, signal: AbortSignal): Promise<ReviewReport> {
  const { options, emit, journal } = parts;
  const act = (tool: string, input: Record<string, unknown>) =>
    parts.gate.run(
      { type: "tool-call", id: shortId("review"), tool, input },
      { actor: LOCAL_USER, turn, voice: "council" },
      signal,
    );
  const port = await voicePort(parts, turn);
  const room = Math.floor(parts.model.window.tokens * WINDOW_SHARE);
  const change = await changeOf(act, options, {
    workspace: parts.house.workspace,
    tokens: room,
    tokensOf: port.tokens,
  });
  const plan = await planFor(parts, { port, change, turn, room }, signal);
  const price = `review ${plan.id} of ${change.name}: ${plan.members.map(({ voice }) => voice.id).join(", ")}\n${plural(plan.members.length, "call")}, about ${port.tokens(plan.prefix)} tokens to read once${change.left.length > 0 ? `; too large to be read: ${change.left.join(", ")}` : ""}`;
  emit(
    {
      kind: "council-start",
      work: plan.id,
      question: plan.question,
      price,
      next: "report",
      plan: JSON.parse(canonicalJson(plan)),
    },
    { turn },
  );
  const steps = createSteps(plan.id, journal.events(), { emit, flushed: () => journal.flushed() });
  const sitting = sit(
    plan,
    { voices: port, steps, clock: systemClock, emit: (body, context) => emit(body, { turn, ...context }) },
    signal,
  );
  await using bench = await comparedIn(await parts.copies(), change, signal);
  const found = await reviewChange(sitting, { files: change.files, run: bench.run });
  const { failOn } = options;
  const grave = found.findings.some(({ status, severity }) => status !== "unconfirmed" && isAtLeast(severity, failOn));
  return {
    id: plan.id,
    change: change.name,
    files: change.files,
    findings: found.findings,
    checks: found.checks,
    voices: sitting.voices,
    groups: [...new Set(plan.members.map(({ group }) => group))],
    unread: change.left,
    elsewhere: found.elsewhere,
    cost: { ...sitting.budget.cost },
    ...(failOn === undefined ? {} : { failOn }),
    failed: grave,
  };
}

async function planFor(
  parts: ReviewParts,
  {
    port,
    change,
    turn,
    room,
  }: { port: Awaited<ReturnType<typeof voicePort>>; change: Change; turn: number; room: number },
  signal: AbortSignal,
): Promise<CouncilPlan> {
  const { house, options, gate, journal } = parts;
  const members = await membersFor(house, options, port);
  const question = `Review the change: ${change.name}.`;
  const tokens = Math.max(0, room - port.tokens(change.diff));
  const files = [...options.files, ...change.files];
  const context = await contextFor(
    gate,
    { question: "", files: [], prefer: files, tokens, tokensOf: port.tokens, turn, workspace: house.workspace },
    signal,
  );
  return {
    id: councilId(journal),
    kind: "review",
    question,
    risk: "medium",
    seed: 1,
    members,
    rungs: [members.length],
    wholeRungs: true,
    budget: { ...house.config.get<object>("council.budget"), ...options.budget },
    width: Math.max(1, port.width),
    checks: [],
    weights: NO_RECORD,
    prefix: prefixOf({ question, kind: "review", files: context.files, checks: [], change: change.diff }),
  };
}

/** Two copies: the change as it is, and the code before it. Where the change cannot be taken back, nothing is run. */
async function comparedIn(
  copies: CopyPort,
  change: Change,
  signal: AbortSignal,
): Promise<{ readonly run: RunBoth } & AsyncDisposable> {
  let both: Promise<readonly [WorkspaceCopy, WorkspaceCopy] | undefined> | undefined;
  const make = async () => {
    const before = await copies.copy(signal);
    const path = ".crucible-review.patch";
    const files = [{ path, content: change.diff }];
    const back = await before.run(`git apply -R --whitespace=nowarn ${path}`, { timeoutMs: 60_000, files }, signal);
    if (back.outcome === "pass") return [before, await copies.copy(signal)] as const;
    await before[Symbol.asyncDispose]();
    return undefined;
  };
  const run: RunBoth = async ({ run: check }: Checking) => {
    both ??= make();
    const pair = await both;
    if (!pair) return undefined;
    const clean = await Promise.all(pair.map((copy) => copy.diff()));
    const [before, after] = await Promise.all(pair.map((copy) => copy.run(check.command, check, signal)));
    if (!before || !after) return undefined;
    // A failure is believed only when it happens twice.
    const again = after.outcome === "fail" ? await pair[1].run(check.command, check, signal) : after;
    const left = await Promise.all(pair.map((copy) => copy.diff()));
    // What one voice's check leaves behind is not what the next one's sees.
    if (left.some((diff, at) => diff !== clean[at])) {
      both = undefined;
      await Promise.all(pair.map((copy) => copy[Symbol.asyncDispose]()));
    }
    const outcome = again.outcome === after.outcome ? after.outcome : "flaky";
    return { before: before.outcome, after: outcome, output: after.output };
  };
  return {
    run,
    async [Symbol.asyncDispose]() {
      const pair = await both?.catch(() => undefined);
      await Promise.all((pair ?? []).map((copy) => copy[Symbol.asyncDispose]()));
    },
  };
}
