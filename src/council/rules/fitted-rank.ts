/** Rankings read as the record taught to read them; it must beat the median on outcomes it has not seen before it is used. */
import { knotOf, shownAt } from "../fit-rank.ts";
import type { Rule } from "../rule.ts";
import { rankingsOf, softmax } from "../votes.ts";

/** What a reviewer without a record counts. */
const UNKNOWN = 0.3;

const fittedRank: Rule = {
  name: "fitted-rank",
  kinds: ["rank"],
  apply({ options, ballots, weights }) {
    const model = weights.rank ?? { places: [1, 0.75, 0.5, 0.25, 0], reviewers: {}, shown: [0, 0, 0], own: 0 };
    const rankings = rankingsOf(ballots, options);
    const scores = options.map((option) => {
      const score = rankings.reduce((sum, { ballot, places }) => {
        const { knot, share } = knotOf(places.get(option) ?? 0, options.length);
        const raw = (model.places[knot] ?? 0) * (1 - share) + (model.places[knot + 1] ?? 0) * share;
        const bias = (model.shown[shownAt(ballot.shown, option)] ?? 0) + (ballot.own === option ? model.own : 0);
        return sum + (model.reviewers[ballot.voice] ?? UNKNOWN) * (raw + bias);
      }, 0);
      return [option, score] as const;
    });
    return { posterior: softmax(new Map(scores)) };
  },
};
export default fittedRank;
