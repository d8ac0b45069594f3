/** Runs the eight checks and folds their verdicts into one: the strictest wins, and every doubt is a denial. */
import { delay } from "../base/async.ts";
import { threadTime } from "../base/clock.ts";
import { doubtsOf, strictest, type Verdict } from "../core/verdict.ts";
import type { Action, Check } from "./action.ts";
import { liftedBy } from "./lift.ts";

/** The stages, in the order in which they are reported. A gate without all eight denies everything. */
export const STAGES = [
  "validateAgentAction",
  "validateDataAccess",
  "validateToolUsage",
  "validateCodeGeneration",
  "validateNetworkAccess",
  "validateResourceLimits",
  "threatDetector.assess",
  "policyEngine.evaluate",
] as const;

/** A check that has not answered after this long (milliseconds) counts as a denial. */
const CHECK_MS = 50;

export interface Judgement {
  readonly verdict: Verdict;
  readonly verdicts: readonly Verdict[];
  readonly micros: number;
}

/** Judges one action; never throws. */
export async function judge(action: Action, checks: readonly Check[]): Promise<Judgement> {
  const started = performance.now();
  const verdicts: Verdict[] = [];
  for (const stage of STAGES) {
    const check = checks.find((candidate) => candidate.name === stage);
    verdicts.push(check ? await runCheck(check, action) : broken(stage, "check.missing", "the check is missing"));
  }
  const verdict = fold(verdicts, action);
  return { verdict, verdicts, micros: Math.round((performance.now() - started) * 1000) };
}

/** The strictest verdict after the mode table; what cannot be looked up denies. */
function fold(verdicts: readonly Verdict[], action: Action): Verdict {
  try {
    return byMode(strictest(verdicts), verdicts, action);
  } catch (error) {
    return broken("policyEngine.evaluate", "policy.failed", error instanceof Error ? error.message : String(error));
  }
}

function broken(check: string, rule: string, reason: string): Verdict {
  return { decision: "deny", check, rule, risk: "high", reason };
}

/**
 * A late answer is a denial. What a synchronous check took is processor time: the clock on the wall also counts what a
 * busy machine gave to others, and whoever runs a model has a busy machine. Checks are pure: one that was slow, perhaps
 * for being read for the first time, is asked once more; twice late is late.
 */
async function runCheck(check: Check, action: Action): Promise<Verdict> {
  try {
    for (let attempt = 0; attempt < 2; attempt++) {
      const took = threadTime();
      const answer = check.run(action);
      if (answer instanceof Promise) return (await inTime(answer)) ?? late(check);
      if (took() <= CHECK_MS) return answer;
    }
    return late(check);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return broken(check.name, "check.failed", `the check failed: ${why}`);
  }
}

function late(check: Check): Verdict {
  return broken(check.name, "check.timeout", `the check took longer than ${CHECK_MS} ms`);
}

/** The answer if it comes in time; a late one is discarded. */
async function inTime(answer: Promise<Verdict>): Promise<Verdict | undefined> {
  const timeout = new AbortController();
  const nothing = delay(CHECK_MS, timeout.signal).then(
    () => undefined,
    () => undefined,
  );
  try {
    return await Promise.race([answer, nothing]);
  } finally {
    timeout.abort();
  }
}

/** The mode table: what becomes of a question. Denials stay what they are. */
function byMode(verdict: Verdict, verdicts: readonly Verdict[], action: Action): Verdict {
  if (verdict.decision !== "ask") return verdict;
  const { mode, sandbox } = action.policy;
  const asked = doubtsOf(verdicts).filter((entry) => entry.decision === "ask");
  const opaque = asked.every((entry) => entry.rule.startsWith("shell.")) && action.shell?.hosts.length === 0;
  if (mode !== "plan") {
    const lifted = liftedBy(action, asked);
    if (lifted !== undefined) return { ...verdict, decision: "allow", reason: `${lifted}: ${verdict.reason}` };
  }
  if (mode === "plan") return { ...verdict, decision: "deny", reason: `plan mode does not ask: ${verdict.reason}` };
  if (mode === "auto") {
    if (opaque && sandbox === "workspace-write")
      return { ...verdict, decision: "allow", reason: `opaque, but confined without network: ${verdict.reason}` };
    return { ...verdict, decision: "deny", reason: `auto mode does not ask: ${verdict.reason}` };
  }
  return verdict;
}
