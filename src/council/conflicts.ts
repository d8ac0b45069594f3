/** Claims that contradict each other, and what settles each: a run, else the voices whose field it is, else nothing. */
import type { Ballot, Claim, Conflict, CouncilCheck, Id, OptionId, VoiceId } from "../core/council.ts";
import type { Runs } from "./runs.ts";
import { subjectKey } from "./subject.ts";
import { couplingOf } from "./votes.ts";
import { accuracyOf, type Weights } from "./weights.ts";

export interface Bench {
  /** Domain of each voice, as its file says; a voice that is not there speaks on everything. */
  readonly domains: Readonly<Record<VoiceId, string>>;
  readonly domain: string | undefined;
  readonly checks: readonly CouncilCheck[];
  readonly runs: ReadonlyMap<Id, Runs>;
  readonly votes: readonly (Ballot & { readonly choice: OptionId })[];
  readonly weights: Weights;
  readonly cluster: ReadonlyMap<OptionId, OptionId>;
}

/** Domains whose voices are asked about a conflict of a kind; of the others everybody is. */
const FIELDS: Readonly<Partial<Record<Conflict["kind"], readonly string[]>>> = {
  risk: ["security"],
  design: ["design", "ux"],
  behavioural: ["code", "diagnosis", "tests", "performance"],
};

/** Claims of one subject about one proposal, or about the code as it is; in the order in which they were made. */
export function conflictsOf(claims: readonly Claim[], bench: Bench): Conflict[] {
  return bySubject(claims, (claim) => aboutOf(claim, bench) ?? "")
    .filter(contradictory)
    .map((group) => settled(group, bench));
}

/** Whether claims on one subject tell these two proposals apart, of which no run shows which is so. */
export function undecidedBetween(options: readonly OptionId[], claims: readonly Claim[], bench: Bench): boolean {
  const own = claims.filter((claim) => options.includes(aboutOf(claim, bench) ?? ""));
  return bySubject(own, () => "")
    .filter(contradictory)
    .some((group) =>
      options.some((option) => {
        const here = group.filter((claim) => aboutOf(claim, bench) === option);
        return here.length > 0 && !shownBy(here, bench);
      }),
    );
}

/** The kind of a claim that does not say: what a check can show is how something behaves. */
export function kindOf(claims: readonly Claim[]): Conflict["kind"] {
  const said = claims.find(({ kind }) => kind !== undefined)?.kind;
  return said ?? (claims.some(({ checkId }) => checkId !== undefined) ? "behavioural" : "factual");
}

const contradictory = (group: readonly Claim[]) => group.some(({ polarity }) => polarity !== group[0]?.polarity);

function aboutOf({ proposalId }: Claim, { cluster }: Bench): OptionId | undefined {
  return proposalId === undefined ? undefined : (cluster.get(proposalId) ?? proposalId);
}

function bySubject(claims: readonly Claim[], about: (claim: Claim) => string): Claim[][] {
  const subjects = new Map<string, Claim[]>();
  for (const claim of claims) {
    const key = [about(claim), claim.file ?? "", subjectKey(claim.subject)].join("\u0000");
    subjects.set(key, [...(subjects.get(key) ?? []), claim]);
  }
  return [...subjects.values()];
}

function settled(claims: readonly Claim[], bench: Bench): Conflict {
  const kind = kindOf(claims);
  const base = { claimIds: claims.map(({ id }) => id), kind };
  const shown = shownBy(claims, bench);
  if (shown) return { ...base, resolvedBy: "execution", evidence: shown.checks, stands: shown.stands };
  const stands = voted(claims, kind, bench);
  return { ...base, resolvedBy: stands === undefined ? "open" : "vote", evidence: [], ...(stands ? { stands } : {}) };
}

type Polarity = Claim["polarity"];

/** What the checks of the claims showed; gates before generated ones, and nothing where they disagree. */
function shownBy(
  claims: readonly Claim[],
  { checks, runs, cluster }: Bench,
): { checks: Id[]; stands: Polarity } | undefined {
  const seen = claims.flatMap(({ checkId, proposalId }) => {
    const outcomes = checkId === undefined ? undefined : runs.get(checkId);
    const own =
      proposalId === undefined
        ? [...(outcomes?.values() ?? [])]
        : [outcomes?.get(cluster.get(proposalId) ?? proposalId)];
    const gate = checks.some(({ id, trust }) => id === checkId && trust !== "generated");
    return own.flatMap((passed) => (passed === undefined ? [] : [{ check: checkId ?? "", passed, gate }]));
  });
  const counted = seen.some(({ gate }) => gate) ? seen.filter(({ gate }) => gate) : seen;
  const [first] = counted;
  if (!first || counted.some(({ passed }) => passed !== first.passed)) return undefined;
  return { checks: [...new Set(counted.map(({ check }) => check))], stands: first.passed ? 1 : -1 };
}

/**
 * The ballots of voices whose field it is: one for the proposal speaks for it, one for another against it. At least two
 * must speak; they weigh by their record, those of one model together less.
 */
function voted(claims: readonly Claim[], kind: Conflict["kind"], bench: Bench): Polarity | undefined {
  const target = claims[0] && aboutOf(claims[0], bench);
  if (target === undefined) return undefined;
  const fields = FIELDS[kind];
  const voters = bench.votes.filter(({ voice }) => {
    const domain = bench.domains[voice];
    return !fields || domain === undefined || fields.includes(domain);
  });
  if (voters.length < 2) return undefined;
  const sizes = new Map<string, number>();
  for (const { group } of voters) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const balance = voters.reduce((sum, { voice, group, choice }) => {
    const accuracy = accuracyOf(bench.weights, voice, bench.domain);
    const alike = 1 + ((sizes.get(group) ?? 1) - 1) * couplingOf(bench.weights, group);
    const weight = Math.max(0, Math.log(accuracy / (1 - accuracy))) / alike;
    return sum + ((bench.cluster.get(choice) ?? choice) === target ? weight : -weight);
  }, 0);
  return Math.abs(balance) < 1e-9 ? undefined : balance > 0 ? 1 : -1;
}
