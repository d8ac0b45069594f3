/** Which model answers: a chain of strategies over what is known. Pure: the same input gives the same decision. */
import type { Ability } from "../core/model.ts";
import type { Rates } from "../core/ports/models.ts";
import type { Considered, RouteDecision, RouteStrategy, Tier } from "../core/route.ts";
import type { Complexity } from "./complexity.ts";

/** One model that could answer. Tokens are of this model's own counting. */
export interface RouteCandidate {
  readonly name: string;
  readonly tier?: Tier;
  /** The person asked for this one. */
  readonly named: boolean;
  /** Only when the others cannot. */
  readonly fallback: boolean;
  /** Why it cannot be asked now. */
  readonly down?: string;
  readonly window: number;
  readonly promptTokens: number;
  /** Tokens at the start of the prompt that the server has already. */
  readonly cachedTokens: number;
  readonly tools: Ability;
  readonly vision: Ability;
  readonly resident: boolean;
  readonly sizeBytes?: number;
  readonly rates: Rates;
  /** Answers that wait or run before ours, over the seats. */
  readonly queue: number;
}

export interface RouteInput {
  readonly candidates: readonly RouteCandidate[];
  readonly complexity: Complexity;
  readonly needs: { readonly tools: boolean; readonly vision: boolean };
  /** The model of the thread so far. */
  readonly current?: string;
  /** Why the thread was raised to the quality tier, where it stays. */
  readonly raised?: string;
}

/** Left for the answer when a window is compared with a prompt. */
const RESERVE = 1_024;
/** P(success) a model must promise for work of this kind. */
const FLOOR = 0.7;
/** Rates before any answer: a small and a large model on an ordinary graphics card. */
const PRIOR = {
  fast: { prefill: 1_500, decode: 60, loadPerGiB: 1_500 },
  quality: { prefill: 400, decode: 20, loadPerGiB: 1_500 },
} as const;
const USUAL_ANSWER = 400;
const USUAL_GIB = 5;
/** Successes and failures a tier is trusted with beforehand. */
const TRUST: Readonly<Record<"fast" | "quality", Readonly<Record<Complexity["band"], readonly [number, number]>>>> = {
  fast: { low: [9, 1], middle: [7, 2.5], high: [3, 7] },
  quality: { low: [9.5, 0.5], middle: [9, 1], high: [8, 2] },
};

/** The strategies in their order: each may reject, the last ones choose. Always gives a decision. */
export function decideRoute(input: RouteInput): RouteDecision {
  const notes = new Map<string, Considered>();
  const reject = (by: RouteStrategy, test: (candidate: RouteCandidate) => string | undefined) => {
    for (const candidate of input.candidates) {
      if (notes.has(candidate.name)) continue;
      const reason = test(candidate);
      if (reason !== undefined) notes.set(candidate.name, noteOf(candidate, "rejected", by, reason));
    }
  };
  const left = () => input.candidates.filter(({ name }) => !notes.has(name));

  reject("availability", ({ down }) => down);
  const alive = left();
  reject("context", ({ promptTokens, window }) =>
    promptTokens + RESERVE > window
      ? `the prompt of about ${promptTokens} tokens does not fit its window of ${window}`
      : undefined,
  );
  const fitting = left();
  reject("tools", (candidate) => unable(candidate, input, left()));
  const able = left();
  const choose = (by: RouteStrategy, chosen: RouteCandidate, reason: string) =>
    decision(input, notes, { by, chosen, reason });

  const named = able.find((candidate) => candidate.named);
  if (named) return choose("override", named, "asked for");
  const first = able.some(({ fallback }) => !fallback) ? able.filter(({ fallback }) => !fallback) : able;
  for (const candidate of able)
    if (!first.includes(candidate))
      notes.set(candidate.name, noteOf(candidate, "kept", "availability", "a fallback: others can answer"));
  if (input.raised !== undefined && first.some(({ tier }) => tier === "quality"))
    reject("quality", ({ tier }) => (tier === "quality" ? undefined : `the thread was raised: ${input.raised}`));
  const trusted = left();
  if (trusted.some((candidate) => success(candidate, input) >= FLOOR))
    reject("quality", (candidate) => {
      const chance = success(candidate, input);
      return chance >= FLOOR
        ? undefined
        : `${percent(chance)} of work this hard ends well, ${percent(FLOOR)} is asked for`;
    });
  const best = left();
  if (best.length > 0) return cheapest(input, best, choose);
  const last = able[0] ?? fitting[0] ?? alive.toSorted((a, b) => b.window - a.window)[0] ?? input.candidates[0];
  if (!last) throw new RangeError("a route needs at least one candidate");
  return choose("default", last, notes.get(last.name)?.reason ?? "nothing better is there");
}

/** A model without tools serves only when no other does: calls are then read from its text. */
function unable(candidate: RouteCandidate, { needs }: RouteInput, left: readonly RouteCandidate[]): string | undefined {
  if (needs.vision && candidate.vision === "no" && left.some(({ vision }) => vision !== "no"))
    return "it sees no images";
  if (!needs.tools) return undefined;
  if (candidate.tools === "no" && left.some(({ tools }) => tools !== "no")) return "it has no tool calls of its own";
  const { validCalls, invalidCalls } = candidate.rates;
  const share = invalidCalls / Math.max(validCalls + invalidCalls, 1);
  const better = left.some(
    ({ rates }) => rates.invalidCalls / Math.max(rates.validCalls + rates.invalidCalls, 1) < share,
  );
  if (validCalls + invalidCalls >= 10 && share > 0.3 && better)
    return `${percent(share)} of its tool calls are invalid`;
  return undefined;
}

type Choose = (by: RouteStrategy, chosen: RouteCandidate, reason: string) => RouteDecision;

/** The thread's own model as long as it is good enough: the server has its prompt. Else the cheapest. */
function cheapest(input: RouteInput, best: readonly RouteCandidate[], choose: Choose): RouteDecision {
  const stay = best.find(({ name }) => name === input.current);
  if (stay) return choose("residency", stay, "the thread is with it and it is good enough");
  const cheap = best.reduce((a, b) => (costOf(b).total < costOf(a).total ? b : a));
  return choose(
    "cost",
    cheap,
    best.length > 1 ? "the cheapest that is good enough" : "the only one that is good enough",
  );
}

/** Predicted milliseconds of one answer. */
export function costOf(candidate: RouteCandidate): { load: number; prefill: number; total: number } {
  const { rates, promptTokens, cachedTokens, queue } = candidate;
  const prior = PRIOR[candidate.tier === "fast" ? "fast" : "quality"];
  const gib = candidate.sizeBytes === undefined ? USUAL_GIB : candidate.sizeBytes / 2 ** 30;
  const load = candidate.resident ? 0 : (rates.loadMs ?? gib * prior.loadPerGiB);
  const prefill = (Math.max(promptTokens - cachedTokens, 0) * 1_000) / (rates.prefillPerSecond ?? prior.prefill);
  const decode = (USUAL_ANSWER * 1_000) / (rates.decodePerSecond ?? prior.decode);
  return { load, prefill, total: load + prefill + decode + queue * decode };
}

function success({ tier, rates }: RouteCandidate, { complexity: { band } }: RouteInput): number {
  const [good, bad] = TRUST[tier === "fast" ? "fast" : "quality"][band];
  const seen = rates.outcomes[band] ?? { good: 0, bad: 0 };
  return (good + seen.good) / (good + bad + seen.good + seen.bad);
}

interface Choice {
  readonly by: RouteStrategy;
  readonly chosen: RouteCandidate;
  readonly reason: string;
}

function decision(
  input: RouteInput,
  notes: ReadonlyMap<string, Considered>,
  { by, chosen, reason }: Choice,
): RouteDecision {
  const cost = costOf(chosen);
  const considered = input.candidates.map((candidate) => {
    if (candidate === chosen) return noteOf(candidate, "chosen", by, reason);
    return notes.get(candidate.name) ?? noteOf(candidate, "kept", by, `${chosen.name} was preferred`);
  });
  return {
    model: chosen.name,
    ...(chosen.tier === undefined ? {} : { tier: chosen.tier }),
    strategy: by,
    reason,
    complexity: input.complexity.value,
    considered,
    deadlineMs: Math.round((cost.load + cost.prefill) * 3 + 5_000),
  };
}

function noteOf(
  candidate: RouteCandidate,
  outcome: Considered["outcome"],
  by: RouteStrategy,
  reason: string,
): Considered {
  const { name, tier } = candidate;
  return {
    model: name,
    ...(tier === undefined ? {} : { tier }),
    outcome,
    by,
    reason,
    costMs: Math.round(costOf(candidate).total),
  };
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}
