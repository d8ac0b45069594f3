/** When a council asks the person instead of deciding. */
import type { AbstainReason, Claim, OptionId, RiskLevel } from "../core/council.ts";
import { type Bench, kindOf, undecidedBetween } from "./conflicts.ts";
import type { Belief, RuleInput } from "./rule.ts";
import { effectiveVotes, type Vote } from "./votes.ts";

/** Belief in the winner below which a question of this risk goes to the person. */
const LEAST_BELIEF: Readonly<Record<RiskLevel, number>> = { low: 0.4, medium: 0.6, high: 0.8, irreversible: 0.95 };
/** With a gate that the winner passed, so much of that belief is enough. */
const GATED = 0.8;
/** Independent votes below which a high risk is not taken on votes alone. */
const LEAST_VOTES = 1.5;

export interface Found {
  readonly winner: OptionId;
  readonly belief: Belief;
  readonly votes: readonly Vote[];
  readonly claims: readonly Claim[];
  readonly bench: Bench;
}

/** A question without a risk is answered as well as it can be. */
export function abstainReason(input: RuleInput, found: Found): AbstainReason | undefined {
  const { request, weights } = input;
  const { winner, belief, votes, bench } = found;
  const { risk, kind } = request;
  if (risk === undefined) return undefined;
  const { ran, passing } = gatesOf(input, bench);
  if (checksContradict(bench)) return "checks-contradict";
  if (ran && !passing) return "gates-fail-everywhere";
  if (kind !== "patch" && input.ballots.length > 1 && votes.length < 2) return "too-few-ballots";
  const heard = voicesIn(input, votes);
  if (!ran && heard.length < 2 && risk !== "low") return "too-few-ballots";
  const none = belief.posterior.get("none") ?? 0;
  const share = belief.posterior.get(winner) ?? 0;
  if (kind === "patch" && none > share) return "none-likeliest";
  if (undecidedSecurity(input, found)) return "undecided-security";
  const agreed = heard.length > 1 && heard.every(({ choice }) => (bench.cluster.get(choice) ?? choice) === winner);
  const oneModel = new Set(heard.map(({ group }) => group)).size === 1;
  if (agreed && oneModel && !ran && risk !== "low") return "unanimity-of-clones";
  if (risk === "high" && !ran && effectiveVotes(heard, weights) < LEAST_VOTES) return "too-few-votes";
  if (kind !== "rank" && share < LEAST_BELIEF[risk] * (passing ? GATED : 1)) return "posterior-low";
  return undefined;
}

/** Who said what is right: with a patch one speaks for it, before any ballot. */
function voicesIn({ request, proposals }: RuleInput, votes: readonly Vote[]): Pick<Vote, "group" | "choice">[] {
  const written = proposals.map(({ id, group }) => ({ group, choice: id }));
  return request.kind === "patch" ? [...votes, ...written] : [...votes];
}

/** Whether any gate ran, and whether one class passed some and failed none. */
function gatesOf({ checks, evidence }: RuleInput, { cluster }: Bench): { ran: boolean; passing: boolean } {
  const gates = new Set(checks.filter(({ trust }) => trust !== "generated").map(({ id }) => id));
  const runs = evidence.filter(({ checkId }) => gates.has(checkId));
  const classOf = (proposal: OptionId) => cluster.get(proposal) ?? proposal;
  const failing = new Set(
    runs.filter(({ outcome }) => outcome === "fail").map(({ proposalId }) => classOf(proposalId)),
  );
  const passing = runs.some(({ outcome, proposalId }) => outcome === "pass" && !failing.has(classOf(proposalId)));
  return { ran: runs.length > 0, passing };
}

/** Two acceptance checks of which each class passes exactly one, and neither always the same: nothing can pass both. */
function checksContradict({ checks, runs, cluster }: Bench): boolean {
  const classes = new Set(cluster.values());
  const gates = checks
    .filter(({ trust }) => trust !== "generated")
    .map(({ id }) => runs.get(id))
    .filter((seen) => seen !== undefined)
    .filter((seen) => seen.size === classes.size && new Set(seen.values()).size === 2);
  return gates.some((first, at) =>
    gates.slice(at + 1).some((second) => [...first].every(([id, passed]) => second.get(id) === !passed)),
  );
}

/** The two likeliest are told apart by a claim of security, or any where nothing can be taken back, that no run decides. */
function undecidedSecurity({ options, request }: RuleInput, { winner, belief, bench, claims }: Found): boolean {
  const classes = new Set(options.map((option) => bench.cluster.get(option) ?? option));
  const share = (option: OptionId) => belief.posterior.get(option) ?? 0;
  const second = [...classes].filter((id) => id !== winner).toSorted((a, b) => share(b) - share(a))[0];
  if (second === undefined) return false;
  const all = request.risk === "irreversible" || request.domain === "security";
  const grave = all ? claims : claims.filter((claim) => kindOf([claim]) === "risk");
  return undecidedBetween([winner, second], grave, bench);
}
