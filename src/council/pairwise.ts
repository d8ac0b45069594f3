/** How many reviewers put one option before another: what the pairwise rules start from. */
import type { OptionId } from "../core/council.ts";
import type { RuleInput } from "./rule.ts";
import { reviewerWeight } from "./rules/median-rank.ts";
import { rankingsOf } from "./votes.ts";

/** Weight of the rankings that put `a` before `b`; options that a ballot leaves out are equal to each other. */
export function pairwise({
  options,
  ballots,
  weights,
}: Pick<RuleInput, "options" | "ballots" | "weights">): (a: OptionId, b: OptionId) => number {
  const sums = new Map<string, number>();
  for (const { ballot, places } of rankingsOf(ballots, options)) {
    const weight = reviewerWeight(weights, ballot.voice);
    for (const a of options)
      for (const b of options)
        if ((places.get(a) ?? 0) < (places.get(b) ?? 0))
          sums.set(`${a}\u0000${b}`, (sums.get(`${a}\u0000${b}`) ?? 0) + weight);
  }
  return (a, b) => sums.get(`${a}\u0000${b}`) ?? 0;
}
