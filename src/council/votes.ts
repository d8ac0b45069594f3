/** Ballots as rules read them: only those that count, and what they say about how many independent votes there are. */
import type { Ballot, CouncilProposal, OptionId } from "../core/council.ts";
import { USUAL_COUPLING, type Weights } from "./weights.ts";

export interface Vote extends Ballot {
  readonly choice: OptionId;
}

const counts = ({ status }: Ballot) => status === undefined || status === "ok";

/** One vote for each voice, its last; a voice cannot vote twice, a stub never votes. */
export function votesOf(ballots: readonly Ballot[], options: readonly OptionId[]): Vote[] {
  const known = new Set(options);
  const last = new Map<string, Vote>();
  for (const ballot of ballots) {
    const choice = ballot.choice ?? ballot.ranking?.[0];
    if (!counts(ballot) || choice === undefined || !known.has(choice)) continue;
    last.set(ballot.voice, hasChoice(ballot) ? ballot : { ...ballot, choice });
  }
  return [...last.values()];
}

const hasChoice = (ballot: Ballot): ballot is Vote => ballot.choice !== undefined;

export interface Ranking {
  readonly ballot: Ballot;
  /** Place of each option from 0 (best); options that were not named share the places that are left. */
  readonly places: ReadonlyMap<OptionId, number>;
}

export function rankingsOf(ballots: readonly Ballot[], options: readonly OptionId[]): Ranking[] {
  const known = new Set(options);
  const last = new Map<string, Ranking>();
  for (const ballot of ballots) {
    if (!counts(ballot)) continue;
    const places = new Map<OptionId, number>();
    for (const option of ballot.ranking ?? (ballot.choice === undefined ? [] : [ballot.choice]))
      if (known.has(option) && !places.has(option)) places.set(option, places.size);
    if (places.size === 0) continue;
    const shared = places.size + (options.length - places.size - 1) / 2;
    for (const option of options) if (!places.has(option)) places.set(option, shared);
    last.set(ballot.voice, { ballot, places });
  }
  return [...last.values()];
}

/** Kish: n votes of one model that repeat each other with chance r are n / (1 + (n - 1) r). */
export function effectiveVotes(votes: readonly Pick<Ballot, "group">[], weights: Weights): number {
  const sizes = new Map<string, number>();
  for (const { group } of votes) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  return [...sizes].reduce((sum, [group, size]) => sum + size / (1 + (size - 1) * couplingOf(weights, group)), 0);
}

export function couplingOf({ answer }: Weights, group: string): number {
  return answer.coupling[group] ?? USUAL_COUPLING;
}

/** Chance that two of the votes name the same option; 1 for a single one. */
export function agreementOf(votes: readonly Vote[]): number {
  if (votes.length < 2) return votes.length;
  const tally = new Map<OptionId, number>();
  for (const { choice } of votes) tally.set(choice, (tally.get(choice) ?? 0) + 1);
  const pairs = [...tally.values()].reduce((sum, n) => sum + n * (n - 1), 0);
  return pairs / (votes.length * (votes.length - 1));
}

/** Proposals of one cluster stand for one option: the first of them that was handed in, whatever order options have. */
export function clustersOf(
  options: readonly OptionId[],
  proposals: readonly CouncilProposal[],
): Map<OptionId, OptionId> {
  const known = new Set(options);
  const first = new Map<string, OptionId>();
  const byId = new Map<OptionId, string>();
  for (const { id, cluster } of proposals) {
    if (cluster === undefined || !known.has(id)) continue;
    byId.set(id, cluster);
    if (!first.has(cluster)) first.set(cluster, id);
  }
  return new Map(options.map((option) => [option, first.get(byId.get(option) ?? "") ?? option]));
}

/** Scores of log size as shares that add up to 1. */
export function softmax(scores: ReadonlyMap<OptionId, number>): Map<OptionId, number> {
  const most = Math.max(...scores.values());
  const sizes = [...scores].map(([option, score]) => [option, Math.exp(score - most)] as const);
  const sum = sizes.reduce((total, [, size]) => total + size, 0);
  return new Map(sizes.map(([option, size]) => [option, size / sum]));
}
