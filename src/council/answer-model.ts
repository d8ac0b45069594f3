/** How voices answer: right, or on the tempting option, or elsewhere; voices of one model repeat each other, hard questions are hard for all. */
import type { OptionId } from "../core/council.ts";
import { chancesOf, type Table, tableOf, votesGiven } from "./repeating.ts";
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

const ALONE = "\u0000alone";

export function questionOf(
  votes: readonly Vote[],
  options: readonly OptionId[],
  domain: string | undefined,
  weights: Weights,
): Question {
  const seen = [...new Set(votes.map(({ choice }) => choice))];
  const index = new Map(seen.map((option, at) => [option, at]));
  const groups = new Map<string, Voter[]>();
  const sizes = new Map<string, number>();
  for (const { group } of votes) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  for (const vote of votes) {
    // Who is alone with a model repeats nobody: all of them are one group without coupling.
    const group = sizes.get(vote.group) === 1 ? ALONE : vote.group;
    const voters = groups.get(group) ?? [];
    groups.set(group, voters);
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
      coupling: group === ALONE ? 0 : couplingOf(weights, group),
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
  const levels = POINTS.map((point, at) => ({
    share: SHARES[at] ?? 0,
    groups: groups.map((group) => speaking(question, group, trap, point * hardness)),
  }));
  const hypotheses = seen.length + (unseen > 0 ? 1 : 0);
  const totals: number[] = [];
  for (let right = 0; right < hypotheses; right++) {
    let total = 0;
    for (let tempting = 0; tempting <= seen.length; tempting++) {
      if (tempting === right && tempting < seen.length) continue;
      const others = tempting === seen.length ? unseen - (right === seen.length ? 1 : 0) : 1;
      if (others <= 0) continue;
      let over = 0;
      for (const level of levels) {
        let product = level.share;
        for (const group of level.groups) product *= votesGiven(group, right, tempting);
        over += product;
      }
      total += (others / (size - 1)) * over;
    }
    totals.push(Math.log(Math.max(total, 1e-300)));
  }
  return totals;
}

function speaking(
  { seen, size }: Question,
  { coupling, skill, voters }: Question["groups"][number],
  trap: number,
  shift: number,
): Table {
  const say = (accuracy: number) => chancesOf(sigmoid(logit(accuracy) + shift), size, trap);
  const speakers = voters.map(({ said, accuracy, lift }) => ({ said, lift, chances: say(accuracy) }));
  return tableOf(seen.length, coupling, say(skill), speakers);
}
