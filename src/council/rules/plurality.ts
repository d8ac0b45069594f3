/** The most first choices win; ties go to the option that stands first. */
import type { Rule } from "../rule.ts";
import { votesOf } from "../votes.ts";

const plurality: Rule = {
  name: "plurality",
  kinds: ["answer", "rank", "patch"],
  apply({ options, ballots }) {
    const votes = votesOf(ballots, options);
    const share = (option: string) =>
      votes.filter(({ choice }) => choice === option).length / Math.max(votes.length, 1);
    return { posterior: new Map(options.map((option) => [option, share(option)])) };
  },
};
export default plurality;
