/** The council's pure engine for other programs: `codecrucible/council`. */
export type {
  AbstainReason,
  Ballot,
  Claim,
  Conflict,
  CouncilCheck,
  CouncilDecision,
  CouncilEvidence,
  CouncilKind,
  CouncilOutcome,
  CouncilProposal,
  CouncilQuestion,
  Dissent,
  ModelGroup,
  OptionId,
  RiskLevel,
  VoiceId,
} from "../core/council.ts";
export type { Finding } from "../core/review.ts";
export { type DecideInput, decide } from "./decide.ts";
export { findings, type Readings } from "./findings.ts";
export { fit } from "./fit.ts";
export { NO_RECORD, type Weights } from "./weights.ts";
