/** Duels are settled from the clearest to the closest; one that would close a circle is left out (Tideman 1987). */
import { pairwise } from "../pairwise.ts";
import type { Rule } from "../rule.ts";
import { softmax } from "../votes.ts";

const rankedPairs: Rule = {
  name: "ranked-pairs",
  kinds: ["rank"],
  apply(input) {
    const { options } = input;
    const before = pairwise(input);
    const duels = options
      .flatMap((winner) =>
        options.map((loser) => ({ winner, loser, votes: before(winner, loser), against: before(loser, winner) })),
      )
      .filter(({ votes, against }) => votes > against)
      .toSorted((a, b) => b.votes - a.votes || a.against - b.against);
    const beats = new Map<string, Set<string>>(options.map((option) => [option, new Set()]));
    const reaches = (from: string, to: string): boolean =>
      from === to || [...(beats.get(from) ?? [])].some((next) => reaches(next, to));
    for (const { winner, loser } of duels) if (!reaches(loser, winner)) beats.get(winner)?.add(loser);
    const below = (option: string) => options.filter((other) => other !== option && reaches(option, other)).length;
    return { posterior: softmax(new Map(options.map((option) => [option, below(option)]))) };
  },
};
export default rankedPairs;
