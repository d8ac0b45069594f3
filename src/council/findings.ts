/** Union with confirmation: every finding of a review is kept, and says whether a check or a second model stands behind it. */
import { sha256 } from "../base/hash.ts";
import type { Claim, CouncilCheck, CouncilEvidence, VoiceId } from "../core/council.ts";
import { type Finding, SEVERITIES, type Severity } from "../core/review.ts";
import { clearRuns } from "./runs.ts";
import { similarSubjects, subjectKey } from "./subject.ts";

/** What a claim weighs that does not say. */
const USUAL: Severity = "medium";
/** Lines between two words on one thing. */
const NEAR = 3;

/** Which voices a voice had read before it spoke: it seconds none of them. */
export type Readings = Readonly<Record<VoiceId, readonly VoiceId[]>>;

/**
 * Claims are what voices found wrong. A claim of +1 is confirmed by the pass of its check, one of -1 by the failure; a
 * claim that its own check refutes is dropped. Nothing that one voice confirmed is voted down by others. Gravest first.
 */
export function findings(
  claims: readonly Claim[],
  evidence: readonly CouncilEvidence[],
  checks: readonly CouncilCheck[],
  read: Readings = {},
): Finding[] {
  const known = new Set(checks.map(({ id }) => id));
  const shown = shownBy(evidence.filter(({ checkId }) => known.has(checkId)));
  const standing = claims
    .map((claim): Standing => ({ ...claim, shown: shown(claim) }))
    .filter((claim) => claim.shown !== "refuted")
    .toSorted((a, b) => compare(a, b));
  const found = groupsOf(standing).map((group) => findingOf(group, read));
  return numbered(found).toSorted((a, b) => gravity(b) - gravity(a));
}

interface Standing extends Claim {
  readonly shown: "confirmed" | "refuted" | "open";
}

/** What the check of a claim says of it; runs that disagree say nothing. */
function shownBy(evidence: readonly CouncilEvidence[]): (claim: Claim) => Standing["shown"] {
  const runs = clearRuns(evidence, (proposal) => proposal);
  return ({ checkId, proposalId, polarity }) => {
    const seen = checkId === undefined ? undefined : runs.get(checkId);
    const outcomes = proposalId === undefined ? [...(seen?.values() ?? [])] : [seen?.get(proposalId)];
    const [first] = outcomes;
    if (first === undefined || outcomes.some((outcome) => outcome !== first)) return "open";
    return first === (polarity === 1) ? "confirmed" : "refuted";
  };
}

/** By place, then by words: the order in which claims came in makes no difference. */
function compare(a: Claim, b: Claim): number {
  const text = (claim: Claim) =>
    [claim.file ?? "", claim.subject, claim.predicate, claim.voice, claim.id].join("\u0000");
  return (a.file ?? "").localeCompare(b.file ?? "") || (a.line ?? 0) - (b.line ?? 0) || (text(a) < text(b) ? -1 : 1);
}

function same(a: Claim, b: Claim): boolean {
  if (a.file !== b.file || a.polarity !== b.polarity) return false;
  if (a.line !== undefined && b.line !== undefined && Math.abs(a.line - b.line) > NEAR) return false;
  return similarSubjects(a.subject, b.subject);
}

/** Claims that are linked by sameness, directly or through others. */
function groupsOf(claims: readonly Standing[]): Standing[][] {
  let groups: Standing[][] = [];
  for (const claim of claims) {
    const linked = groups.filter((group) => group.some((other) => same(claim, other)));
    groups = [...groups.filter((group) => !linked.includes(group)), [...linked.flat(), claim]];
  }
  return groups.map((group) => group.toSorted(compare));
}

function findingOf(group: readonly Standing[], read: Readings): Omit<Finding, "id"> {
  const confirmed = group.filter(({ shown }) => shown === "confirmed");
  const pairs = confirmed.length > 0 ? [] : secondings(group, read);
  const status = confirmed.length > 0 ? "confirmed" : pairs.length > 0 ? "seconded" : "unconfirmed";
  const severity =
    status === "seconded"
      ? gravest(pairs.map(([a, b]) => (rank(a) < rank(b) ? a : b)))
      : gravest(status === "confirmed" ? confirmed : group);
  const by =
    status === "confirmed" ? confirmed.map(({ checkId = "" }) => checkId) : pairs.flat().map((one) => one.group);
  const speaker = (confirmed.length > 0 ? confirmed : group).reduce((a, b) => (rank(b) > rank(a) ? b : a));
  const { file, line, subject, predicate } = speaker;
  return {
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    severity,
    subject,
    text: predicate,
    voices: sorted(group.map(({ voice }) => voice)),
    groups: sorted(group.map((claim) => claim.group)),
    status,
    by: sorted(by),
    forPerson: status !== "confirmed" && SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf("high"),
  };
}

/** Pairs of claims by two models of which neither voice had read the other. */
function secondings(group: readonly Standing[], read: Readings): (readonly [Standing, Standing])[] {
  const blind = (a: Claim, b: Claim) => !(read[a.voice] ?? []).includes(b.voice);
  return group.flatMap((a, at) =>
    group
      .slice(at + 1)
      .filter((b) => a.group !== b.group && blind(a, b) && blind(b, a))
      .map((b) => [a, b] as const),
  );
}

const rank = ({ severity = USUAL }: Pick<Claim, "severity">) => SEVERITIES.indexOf(severity);
const gravity = ({ severity, status }: Pick<Finding, "severity" | "status">) =>
  SEVERITIES.indexOf(severity) * 3 + ["unconfirmed", "seconded", "confirmed"].indexOf(status);
const gravest = (claims: readonly Claim[]): Severity => SEVERITIES[Math.max(...claims.map(rank))] ?? USUAL;
const sorted = (values: readonly string[]) => [...new Set(values)].sort();

/** Ids that outlive a shift of lines; equal subjects of one file are told apart by their order. */
function numbered(found: readonly Omit<Finding, "id">[]): Finding[] {
  const seen = new Map<string, number>();
  return found.map((finding) => {
    const start = sha256(`${finding.file ?? ""}\u0000${subjectKey(finding.subject)}`).slice(0, 12);
    const count = (seen.get(start) ?? 0) + 1;
    seen.set(start, count);
    return { id: count === 1 ? start : `${start}-${count}`, ...finding };
  });
}
