/** What a council may cost, before it starts: from the plan and from what the model showed so far. */
import { plural } from "../base/text.ts";
import type { CouncilPlan } from "./plan.ts";

/** Tokens of an answer, on the whole: bounds are higher. */
const CONTRIBUTION = 350;
const BALLOT = 60;
const TAIL = 150;
/** Four streams of one machine give less than four times one stream. */
const SHARED = 0.6;

export interface Price {
  /** Calls of the first rung, and of all with every ballot. */
  readonly least: number;
  readonly most: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Milliseconds, where the model's rates are known. */
  readonly ms?: number;
}

export interface Rates {
  readonly prefillPerSecond?: number;
  readonly decodePerSecond?: number;
}

/** The prefix is read once, then found in the server's cache. */
export function priceOf(plan: CouncilPlan, prefixTokens: number, rates: Rates): Price {
  const counts = plan.rungs.map((rung) => callsOf(plan, rung));
  const first = counts[0] ?? { contributions: 0, ballots: 0 };
  const last = counts.at(-1) ?? first;
  const limit = plan.budget.calls ?? Number.POSITIVE_INFINITY;
  const outputTokens = last.contributions * CONTRIBUTION + last.ballots * BALLOT;
  const most = Math.min(limit, last.contributions + last.ballots);
  const promptTokens = prefixTokens + most * TAIL;
  const { prefillPerSecond, decodePerSecond } = rates;
  const width = plan.width === 1 ? 1 : 1 + (plan.width - 1) * SHARED;
  const known = prefillPerSecond !== undefined && decodePerSecond !== undefined;
  return {
    least: Math.min(limit, first.contributions + (plan.kind === "patch" ? 0 : first.ballots)),
    most,
    promptTokens,
    outputTokens,
    ...(known ? { ms: (promptTokens / prefillPerSecond + outputTokens / (decodePerSecond * width)) * 1_000 } : {}),
  };
}

function callsOf({ kind, members }: CouncilPlan, rung: number): { contributions: number; ballots: number } {
  const voters = members.filter(({ voice }) => voice.votes).slice(0, rung).length;
  if (kind === "answer") return { contributions: 0, ballots: voters };
  if (kind === "rank") return { contributions: Math.min(4, members.length), ballots: voters };
  return { contributions: Math.min(rung, members.length), ballots: rung > 1 ? Math.min(6, 2 * voters) : 0 };
}

export function priceText(plan: CouncilPlan, price: Price): string {
  const { least, most, promptTokens, outputTokens, ms } = price;
  const voices = plan.members.map(({ voice }) => voice.id).join(", ");
  const calls = least === most ? plural(most, "call") : `${least} to ${most} calls`;
  const time = ms === undefined ? "" : `, about ${Math.max(1, Math.round(ms / 1_000))} s`;
  const limit = plan.budget.wallMs === undefined ? "" : `; at most ${Math.round(plan.budget.wallMs / 1_000)} s`;
  return `council ${plan.id} (risk ${plan.risk}): ${voices}\n${calls}, about ${round(promptTokens)} tokens to read and ${round(outputTokens)} to write at most${time}${limit}`;
}

const round = (tokens: number) => (tokens < 1_000 ? String(tokens) : `${(tokens / 1_000).toFixed(1)}k`);
