/** Votes weighted by what their voices' records are worth, discounted where voices of one model say one thing (default for answers). */

import { liftOf } from "../answer-model.ts";
import type { Rule, RuleInput } from "../rule.ts";
import { couplingOf, softmax, type Vote, votesOf } from "../votes.ts";
import { accuracyOf } from "../weights.ts";

const LEAST = -2;
const MOST = 3;
/** A voice counts against what it says only after so many outcomes. */
const NEGATIVE_AFTER = 30;

const logOdds: Rule = {
  name: "log-odds",
  kinds: ["answer", "patch"],
  apply(input) {
    const { options, ballots } = input;
    const votes = votesOf(ballots, options);
    const sizes = new Map<string, number>();
    for (const { group } of votes) sizes.set(group, (sizes.get(group) ?? 0) + 1);
    const scores = new Map(options.map((option) => [option, 0]));
    for (const vote of votes) {
      const discount = 1 + ((sizes.get(vote.group) ?? 1) - 1) * couplingOf(input.weights, vote.group);
      scores.set(vote.choice, (scores.get(vote.choice) ?? 0) + weightOf(vote, input) / discount);
    }
    return { posterior: softmax(scores) };
  },
};
export default logOdds;

function weightOf(vote: Vote, { options, request, weights }: RuleInput): number {
  const accuracy = accuracyOf(weights, vote.voice, request.domain);
  const seen = weights.voices[vote.voice]?.seen ?? 0;
  return clipped(logOddsOf(accuracy, options.length) + Math.log(liftOf(vote, weights)), seen);
}

/** What a vote adds that is right with this chance among so many options, after so many known outcomes. */
export function voteWeight(accuracy: number, size: number, seen: number): number {
  return clipped(logOddsOf(accuracy, size), seen);
}

const logOddsOf = (accuracy: number, size: number) => Math.log((accuracy * (Math.max(size, 2) - 1)) / (1 - accuracy));

function clipped(weight: number, seen: number): number {
  return Math.min(MOST, Math.max(seen < NEGATIVE_AFTER ? 0 : LEAST, weight));
}
