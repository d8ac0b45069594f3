/** Weighted median place, ties by weighted Borda (default for rankings): three hostile reviewers of ten cannot move it. */
import type { OptionId } from "../../core/council.ts";
import type { Rule } from "../rule.ts";
import { type Ranking, rankingsOf, softmax } from "../votes.ts";
import type { Weights } from "../weights.ts";

/** A reviewer that ranks by chance, or backwards, counts almost nothing. */
const LEAST = 0.02;

export function reviewerWeight(weights: Weights, voice: string): number {
  const skill = weights.reviewers[voice];
  return skill === undefined ? 1 : Math.max(LEAST, (skill - 0.5) * 6);
}

const medianRank: Rule = {
  name: "median-rank",
  kinds: ["rank"],
  apply({ options, ballots, weights }) {
    const rankings = rankingsOf(ballots, options);
    const scores = options.map((option) => [option, -scoreOf(option, rankings, weights) * 3] as const);
    return { posterior: softmax(new Map(scores)) };
  },
};
export default medianRank;

/** The median place, moved by at most half a place towards the mean: the mean only breaks ties. */
function scoreOf(option: OptionId, rankings: readonly Ranking[], weights: Weights): number {
  const seen = rankings
    .map(({ ballot, places }) => ({ place: places.get(option) ?? 0, weight: reviewerWeight(weights, ballot.voice) }))
    .toSorted((a, b) => a.place - b.place);
  const total = seen.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return 0;
  const mean = seen.reduce((sum, { place, weight }) => sum + place * weight, 0) / total;
  return weightedMedian(seen, total) + mean / 1_000;
}

function weightedMedian(sorted: readonly { place: number; weight: number }[], total: number): number {
  let below = 0;
  for (const [index, { place, weight }] of sorted.entries()) {
    below += weight;
    if (Math.abs(below - total / 2) < 1e-9) return (place + (sorted[index + 1]?.place ?? place)) / 2;
    if (below > total / 2) return place;
  }
  return sorted.at(-1)?.place ?? 0;
}
