/** Points by place, weighted by the reviewers' records. */
import type { Rule } from "../rule.ts";
import { rankingsOf, softmax } from "../votes.ts";
import { reviewerWeight } from "./median-rank.ts";

const borda: Rule = {
  name: "borda",
  kinds: ["rank"],
  apply({ options, ballots, weights }) {
    const rankings = rankingsOf(ballots, options);
    const score = (option: string) =>
      rankings.reduce(
        (sum, { ballot, places }) =>
          sum + reviewerWeight(weights, ballot.voice) * (options.length - 1 - (places.get(option) ?? 0)),
        0,
      );
    return {
      posterior: softmax(new Map(options.map((option) => [option, score(option) / Math.max(options.length - 1, 1)]))),
    };
  },
};
export default borda;
