/** What the runs of a check showed, once for each behaviour class: the only reading of evidence that counts. */
import type { CouncilEvidence, Id, OptionId } from "../core/council.ts";

/** True: it passed; classes whose runs contradict each other, were flaky or broke down are not there. */
export type Runs = ReadonlyMap<OptionId, boolean>;

/** The runs of every check by its id; `cluster` names the class of a proposal. */
export function clearRuns(
  evidence: readonly CouncilEvidence[],
  cluster: (proposal: OptionId) => OptionId | undefined,
): ReadonlyMap<Id, Runs> {
  const seen = new Map<Id, Map<OptionId, boolean | undefined>>();
  for (const { checkId, proposalId, outcome } of evidence) {
    const own = cluster(proposalId);
    if (own === undefined) continue;
    const runs = seen.get(checkId) ?? new Map<OptionId, boolean | undefined>();
    seen.set(checkId, runs);
    const now = outcome === "pass" ? true : outcome === "fail" ? false : undefined;
    runs.set(own, !runs.has(own) || runs.get(own) === now ? now : undefined);
  }
  return new Map([...seen].map(([id, runs]) => [id, clear(runs)]));
}

function clear(runs: ReadonlyMap<OptionId, boolean | undefined>): Runs {
  return new Map([...runs].flatMap(([id, passed]) => (passed === undefined ? [] : [[id, passed] as const])));
}
