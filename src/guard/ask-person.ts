/** Puts a question to the person, remembers a lasting yes, and records both; where nobody can answer, no is the answer. */
import { withVisibleCodes } from "../base/invisible.ts";
import type { EventContext } from "../core/event.ts";
import { answerOf } from "../core/ports/human.ts";
import { doubtsOf, type Verdict } from "../core/verdict.ts";
import type { Action } from "./action.ts";
import { scopesOf, scopeText } from "./approvals.ts";
import type { GateOptions } from "./gate.ts";
import type { Judgement } from "./judge.ts";
import { showAction } from "./question.ts";

interface Asked {
  readonly action: Action;
  readonly judgement: Judgement;
  readonly where: EventContext;
}

/** The verdict that counts after the person was asked where the checks said `ask`. */
export async function askPerson(options: GateOptions, asked: Asked, signal: AbortSignal): Promise<Verdict> {
  const { action, judgement, where } = asked;
  const { verdict } = judgement;
  if (verdict.decision !== "ask") return verdict;
  const doubts = doubtsOf(judgement.verdicts);
  const reaching = action.shell && doubts.find((entry) => entry.rule.startsWith("network."));
  const handBack = reaching ? ". Run it yourself, then `crucible -c`" : "";
  // A program's own token has no scope to approve, so an agent never answers itself.
  const approver = options.human.actor ?? action.actor;
  if (!options.human.present || !approver.scopes.includes("approve"))
    return { ...verdict, decision: "deny", reason: `${verdict.reason}; nobody is here to ask${handBack}` };
  // A command gets the network only to hosts that the question can name.
  if (reaching && action.shell?.hosts.length === 0) {
    const reason = `${reaching.reason}, and to which hosts cannot be told${handBack}`;
    return { ...verdict, decision: "deny", rule: reaching.rule, reason };
  }
  const { complete, ...seen } = await showAction(action, judgement);
  const questions = doubts.filter((entry) => entry.decision === "ask");
  const scopes = complete && action.policy.approvals ? (scopesOf(action, questions) ?? []) : [];
  const { id: callId, tool } = action.call;
  const question = { ...seen, callId, tool, rules: scopes.map(scopeText).map(withVisibleCodes) };
  const { rules } = question;
  // The person sees everything; what is stored is redacted.
  const { title, lines } = options.redactor.deep(seen);
  options.emit({ kind: "approval-asked", callId, title, lines, rules }, where);
  const { answer, reason } = answerOf(await options.human.approve(question, signal));
  options.emit({ kind: "approval-given", callId, answer, by: approver.id }, where);
  await record(options, action, { action: "approval", actor: approver, decision: answer });
  if (answer === "no") {
    const why = reason.trim() === "" ? "" : `: ${options.redactor.deep(reason.trim())}`;
    return { ...verdict, decision: "deny", rule: "approval.refused", reason: `the person said no${why}` };
  }
  if (answer === "always" && scopes.length > 0) {
    const stored = action.policy.approvals?.add(scopes, approver.id) ?? [];
    const details = { rules: [...rules], ids: stored.map(({ id }) => id) };
    await record(options, action, { action: "approval-stored", actor: approver, decision: answer, details });
  }
  return { ...verdict, decision: "allow" };
}

type Recorded = Pick<Parameters<GateOptions["audit"]["append"]>[0], "action" | "actor" | "decision" | "details">;

function record(options: GateOptions, action: Action, what: Recorded): Promise<unknown> {
  return options.audit.append({
    session: options.journal.session,
    tool: action.call.tool,
    callId: action.call.id,
    ...what,
  });
}
