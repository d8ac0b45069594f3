/** The strongest path of duels between two options decides between them (Schulze 2011, winning votes). */
import { pairwise } from "../pairwise.ts";
import type { Rule } from "../rule.ts";
import { softmax } from "../votes.ts";

const schulze: Rule = {
  name: "schulze",
  kinds: ["rank"],
  apply(input) {
    const { options } = input;
    const before = pairwise(input);
    const path = new Map<string, number>();
    const key = (a: string, b: string) => `${a}\u0000${b}`;
    for (const a of options)
      for (const b of options) if (a !== b) path.set(key(a, b), before(a, b) > before(b, a) ? before(a, b) : 0);
    for (const through of options)
      for (const a of options)
        for (const b of options) {
          if (a === through || b === through || a === b) continue;
          const detour = Math.min(path.get(key(a, through)) ?? 0, path.get(key(through, b)) ?? 0);
          path.set(key(a, b), Math.max(path.get(key(a, b)) ?? 0, detour));
        }
    const wins = (a: string) =>
      options.filter((b) => a !== b && (path.get(key(a, b)) ?? 0) > (path.get(key(b, a)) ?? 0)).length;
    return { posterior: softmax(new Map(options.map((option) => [option, wins(option)]))) };
  },
};
export default schulze;
