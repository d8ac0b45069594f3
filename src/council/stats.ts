/** What the record of councils adds up to, for people: who is right how often, who repeats whom, which rules were learned. Pure. */
import type { CouncilOutcome } from "../core/council.ts";
import type { CouncilStats, OutcomeRow, OutcomeSource, VoiceStats } from "../core/council-record.ts";
import { confidenceRecord } from "./fit-confidence.ts";
import logOdds, { voteWeight } from "./rules/log-odds.ts";
import medianRank from "./rules/median-rank.ts";
import { couplingOf, votesOf } from "./votes.ts";
import type { Weights } from "./weights.ts";

/** `weights` of `weightsFrom` over the same rows. */
export function statsOf(rows: readonly OutcomeRow[], weights: Weights): CouncilStats {
  const known = rows.filter((row): row is OutcomeRow & CouncilOutcome => row.truth !== undefined);
  const options = usualOptions(known);
  const sources: Partial<Record<OutcomeSource, number>> = {};
  for (const { source } of known) if (source) sources[source] = (sources[source] ?? 0) + 1;
  return {
    outcomes: known.length,
    open: rows.length - known.length,
    sources,
    options,
    voices: voicesOf(known, weights, options),
    confidence: {
      used: weights.confidence !== undefined,
      ...confidenceRecord(known.filter(({ kind }) => kind !== "rank")),
    },
    groups: groupsOf(rows, weights),
    rules: (["answer", "rank"] as const).map((kind) => ({
      kind,
      rule: weights.champions[kind] ?? (kind === "answer" ? logOdds : medianRank).name,
      learned: weights.champions[kind] !== undefined,
    })),
  };
}

function usualOptions(known: readonly CouncilOutcome[]): number {
  const sizes = known.map(({ options }) => options.length).toSorted((a, b) => a - b);
  return Math.max(2, sizes[sizes.length >> 1] ?? 2);
}

/** Each voice over all, then by domain; by name. */
function voicesOf(known: readonly CouncilOutcome[], weights: Weights, options: number): VoiceStats[] {
  const counts = new Map<string, number>();
  for (const { ballots, domain, options: all } of known)
    for (const { voice } of votesOf(ballots, all)) {
      const key = `${voice}\u0000${domain ?? ""}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  return Object.entries(weights.voices)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([voice, { accuracy, seen, domains }]) => {
      const weight = (right: number) => voteWeight(right, options, seen);
      const parts = Object.entries(domains).map(([domain, right]) => ({
        voice,
        domain,
        outcomes: counts.get(`${voice}\u0000${domain}`) ?? 0,
        accuracy: right,
        weight: weight(right),
      }));
      return [{ voice, outcomes: seen, accuracy, weight: weight(accuracy) }, ...parts];
    });
}

function groupsOf(rows: readonly OutcomeRow[], weights: Weights): CouncilStats["groups"] {
  const voices = new Map<string, Set<string>>();
  for (const { voice, group } of rows.flatMap(({ ballots }) => ballots))
    voices.set(group, (voices.get(group) ?? new Set()).add(voice));
  return [...voices]
    .map(([group, members]) => ({ group, voices: members.size, coupling: couplingOf(weights, group) }))
    .toSorted((a, b) => (a.group < b.group ? -1 : 1));
}
