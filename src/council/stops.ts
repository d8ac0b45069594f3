/** When a council has heard enough: asking more voices would not change what is decided, or hardly. */
import type { Ballot, CouncilDecision, RiskLevel, StopReason } from "../core/council.ts";
import { type DecideInput, decide } from "./decide.ts";
import type { CouncilPlan, Member } from "./plan.ts";
import { effectiveVotes, votesOf } from "./votes.ts";

/** Belief at which a question of this risk needs no further voice; an irreversible one hears all. */
const SURE: Readonly<Record<RiskLevel, number>> = { low: 0.8, medium: 0.9, high: 0.95, irreversible: 2 };
/** Effective votes that one more voice must bring. */
const LEAST_NEWS = 0.08;
/** Votes without which nothing is sure. */
const LEAST_VOTES = 3;

/** True when the winner is believed in enough for what is at stake. */
export function isSure({ winner, posterior }: Pick<CouncilDecision, "winner" | "posterior">, risk: RiskLevel): boolean {
  return winner !== undefined && (posterior[winner] ?? 0) >= SURE[risk];
}

export function stopAfter(
  plan: CouncilPlan,
  input: DecideInput,
  outstanding: readonly Member[],
): StopReason | undefined {
  const votes = votesOf(input.ballots, input.options);
  if (votes.length < Math.min(LEAST_VOTES, votes.length + outstanding.length)) return undefined;
  const { winner, posterior, outcome } = decide(input);
  // Who wins may be settled before it is settled that it is sure enough: then the others are still worth asking.
  if (winner === undefined || outcome !== "decided") return undefined;
  if (isUnassailable(input, winner, outstanding)) return "unassailable";
  if (plan.wholeRungs) return undefined;
  if (isSure({ winner, posterior }, plan.risk)) return "posterior";
  const [next] = outstanding;
  if (next === undefined || plan.kind === "patch") return undefined;
  const more = [...votes, { voice: next.voice.id, group: next.group, choice: winner }];
  const news = effectiveVotes(more, plan.weights) - effectiveVotes(votes, plan.weights);
  return news < LEAST_NEWS ? "no-new-votes" : undefined;
}

/** True when the winner stays whatever the outstanding voices say: all for one other option is the worst for it. */
function isUnassailable(input: DecideInput, winner: string, outstanding: readonly Member[]): boolean {
  return input.options.every((option) => {
    const rest = input.options.filter((other) => other !== option && other !== winner);
    const ranking = option === winner ? [winner, ...rest] : [option, ...rest, winner];
    const ballots = outstanding.map(
      ({ voice, group }): Ballot => ({ voice: voice.id, group, choice: option, ranking, status: "ok" }),
    );
    return decide({ ...input, ballots: [...input.ballots, ...ballots] }).winner === winner;
  });
}
