/** What a record of known outcomes teaches: how far each voice is to be believed, and which rule has earned its place. Plain data. */
import type { CouncilOutcome, ModelGroup, VoiceId } from "../core/council.ts";

/** Chance of being right, before any outcome, and how many outcomes that belief is worth. */
const PRIOR = { accuracy: 0.6, strength: 8, domainStrength: 15 };
/** Outcomes after which one counts half. */
const HALF_LIFE = 200;

export interface VoiceRecord {
  readonly accuracy: number;
  /** Outcomes seen, without decay. */
  readonly seen: number;
  /** Accuracy by domain. */
  readonly domains: Readonly<Record<string, number>>;
}

/** How questions are answered wrong: fitted to the record, or the prior. */
export interface AnswerModel {
  /** Chance that a voice repeats what its model says instead of thinking for itself. */
  readonly coupling: Readonly<Record<ModelGroup, number>>;
  /** Chance that an error falls on the one tempting option. */
  readonly trap: number;
  /** Spread of how hard questions are, in logits. */
  readonly hardness: number;
}

/** Confidence as evidence: log-likelihood ratio of being right = slope * logit(confidence) + offset. */
export interface ConfidenceScale {
  readonly slope: number;
  readonly offset: number;
}

/** Utility of a place in a ranking, by reviewer: how a fitted rule reads rankings. */
export interface RankModel {
  /** Utility at the top, three places between, and the bottom. */
  readonly places: readonly number[];
  readonly reviewers: Readonly<Record<VoiceId, number>>;
  /** Added to what is shown first, in the middle, last. */
  readonly shown: readonly number[];
  /** Added to a reviewer's own item. */
  readonly own: number;
}

export interface Weights {
  readonly voices: Readonly<Record<VoiceId, VoiceRecord>>;
  /** How well a reviewer's rankings point to the best: 1 top, 0 bottom, .5 chance. */
  readonly reviewers: Readonly<Record<VoiceId, number>>;
  /** How often each voice is right as far as agreement tells: for the rule `dawid-skene` alone. */
  readonly consensus?: Readonly<Record<VoiceId, number>>;
  readonly answer: AnswerModel;
  readonly confidence?: ConfidenceScale;
  readonly rank?: RankModel;
  /** Rules that beat the default on outcomes they had not seen. */
  readonly champions: Readonly<Partial<Record<"answer" | "rank", string>>>;
}

export const NO_RECORD: Weights = {
  voices: {},
  reviewers: {},
  answer: { coupling: {}, trap: 0.5, hardness: 1 },
  champions: {},
};

/** Coupling of a model without a record. */
export const USUAL_COUPLING = 0.4;

/** Accuracy of each voice, later outcomes counting more, shrunk to what voices are like. */
export function voiceRecords(record: readonly CouncilOutcome[]): Record<VoiceId, VoiceRecord> {
  const all = new Map<VoiceId, Tally>();
  const byDomain = new Map<VoiceId, Map<string, Tally>>();
  for (const [index, outcome] of record.entries()) {
    const weight = 0.5 ** ((record.length - 1 - index) / HALF_LIFE);
    for (const { voice, choice, status } of outcome.ballots) {
      if (choice === undefined || (status !== undefined && status !== "ok")) continue;
      const right = choice === outcome.truth;
      count(all, voice, right, weight);
      const domains = byDomain.get(voice) ?? new Map<string, Tally>();
      byDomain.set(voice, domains);
      if (outcome.domain !== undefined) count(domains, outcome.domain, right, weight);
    }
  }
  return Object.fromEntries(
    [...all].map(([voice, { right, total, seen }]) => {
      const accuracy = shrunkAccuracy(right, total);
      const domains = [...(byDomain.get(voice) ?? [])].map(([domain, tally]) => {
        const shrunk = (tally.right + accuracy * PRIOR.domainStrength) / (tally.total + PRIOR.domainStrength);
        return [domain, shrunk] as const;
      });
      return [voice, { accuracy, seen, domains: Object.fromEntries(domains) }];
    }),
  );
}

/** Share of `right` among `total`, shrunk to what voices are like. */
export function shrunkAccuracy(right: number, total: number): number {
  return (right + PRIOR.accuracy * PRIOR.strength) / (total + PRIOR.strength);
}

interface Tally {
  right: number;
  total: number;
  seen: number;
}

function count(tallies: Map<string, Tally>, key: string, right: boolean, weight: number): void {
  const tally = tallies.get(key) ?? { right: 0, total: 0, seen: 0 };
  tallies.set(key, tally);
  tally.total += weight;
  tally.seen++;
  if (right) tally.right += weight;
}

export function accuracyOf(weights: Weights, voice: VoiceId, domain: string | undefined): number {
  const known = weights.voices[voice];
  if (!known) return PRIOR.accuracy;
  return (domain === undefined ? undefined : known.domains[domain]) ?? known.accuracy;
}
