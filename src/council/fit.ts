/** Learns weights from outcomes that became known. Pure: the same record gives the same weights. */
import type { CouncilOutcome } from "../core/council.ts";
import { likelihoods, questionOf } from "./answer-model.ts";
import { bestOf } from "./best.ts";
import { consensusOf } from "./consensus.ts";
import { fitConfidence } from "./fit-confidence.ts";
import { fitRank, reviewerSkills } from "./fit-rank.ts";
import type { Rule } from "./rule.ts";
import correlatedBayes from "./rules/correlated-bayes.ts";
import fittedRank from "./rules/fitted-rank.ts";
import logOdds from "./rules/log-odds.ts";
import medianRank from "./rules/median-rank.ts";
import { votesOf } from "./votes.ts";
import { type AnswerModel, NO_RECORD, USUAL_COUPLING, voiceRecords, type Weights } from "./weights.ts";

/** Outcomes before a challenger is tried at all. */
const LEAST_RECORD = 30;
/** Parts of the record, each unseen once. */
const FOLDS = 4;
/** The newest outcomes that models are fitted to: older ones say little of today's. */
const LONGEST = 400;

/** Everything the record teaches, the guard included. */
export function fit(record: readonly CouncilOutcome[]): Weights {
  const recent = record.slice(-LONGEST);
  const answers = recent.filter(({ kind }) => kind !== "rank");
  const ranks = recent.filter(({ ballots }) => ballots.some(({ ranking }) => ranking !== undefined));
  const weights = learn(recent, answers, ranks);
  const answer = challenged(answers, {
    champion: logOdds,
    challenger: correlatedBayes,
    train: (part) => learn(part, part, []),
  });
  const rank = challenged(ranks, {
    champion: medianRank,
    challenger: fittedRank,
    train: (part) => learn(part, [], part),
  });
  if (recent.length === 0) return weights;
  return {
    ...weights,
    consensus: consensusOf(answers),
    champions: { ...(answer ? { answer } : {}), ...(rank ? { rank } : {}) },
  };
}

function learn(
  all: readonly CouncilOutcome[],
  answers: readonly CouncilOutcome[],
  ranks: readonly CouncilOutcome[],
): Weights {
  if (all.length === 0) return NO_RECORD;
  const voices = voiceRecords(all);
  const first: Weights = { ...NO_RECORD, voices, reviewers: reviewerSkills(ranks) };
  const confidence = fitConfidence(answers);
  const scaled = confidence ? { ...first, confidence } : first;
  const answer =
    answers.length >= LEAST_RECORD ? fitAnswers(answers, scaled) : { ...first.answer, coupling: fitCoupling(answers) };
  const rank = ranks.length >= LEAST_RECORD ? fitRank(ranks, first.reviewers) : undefined;
  return { ...scaled, answer, ...(rank ? { rank } : {}) };
}

/** Without a model of errors: how much more often voices of one model agree than their accuracies explain, shrunk to the usual. */
function fitCoupling(record: readonly CouncilOutcome[]): AnswerModel["coupling"] {
  const groups = new Map<string, { same: number; pairs: number }>();
  for (const { ballots, options } of record) {
    const votes = votesOf(ballots, options);
    for (const [at, a] of votes.entries())
      for (const b of votes.slice(at + 1)) {
        if (a.group !== b.group) continue;
        const tally = groups.get(a.group) ?? { same: 0, pairs: 0 };
        groups.set(a.group, tally);
        tally.pairs++;
        if (a.choice === b.choice) tally.same++;
      }
  }
  const shrink = 200;
  const estimate = ({ same, pairs }: { same: number; pairs: number }) => {
    const excess = Math.min(0.95, Math.max(0, (same / pairs - 0.45) / 0.55));
    return (excess * pairs + USUAL_COUPLING * shrink) / (pairs + shrink);
  };
  return Object.fromEntries([...groups].map(([group, tally]) => [group, estimate(tally)]));
}

const COUPLINGS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const TRAPS = [0.2, 0.35, 0.5, 0.65, 0.8, 0.9];
const HARDNESSES = [0.3, 0.7, 1, 1.4, 1.9];
/** Outcomes that are looked at while a grid is walked: enough to choose from it. */
const SAMPLE = 100;

/** Coupling of each model, trap and hardness in turn, each at its likeliest given the others. */
function fitAnswers(record: readonly CouncilOutcome[], weights: Weights): AnswerModel {
  const sample = record.slice(-SAMPLE).filter(({ ballots, options }) => votesOf(ballots, options).length > 0);
  let model: AnswerModel = { coupling: fitCoupling(record), trap: 0.5, hardness: 1 };
  const score = (candidate: AnswerModel) =>
    sample.reduce((sum, outcome) => sum + truthLikelihood(outcome, { ...weights, answer: candidate }), 0);
  const best = (candidates: readonly AnswerModel[]) => {
    const scored = candidates.map((candidate) => ({ candidate, value: score(candidate) }));
    model = scored.reduce((a, b) => (b.value > a.value ? b : a)).candidate;
  };
  for (let round = 0; round < 2; round++) {
    best(TRAPS.map((trap) => ({ ...model, trap })));
    best(HARDNESSES.map((hardness) => ({ ...model, hardness })));
    for (const group of Object.keys(model.coupling))
      best(COUPLINGS.map((value) => ({ ...model, coupling: { ...model.coupling, [group]: value } })));
  }
  return model;
}

function truthLikelihood({ ballots, options, truth, domain }: CouncilOutcome, weights: Weights): number {
  const question = questionOf(votesOf(ballots, options), options, domain, weights);
  const { trap, hardness } = weights.answer;
  const at = question.seen.indexOf(truth);
  const logs = likelihoods(question, trap, hardness);
  return logs[at < 0 ? question.seen.length : at] ?? -50;
}

interface Match {
  readonly champion: Rule;
  readonly challenger: Rule;
  readonly train: (part: readonly CouncilOutcome[]) => Weights;
}

/** The challenger's name when it is better on parts of the record it was not fitted to: by more than one standard error, or in right answers and likelihood both. */
function challenged(record: readonly CouncilOutcome[], { champion, challenger, train }: Match): string | undefined {
  if (record.length < LEAST_RECORD) return undefined;
  const parts = Array.from({ length: FOLDS }, (_, fold) => record.filter((__, index) => index % FOLDS === fold));
  const gains: number[] = [];
  const logGains: number[] = [];
  for (const unseen of parts) {
    const weights = train(record.filter((outcome) => !unseen.includes(outcome)));
    for (const outcome of unseen) {
      const [old, next] = [beliefIn(champion, outcome, weights), beliefIn(challenger, outcome, weights)];
      gains.push(Number(next.right) - Number(old.right));
      logGains.push(next.log - old.log);
    }
  }
  const likelier = mean(logGains) > 0 && mean(gains) >= 0;
  return surely(gains) || likelier ? challenger.name : undefined;
}

function beliefIn(
  rule: Rule,
  { kind, domain, options, ballots, truth }: CouncilOutcome,
  weights: Weights,
): { right: boolean; log: number } {
  const request = { kind, ...(domain === undefined ? {} : { domain }) };
  const { posterior } = rule.apply({ request, options, proposals: [], checks: [], ballots, evidence: [], weights });
  return { right: bestOf(posterior, options) === truth, log: Math.log(Math.max(posterior.get(truth) ?? 0, 1e-3)) };
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / Math.max(values.length, 1);

/** Above zero by more than one standard error. */
function surely(values: readonly number[]): boolean {
  const middle = mean(values);
  const spread = Math.sqrt(mean(values.map((value) => (value - middle) ** 2)) / Math.max(values.length - 1, 1));
  return middle > 0 && middle > spread;
}
