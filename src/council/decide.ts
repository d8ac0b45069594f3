/** The decision of a council. Pure: no clock, no I/O; the same input gives the same decision, byte for byte. */
import type {
  AbstainReason,
  Ballot,
  CouncilCheck,
  CouncilDecision,
  CouncilEvidence,
  CouncilKind,
  CouncilProposal,
  CouncilQuestion,
  OptionId,
  RiskLevel,
} from "../core/council.ts";
import { bestOf } from "./best.ts";
import type { Belief, Rule, RuleInput } from "./rule.ts";
import { ruleFor } from "./rules.ts";
import { agreementOf, clustersOf, effectiveVotes, type Vote, votesOf } from "./votes.ts";
import { NO_RECORD, type Weights } from "./weights.ts";

export interface DecideInput {
  readonly request: CouncilQuestion;
  readonly options: readonly OptionId[];
  readonly proposals?: readonly CouncilProposal[];
  readonly checks?: readonly CouncilCheck[];
  readonly ballots: readonly Ballot[];
  readonly evidence?: readonly CouncilEvidence[];
  /** Of `fit`; absent: no record. */
  readonly weights?: Weights;
  /** Rotates the order in which equal options win; 0 keeps the order given. */
  readonly seed?: number;
}

/** Belief in the winner below which a question of this risk goes to the person. */
const LEAST_BELIEF: Readonly<Record<RiskLevel, number>> = { low: 0.4, medium: 0.6, high: 0.8, irreversible: 0.95 };
/** With a gate that the winner passed, so much of that belief is enough. */
const GATED = 0.8;
/** Independent votes below which a high risk is not taken on votes alone. */
const LEAST_VOTES = 1.5;

export function decide(given: DecideInput): CouncilDecision {
  const options = rotated([...new Set(given.options)], given.seed ?? 0);
  const { request, proposals = [], checks = [], evidence = [], weights = NO_RECORD } = given;
  const input: RuleInput = { request, options, proposals, checks, ballots: given.ballots, evidence, weights };
  const rule = ruleFor(request.kind, request.rule ?? championOf(request.kind, weights));
  const votes = votesOf(given.ballots, options);
  const grounds = votes.length + (request.kind === "patch" ? proposals.length : 0);
  if (options.length === 0 || grounds === 0) return failed(rule.name);
  const belief = rule.apply(input);
  const winner = bestOf(belief.posterior, options);
  if (winner === undefined) return failed(rule.name);
  const shares = options.map((option) => belief.posterior.get(option) ?? 0).toSorted((a, b) => b - a);
  const none = belief.posterior.get("none") ?? 0;
  const cluster = clustersOf(options, proposals);
  const abstain = abstainReason(input, { winner, belief, votes, cluster });
  return {
    outcome: abstain ? "abstained" : "decided",
    winner,
    posterior: {
      ...Object.fromEntries(given.options.map((option) => [option, belief.posterior.get(option) ?? 0])),
      none,
    },
    rule: rule.name,
    nEff: effectiveVotes(votes, weights),
    agreement: agreementOf(votes),
    margin: (shares[0] ?? 0) - Math.max(shares[1] ?? 0, none),
    flipVotes: flipVotes(rule, input, { winner, votes, belief }),
    evidenceUsed: belief.evidenceUsed ?? [],
    conflicts: [],
    dissent: votes
      .filter(({ choice }) => (cluster.get(choice) ?? choice) !== winner)
      .map(({ voice, choice }) => ({ voice, choice })),
    ...(abstain ? { abstainReason: abstain } : {}),
  };
}

function championOf(kind: CouncilKind, { champions }: Weights): string | undefined {
  return kind === "answer" ? champions.answer : kind === "rank" ? champions.rank : undefined;
}

/** Equal options win in turn, by seed: which comes first must not always be the same voice's. */
function rotated(options: readonly OptionId[], seed: number): OptionId[] {
  const at = options.length === 0 ? 0 : Math.abs(Math.trunc(seed)) % options.length;
  return [...options.slice(at), ...options.slice(0, at)];
}

function failed(rule: string): CouncilDecision {
  return {
    outcome: "failed",
    posterior: { none: 1 },
    rule,
    nEff: 0,
    agreement: 0,
    margin: 0,
    flipVotes: 0,
    evidenceUsed: [],
    conflicts: [],
    dissent: [],
    abstainReason: "too-few-ballots",
  };
}

interface Found {
  readonly winner: OptionId;
  readonly belief: Belief;
  readonly votes: readonly Vote[];
  readonly cluster: ReadonlyMap<OptionId, OptionId>;
}

/** Why the person should be asked; a question without a risk is answered as well as it can be. */
function abstainReason(input: RuleInput, found: Found): AbstainReason | undefined {
  const { request, checks, evidence, weights } = input;
  const { winner, belief, votes, cluster } = found;
  const { risk, kind } = request;
  if (risk === undefined) return undefined;
  const gates = new Set(checks.filter(({ trust }) => trust !== "generated").map(({ id }) => id));
  const gateRuns = evidence.filter(({ checkId }) => gates.has(checkId));
  const failing = new Set(
    gateRuns.filter(({ outcome }) => outcome === "fail").map(({ proposalId }) => cluster.get(proposalId) ?? proposalId),
  );
  const passing = gateRuns.some(
    ({ outcome, proposalId }) => outcome === "pass" && !failing.has(cluster.get(proposalId) ?? proposalId),
  );
  if (gateRuns.length > 0 && !passing) return "gates-fail-everywhere";
  if (gateRuns.length === 0 && votes.length < 2 && risk !== "low") return "too-few-ballots";
  const none = belief.posterior.get("none") ?? 0;
  const share = belief.posterior.get(winner) ?? 0;
  if (kind === "patch" && none > share) return "none-likeliest";
  const agreed = votes.length > 1 && votes.every(({ choice }) => (cluster.get(choice) ?? choice) === winner);
  const oneModel = new Set(votes.map(({ group }) => group)).size === 1;
  if (agreed && oneModel && gateRuns.length === 0 && risk !== "low") return "unanimity-of-clones";
  if (risk === "high" && gateRuns.length === 0 && effectiveVotes(votes, weights) < LEAST_VOTES) return "too-few-votes";
  if (kind !== "rank" && share < LEAST_BELIEF[risk] * (passing ? GATED : 1)) return "posterior-low";
  return undefined;
}

/** How many of the winner's ballots would have to name the runner-up instead for another winner; 0 when no number would. */
function flipVotes(
  rule: Rule,
  input: RuleInput,
  { winner, votes, belief }: Pick<Found, "winner" | "votes" | "belief">,
): number {
  const { options } = input;
  const backers = votes.filter(({ choice }) => choice === winner);
  const runnerUp = bestOf(
    belief.posterior,
    options.filter((option) => option !== winner),
  );
  if (runnerUp === undefined) return 0;
  for (let count = 1; count <= backers.length; count++) {
    const moved = new Set(backers.slice(0, count).map(({ voice }) => voice));
    const ballots = input.ballots.map((ballot) =>
      moved.has(ballot.voice) ? swapped(ballot, winner, runnerUp) : ballot,
    );
    if (bestOf(rule.apply({ ...input, ballots }).posterior, options) !== winner) return count;
  }
  return 0;
}

function swapped(ballot: Ballot, winner: OptionId, other: OptionId): Ballot {
  const swap = (option: OptionId) => (option === winner ? other : option === other ? winner : option);
  return {
    ...ballot,
    ...(ballot.choice === undefined ? {} : { choice: swap(ballot.choice) }),
    ...(ballot.ranking === undefined ? {} : { ranking: ballot.ranking.map(swap) }),
  };
}
