/** How voices answer: right, or on the tempting option, or elsewhere; voices of one model repeat each other, hard questions are hard for all. */
import type { OptionId } from "../core/council.ts";
import type { Vote } from "./votes.ts";
import { couplingOf } from "./votes.ts";
import { accuracyOf, type Weights } from "./weights.ts";

/** Five points of a normal distribution and their weights (Gauss-Hermite). */
const POINTS = [-2.85697, -1.355626, 0, 1.355626, 2.85697];
const SHARES = [0.011257, 0.222076, 0.533333, 0.222076, 0.011257];

const logit = (p: number) => Math.log(p / (1 - p));
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const clip = (p: number) => Math.min(0.98, Math.max(0.02, p));

/** Votes of one question in numbers: options that nobody named are one lump. */
export interface Question {
  readonly seen: readonly OptionId[];
  /** All options there are. */
  readonly size: number;
  readonly groups: readonly { readonly coupling: number; readonly skill: number; readonly voters: readonly Voter[] }[];
}

interface Voter {
  /** Index into `seen`. */
  readonly said: number;
  readonly accuracy: number;
  /** Likelihood ratio of its confidence when it is right. */
  readonly lift: number;
}

export function questionOf(votes: readonly Vote[], options: readonly OptionId[], domain: string | undefined, weights: Weights): Question {
  const seen = [...new Set(votes.map(({ choice }) => choice))];
  const index = new Map(seen.map((option, at) => [option, at]));
  const groups = new Map<string, Voter[]>();
  for (const vote of votes) {
    const voters = groups.get(vote.group) ?? [];
    groups.set(vote.group, voters);
    voters.push({ said: index.get(vote.choice) ?? 0, accuracy: clip(accuracyOf(weights, vote.voice, domain)), lift: liftOf(vote, weights) });
  }
  return {
    seen,
    size: Math.max(options.length, 2),
    groups: [...groups].map(([group, voters]) => ({
      coupling: voters.length < 2 ? 0 : couplingOf(weights, group),
      skill: voters.reduce((sum, { accuracy }) => sum + accuracy, 0) / voters.length,
      voters,
    })),
  };
}

/** What a confidence says once it has proved that it says anything. */
export function liftOf({ confidence }: Pick<Vote, "confidence">, { confidence: scale }: Weights): number {
  if (!scale || confidence === undefined) return 1;
  return Math.exp(scale.slope * logit(Math.min(0.999, Math.max(0.001, confidence))) + scale.offset);
}

/**
 * Log-likelihood of the votes for each hypothesis "option at index h is right"; the last entry is an option that nobody
 * named. Sums over which option tempts, how hard the question is, and what each model says when it repeats itself.
 */
export function likelihoods(question: Question, trap: number, hardness: number): number[] {
  const { seen, size } = question;
  const unseen = size - seen.length;
  const hypotheses = seen.length + (unseen > 0 ? 1 : 0);
  const totals: number[] = [];
  for (let right = 0; right < hypotheses; right++) {
    let total = 0;
    for (let tempting = 0; tempting <= seen.length; tempting++) {
      if (tempting === right && tempting < seen.length) continue;
      const lump = tempting === seen.length;
      const others = lump ? unseen - (right === seen.length ? 1 : 0) : 1;
      if (others <= 0) continue;
      let over = 0;
      for (const [at, point] of POINTS.entries()) over += (SHARES[at] ?? 0) * groupsLikelihood(question, { right, tempting: lump ? -1 : tempting, shift: point * hardness, trap });
      total += (others / (size - 1)) * over;
    }
    totals.push(Math.log(Math.max(total, 1e-300)));
  }
  return totals;
}

interface Hypothesis {
  readonly right: number;
  /** -1: an option that nobody named. */
  readonly tempting: number;
  readonly shift: number;
  readonly trap: number;
}

function groupsLikelihood({ seen, size, groups }: Question, hypothesis: Hypothesis): number {
  let product = 1;
  for (const { coupling, skill, voters } of groups) {
    const own = voters.map(({ said, accuracy, lift }) => chance(said, accuracy, size, hypothesis) * (said === hypothesis.right ? lift : 1));
    if (coupling === 0) {
      for (const value of own) product *= value;
      continue;
    }
    let sum = 0;
    let used = 0;
    for (let shared = 0; shared < seen.length; shared++) {
      const share = chance(shared, skill, size, hypothesis);
      used += share;
      let all = share;
      for (const [index, { said, lift }] of voters.entries()) {
        const same = said === shared ? coupling * (said === hypothesis.right ? lift : 1) : 0;
        all *= same + (1 - coupling) * (own[index] ?? 0);
      }
      sum += all;
    }
    // The model's own word is an option that nobody named: then nobody repeated it.
    let none = Math.max(0, 1 - used);
    for (const value of own) none *= (1 - coupling) * value;
    product *= sum + none;
  }
  return product;
}

/** Chance that a voice of this accuracy says the option. */
function chance(said: number, accuracy: number, size: number, { right, tempting, shift, trap }: Hypothesis): number {
  const good = sigmoid(logit(accuracy) + shift);
  if (said === right) return good;
  if (size <= 2) return 1 - good;
  if (said === tempting) return (1 - good) * trap;
  return ((1 - good) * (1 - trap)) / (size - 2);
}
