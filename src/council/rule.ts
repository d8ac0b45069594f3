/** What a rule is: votes, evidence and weights in, a share of belief for each option out. */
import type {
  Ballot,
  CouncilCheck,
  CouncilEvidence,
  CouncilKind,
  CouncilProposal,
  CouncilQuestion,
  Id,
  OptionId,
} from "../core/council.ts";
import type { Weights } from "./weights.ts";

export interface RuleInput {
  readonly request: CouncilQuestion;
  readonly options: readonly OptionId[];
  readonly proposals: readonly CouncilProposal[];
  readonly checks: readonly CouncilCheck[];
  readonly ballots: readonly Ballot[];
  readonly evidence: readonly CouncilEvidence[];
  readonly weights: Weights;
}

export interface Belief {
  /** Adds up to 1 over the options and `none`. */
  readonly posterior: ReadonlyMap<OptionId | "none", number>;
  readonly evidenceUsed?: readonly Id[];
}

export interface Rule {
  readonly name: string;
  readonly kinds: readonly CouncilKind[];
  apply(input: RuleInput): Belief;
}
