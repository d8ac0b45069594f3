/** A search for a patch while it goes on: who stands, what ran, what was said; and how it looks to judges. */
import { oneLine } from "../base/text.ts";
import type { Ballot, Claim, OptionId } from "../core/council.ts";
import type { Candidate, Candidates, Patch } from "./candidates.ts";
import type { DecideInput } from "./decide.ts";
import { inputOf } from "./deliberate.ts";
import type { Evidence } from "./evidence.ts";
import { addressesJudges, neutral } from "./neutral.ts";
import type { Shown } from "./prompts.ts";
import type { Sitting } from "./sitting.ts";

/** Most tokens of what a voice hands in. */
export const CONTRIBUTION_TOKENS = 1_600;
const FINDING_LINES = 6;

/** The state of one search for a patch. */
export interface Search {
  readonly sitting: Sitting;
  readonly candidates: Candidates;
  readonly evidence: Evidence;
  readonly refused: Map<OptionId, { readonly patch: Patch; readonly problem: string }>;
  readonly hostile: Set<string>;
  claims: Claim[];
  ballots: Ballot[];
}

/** Patches become candidates, or are refused with why; gives the new candidates. */
export async function stand(search: Search, patches: readonly Patch[]): Promise<readonly Candidate[]> {
  for (const { author, text, edits } of patches)
    if (addressesJudges([text, ...edits.map(({ replace }) => replace)].join("\n"))) search.hostile.add(author);
  const { fresh, refused } = await search.candidates.add(patches);
  for (const patch of patches) {
    const problem = refused.get(patch.id);
    if (problem !== undefined) search.refused.set(patch.id, { patch, problem });
  }
  return fresh;
}

/** What is known so far, as the engine takes it. */
export function inputFor({ sitting, candidates, evidence, ballots, claims }: Search): DecideInput {
  const patches = candidates.all.flatMap((candidate) => candidate.patches.map((patch) => ({ candidate, patch })));
  const ids = candidates.all.map(({ id }) => id);
  const proposals = patches.map(({ candidate, patch: { id, author, group } }) => ({
    id,
    author,
    group,
    cluster: candidate.id,
  }));
  // The first of a cluster stands for it, in the evidence too.
  const options = [...ids, ...proposals.map(({ id }) => id).filter((id) => !ids.includes(id))];
  return { ...inputOf(sitting, options, ballots), proposals, claims, ...evidence.counted(ids) };
}

/** The order in which patches have their letters, for judges and for people: not that of their authors. */
export function inOrder({ all }: Candidates): readonly Candidate[] {
  return all.toSorted((a, b) => (a.diff < b.diff ? -1 : 1));
}

/** A patch as judges see it: what it changes and what running it showed, never who wrote it. */
export function shownOf({ evidence }: Search, { id, diff, patches: [first] }: Candidate, label: string): Shown {
  const findings = evidence.checks.flatMap((check) => {
    const outcome = evidence.outcome(check.id, id);
    if (outcome === undefined) return [];
    const said = outcome === "fail" ? `\n${neutral(tailLines(evidence.output(check.id, id), FINDING_LINES))}` : "";
    const by = check.trust === "generated" ? "test by a voice" : "repository";
    return [`${by}: ${neutral(oneLine(check.title, 120))}: ${outcome}${said}`];
  });
  return { label, text: `${neutral(first?.text ?? "")}\n${neutral(diff)}`, findings };
}

export function tailLines(text: string, most: number): string {
  return text.trimEnd().split("\n").slice(-most).join("\n");
}
