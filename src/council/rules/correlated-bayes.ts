/** The posterior of a model of how voices err together; it must beat the default on outcomes it has not seen before it is used. */
import { likelihoods, questionOf } from "../answer-model.ts";
import type { Rule } from "../rule.ts";
import { softmax, votesOf } from "../votes.ts";

const correlatedBayes: Rule = {
  name: "correlated-bayes",
  kinds: ["answer"],
  apply({ options, ballots, request, weights }) {
    const votes = votesOf(ballots, options);
    if (votes.length === 0) return { posterior: new Map(options.map((option) => [option, 1 / options.length])) };
    const question = questionOf(votes, options, request.domain, weights);
    const { trap, hardness } = weights.answer;
    const logs = likelihoods(question, trap, hardness);
    const unseen = logs[question.seen.length] ?? Number.NEGATIVE_INFINITY;
    const at = new Map(question.seen.map((option, index) => [option, index]));
    return { posterior: softmax(new Map(options.map((option) => [option, logs[at.get(option) ?? -1] ?? unseen]))) };
  },
};
export default correlatedBayes;
