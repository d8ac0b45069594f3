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

export function questionOf(
  votes: readonly Vote[],
  options: readonly OptionId[],
  domain: string | undefined,
  weights: Weights,
): Question {
  const seen = [...new Set(votes.map(({ choice }) => choice))];
  const index = new Map(seen.map((option, at) => [option, at]));
  const groups = new Map<string, Voter[]>();
  for (const vote of votes) {
    const voters = groups.get(vote.group) ?? [];
    groups.set(vote.group, voters);
    voters.push({
      said: index.get(vote.choice) ?? 0,
      accuracy: clip(accuracyOf(weights, vote.voice, domain)),
      lift: liftOf(vote, weights),
    });
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
  const { seen, size, groups } = question;
  const unseen = size - seen.length;
  const levels = POINTS.map((point, at) => levelOf(groups, point * hardness, SHARES[at] ?? 0));
  const hypotheses = seen.length + (unseen > 0 ? 1 : 0);
  const totals: number[] = [];
  for (let right = 0; right < hypotheses; right++) {
    let total = 0;
    for (let tempting = 0; tempting <= seen.length; tempting++) {
      if (tempting === right && tempting < seen.length) continue;
      const lump = tempting === seen.length;
      const others = lump ? unseen - (right === seen.length ? 1 : 0) : 1;
      if (others <= 0) continue;
      const hypothesis = { right, tempting: lump ? -1 : tempting, trap, size };
      let over = 0;
      for (const level of levels) over += level.share * levelLikelihood(question, level, hypothesis);
      total += (others / (size - 1)) * over;
    }
    totals.push(Math.log(Math.max(total, 1e-300)));
  }
  return totals;
}

/** Chances of being right at one hardness, for every voice and for each model's own word. */
interface Level {
  readonly share: number;
  readonly voices: readonly Float64Array[];
  readonly models: Float64Array;
}

function levelOf(groups: Question["groups"], shift: number, share: number): Level {
  const good = (accuracy: number) => sigmoid(logit(accuracy) + shift);
  return {
    share,
    voices: groups.map(({ voters }) => Float64Array.from(voters, ({ accuracy }) => good(accuracy))),
    models: Float64Array.from(groups, ({ skill }) => good(skill)),
  };
}

interface Hypothesis {
  readonly right: number;
  /** -1: an option that nobody named. */
  readonly tempting: number;
  readonly trap: number;
  readonly size: number;
}

/** Chance that a voice which is right with chance `good` says the option. */
function chance(said: number, good: number, { right, tempting, trap, size }: Hypothesis): number {
  if (said === right) return good;
  if (size <= 2) return 1 - good;
  if (said === tempting) return (1 - good) * trap;
  return ((1 - good) * (1 - trap)) / (size - 2);
}

function levelLikelihood({ seen, groups }: Question, { voices, models }: Level, hypothesis: Hypothesis): number {
  const { right } = hypothesis;
  let product = 1;
  for (let at = 0; at < groups.length; at++) {
    const group = groups[at];
    const good = voices[at];
    if (!group || !good) continue;
    const { coupling, voters } = group;
    const own = new Float64Array(voters.length);
    let alone = 1;
    for (let n = 0; n < voters.length; n++) {
      const { said, lift } = voters[n] as Voter;
      const value = chance(said, good[n] ?? 0, hypothesis) * (said === right ? lift : 1);
      own[n] = value;
      alone *= (1 - coupling) * value;
    }
    if (coupling === 0) {
      product *= alone;
      continue;
    }
    // `alone` is the case in which nobody repeats the model; each voice that says the same adds its repeating.
    let sum = 0;
    let used = 0;
    for (let shared = 0; shared < seen.length; shared++) {
      const share = chance(shared, models[at] ?? 0, hypothesis);
      used += share;
      let all = share * alone;
      for (let n = 0; n < voters.length; n++) {
        const { said, lift } = voters[n] as Voter;
        if (said !== shared) continue;
        const single = (1 - coupling) * (own[n] ?? 0);
        all *= (coupling * (said === right ? lift : 1) + single) / Math.max(single, 1e-300);
      }
      sum += all;
    }
    product *= sum + Math.max(0, 1 - used) * alone;
  }
  return product;
}
