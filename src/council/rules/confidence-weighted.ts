/** Votes weighted by what voices say of their own certainty: for comparison; the default counts confidence only once it has proved itself. */
import type { Rule } from "../rule.ts";
import { votesOf } from "../votes.ts";

const confidenceWeighted: Rule = {
  name: "confidence-weighted",
  kinds: ["answer", "patch"],
  apply({ options, ballots }) {
    const votes = votesOf(ballots, options);
    const weight = ({ confidence = 0.5 }: { readonly confidence?: number }) => Math.min(1, Math.max(0, confidence));
    const total = votes.reduce((sum, vote) => sum + weight(vote), 0) || 1;
    const share = (option: string) =>
      votes.reduce((sum, vote) => (vote.choice === option ? sum + weight(vote) : sum), 0) / total;
    return { posterior: new Map(options.map((option) => [option, share(option)])) };
  },
};
export default confidenceWeighted;
