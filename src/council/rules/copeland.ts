/** Duels won, half for a draw. */
import { pairwise } from "../pairwise.ts";
import type { Rule } from "../rule.ts";
import { softmax } from "../votes.ts";

const copeland: Rule = {
  name: "copeland",
  kinds: ["rank"],
  apply(input) {
    const before = pairwise(input);
    const wins = (a: string) =>
      input.options.reduce(
        (sum, b) => (a === b ? sum : sum + (before(a, b) > before(b, a) ? 1 : before(a, b) === before(b, a) ? 0.5 : 0)),
        0,
      );
    return { posterior: softmax(new Map(input.options.map((option) => [option, wins(option)]))) };
  },
};
export default copeland;
