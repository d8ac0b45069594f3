/** Runs one council from its frozen plan to its report. With every step on record it is a replay, and asks nobody. */
import { CrucibleError } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";
import type { CouncilReport } from "../core/council.ts";
import type { CopyPort } from "../core/ports/council.ts";
import { type DecideInput, decide } from "./decide.ts";
import { chooseOption, type Finding, rankProposals } from "./deliberate.ts";
import { findPatch, type PatchFinding } from "./patch.ts";
import { type CouncilPlan, ENGINE, planHash } from "./plan.ts";
import { type CouncilPorts, type Sitting, sit } from "./sitting.ts";

export interface CouncilResult {
  readonly report: CouncilReport;
  /** What the decision was made of: another rule can be applied to it at no cost. */
  readonly input: DecideInput;
}

/** Throws what the ports throw, and the signal's reason. */
export async function runCouncil(plan: CouncilPlan, ports: CouncilPorts, signal: AbortSignal): Promise<CouncilResult> {
  const sitting = sit(plan, ports, signal);
  const finding = await find(sitting);
  return { report: reportOf(sitting, finding), input: { ...finding.input, claims: finding.claims } };
}

function find(sitting: Sitting): Promise<Finding | PatchFinding> {
  const { plan, ports } = sitting;
  if (plan.kind === "patch") return findPatch(sitting, ports.copies ?? NOTHING_RUNS);
  return plan.options === undefined ? rankProposals(sitting) : chooseOption(sitting);
}

/** Stands in where nothing may be run: in a replay. */
const NOTHING_RUNS: CopyPort = {
  checks: () => [],
  copy: () => refuse(),
  accept: () => refuse(),
};

function refuse(): Promise<never> {
  return Promise.reject(new CrucibleError("internal", "a council without copies of the workspace ran into a check"));
}

function reportOf(sitting: Sitting, finding: Finding | PatchFinding): CouncilReport {
  const { plan, budget, voices } = sitting;
  const { input, options, claims, stop } = finding;
  const decision = decide({ ...input, claims });
  const ran = "evidence" in finding ? finding.evidence.report(finding.ids) : { checks: [], evidence: [] };
  const told = "evidence" in finding ? finding : undefined;
  return {
    id: plan.id,
    question: plan.question,
    kind: plan.kind,
    ...(plan.domain === undefined ? {} : { domain: plan.domain }),
    risk: plan.risk,
    decision,
    options,
    ...ran,
    ballots: input.ballots,
    claims,
    voices,
    ...(told?.edits && decision.outcome === "decided" ? { edits: told.edits } : {}),
    ...(told?.synthesis === undefined ? {} : { synthesis: told.synthesis }),
    cost: { ...budget.cost },
    stopReason: stop,
    provenance: { engine: ENGINE, plan: planHash(plan), prefix: sha256(plan.prefix) },
  };
}
