/** Votes weighted by how far voices agree with each other, without any outcome: for comparison, since clones always agree. */
import { agreedShares } from "../consensus.ts";
import type { Rule } from "../rule.ts";
import { votesOf } from "../votes.ts";

/** What a voice counts that has never voted before. */
const UNKNOWN = 0.6;

const dawidSkene: Rule = {
  name: "dawid-skene",
  kinds: ["answer"],
  apply({ options, ballots, weights }) {
    return {
      posterior: agreedShares(votesOf(ballots, options), options, (voice) => weights.consensus?.[voice] ?? UNKNOWN),
    };
  },
};
export default dawidSkene;
