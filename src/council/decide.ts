/** The decision of a council. Pure: no clock, no I/O; the same input gives the same decision, byte for byte. */
import type {
  Ballot,
  Claim,
  CouncilCheck,
  CouncilDecision,
  CouncilEvidence,
  CouncilKind,
  CouncilProposal,
  CouncilQuestion,
  OptionId,
  VoiceId,
} from "../core/council.ts";
import { abstainReason, type Found } from "./abstain.ts";
import { bestOf } from "./best.ts";
import { conflictsOf } from "./conflicts.ts";
import type { Rule, RuleInput } from "./rule.ts";
import { ruleFor } from "./rules.ts";
import { clearRuns } from "./runs.ts";
import { agreementOf, clustersOf, effectiveVotes, votesOf } from "./votes.ts";
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
  /** What was said of the proposals: where it contradicts itself, the decision says what settled it. */
  readonly claims?: readonly Claim[];
  /** Domain of each voice, as its file says: who is asked when claims contradict each other. */
  readonly domains?: Readonly<Record<VoiceId, string>>;
  /** Rotates the order in which equal options win; 0 keeps the order given. */
  readonly seed?: number;
}

export function decide(given: DecideInput): CouncilDecision {
  const { proposals = [] } = given;
  const options = rotated([...new Set(given.options)], proposals, given.seed ?? 0);
  const { request, checks = [], evidence = [], weights = NO_RECORD } = given;
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
  const { claims = [], domains = {} } = given;
  const runs = clearRuns(evidence, (proposal) => cluster.get(proposal));
  const bench = { domains, domain: request.domain, checks, runs, votes, weights, cluster };
  const abstain = abstainReason(input, { winner, belief, votes, claims, bench });
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
    conflicts: conflictsOf(claims, bench),
    dissent: votes
      .filter(({ choice }) => (cluster.get(choice) ?? choice) !== winner)
      .map(({ voice, choice, reason, unless }) => ({
        voice,
        choice,
        ...(reason === undefined ? {} : { reason }),
        ...(unless === undefined ? {} : { unless }),
      })),
    ...(abstain ? { abstainReason: abstain } : {}),
  };
}

function championOf(kind: CouncilKind, { champions }: Weights): string | undefined {
  return kind === "answer" ? champions.answer : kind === "rank" ? champions.rank : undefined;
}

/**
 * Equal options win in turn, by seed: which comes first must not always be the same voice's. Whoever stands for a
 * cluster in the order given goes on standing for it: the winner must be one that the caller knows.
 */
function rotated(
  options: readonly OptionId[],
  proposals: readonly CouncilProposal[],
  seed: number,
): readonly OptionId[] {
  const cluster = clustersOf(options, proposals);
  const heads = options.filter((option) => cluster.get(option) === option);
  const at = heads.length === 0 ? 0 : Math.abs(Math.trunc(seed)) % heads.length;
  return [...heads.slice(at), ...heads.slice(0, at), ...options.filter((option) => cluster.get(option) !== option)];
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
