/** How often each voice is right, learned from agreement alone (Dawid and Skene 1979, one number per voice): no outcome is looked at. */
import type { CouncilOutcome, VoiceId } from "../core/council.ts";
import { softmax, votesOf } from "./votes.ts";

/** Belief before any vote, and how many questions it is worth: without it a lone voice would count as always right. */
const PRIOR = { accuracy: 0.6, strength: 8 };
const ROUNDS = 20;

/** Log-odds of each option when voices err apart from each other and on every wrong option alike. */
export function agreedShares(
  votes: readonly { readonly voice: VoiceId; readonly choice: string }[],
  options: readonly string[],
  accuracy: (voice: VoiceId) => number,
): Map<string, number> {
  const scores = new Map(options.map((option) => [option, 0]));
  for (const { voice, choice } of votes) {
    const right = Math.min(0.98, Math.max(0.02, accuracy(voice)));
    const weight = Math.log((right * Math.max(options.length - 1, 1)) / (1 - right));
    scores.set(choice, (scores.get(choice) ?? 0) + weight);
  }
  return softmax(scores);
}

/** Expectation (which option is right) and maximisation (who is right how often) in turn. */
export function consensusOf(record: readonly CouncilOutcome[]): Record<VoiceId, number> {
  const questions = record
    .map(({ ballots, options }) => ({ votes: votesOf(ballots, options), options }))
    .filter(({ votes }) => votes.length > 1);
  let known: Record<VoiceId, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    const tallies = new Map<VoiceId, { right: number; count: number }>();
    for (const { votes, options } of questions) {
      const shares = agreedShares(votes, options, (voice) => known[voice] ?? PRIOR.accuracy);
      for (const { voice, choice } of votes) {
        const tally = tallies.get(voice) ?? { right: PRIOR.accuracy * PRIOR.strength, count: PRIOR.strength };
        tallies.set(voice, { right: tally.right + (shares.get(choice) ?? 0), count: tally.count + 1 });
      }
    }
    known = Object.fromEntries([...tallies].map(([voice, { right, count }]) => [voice, right / count]));
  }
  return known;
}
