/** How rankings point to the best: what a place is worth, whose ranking counts, what position and ownership add. */
import type { CouncilOutcome, OptionId } from "../core/council.ts";
import { type Ranking, rankingsOf } from "./votes.ts";
import type { RankModel } from "./weights.ts";

/** Outcomes that the belief "no better than chance, no worse than others" is worth. */
const PRIOR = { skill: 0.62, strength: 8 };
const STEPS = 80;
/** Longest first step of a parameter. */
const RATE = 0.06;
/** Pull of each reviewer to the common weight, of the places to a straight line, of biases to none. */
const PULL = { reviewers: 30, places: 20, bias: 4 };
const PLACES = 5;
const SHOWN = 3;

/** Mean place of the right option in a reviewer's rankings: 1 top, 0 bottom, .5 chance; shrunk. */
export function reviewerSkills(record: readonly CouncilOutcome[]): Record<string, number> {
  const tallies = new Map<string, { sum: number; count: number }>();
  for (const { ballots, options, truth } of record) {
    for (const { ballot, places } of rankingsOf(ballots, options)) {
      const tally = tallies.get(ballot.voice) ?? { sum: PRIOR.skill * PRIOR.strength, count: PRIOR.strength };
      tallies.set(ballot.voice, tally);
      tally.sum += 1 - (places.get(truth) ?? options.length / 2) / Math.max(options.length - 1, 1);
      tally.count++;
    }
  }
  return Object.fromEntries([...tallies].map(([voice, { sum, count }]) => [voice, sum / count]));
}

/** What one ballot says of one option. */
interface Look {
  readonly option: number;
  readonly voice: number;
  /** Its place lies so far (0 to 1) from this knot to the next. */
  readonly knot: number;
  readonly share: number;
  readonly shown: number;
  readonly own: boolean;
}

interface RankCase {
  readonly truth: number;
  readonly options: number;
  readonly looks: readonly Look[];
}

/** Conditional logit of "this option is the best", fitted by gradient steps from a straight scale and equal reviewers. */
export function fitRank(record: readonly CouncilOutcome[], skills: Readonly<Record<string, number>>): RankModel {
  const voices = Object.keys(skills);
  const index = new Map(voices.map((voice, at) => [voice, at]));
  const cases: RankCase[] = record.flatMap(({ ballots, options, truth }) => {
    const at = options.indexOf(truth);
    return at < 0
      ? []
      : [{ truth: at, options: options.length, looks: looksOf(rankingsOf(ballots, options), options, index) }];
  });
  const model = {
    places: Array.from({ length: PLACES }, (_, at) => 1 - at / (PLACES - 1)),
    reviewers: voices.map((voice) => Math.max(0.05, ((skills[voice] ?? 0.5) - 0.5) * 4)),
    shown: Array.from({ length: SHOWN }, () => 0),
    own: 0,
  };
  const straight = [...model.places];
  const start = [...model.reviewers];
  const move = adam(model);
  for (let step = 0; step < STEPS; step++) {
    const gradient = gradientOf(cases, model);
    const pulled = (list: readonly number[], to: readonly number[], pull: number, slope: readonly number[]) =>
      list.map((value, at) => (slope[at] ?? 0) - pull * (value - (to[at] ?? 0)));
    move({
      places: pulled(model.places, straight, PULL.places, gradient.places),
      reviewers: pulled(model.reviewers, start, PULL.reviewers, gradient.reviewers),
      shown: pulled(model.shown, [], PULL.bias, gradient.shown),
      own: gradient.own - PULL.bias * model.own,
    });
  }
  const reviewers = Object.fromEntries(voices.map((voice, at) => [voice, model.reviewers[at] ?? 0]));
  return { places: model.places, reviewers, shown: model.shown, own: model.own };
}

/** Uphill steps of bounded size whatever the slope (Adam, Kingma and Ba 2015). */
function adam(model: Model): (gradient: Model) => void {
  const keys = ["places", "reviewers", "shown"] as const;
  const flat = ({ places, reviewers, shown, own }: Model) => [...places, ...reviewers, ...shown, own];
  const first = flat(model).map(() => 0);
  const second = flat(model).map(() => 0);
  let step = 0;
  return (gradient) => {
    step++;
    const slopes = flat(gradient);
    const moves = slopes.map((slope, at) => {
      first[at] = 0.9 * (first[at] ?? 0) + 0.1 * slope;
      second[at] = 0.99 * (second[at] ?? 0) + 0.01 * slope * slope;
      const mean = (first[at] ?? 0) / (1 - 0.9 ** step);
      const spread = Math.sqrt((second[at] ?? 0) / (1 - 0.99 ** step));
      return (RATE / (1 + step / 60)) * (mean / (spread + 1e-9));
    });
    let at = 0;
    for (const key of keys)
      for (const index of model[key].keys()) model[key][index] = (model[key][index] ?? 0) + (moves[at++] ?? 0);
    model.own += moves[at] ?? 0;
  };
}

type Model = { places: number[]; reviewers: number[]; shown: number[]; own: number };

function gradientOf(cases: readonly RankCase[], model: Model): Model {
  const sum: Model = {
    places: model.places.map(() => 0),
    reviewers: model.reviewers.map(() => 0),
    shown: model.shown.map(() => 0),
    own: 0,
  };
  for (const one of cases) {
    const raws = one.looks.map((look) => rawOf(look, model));
    const utilities = new Float64Array(one.options);
    for (const [at, look] of one.looks.entries())
      utilities[look.option] = (utilities[look.option] ?? 0) + (model.reviewers[look.voice] ?? 0) * (raws[at] ?? 0);
    const most = Math.max(...utilities);
    const sizes = utilities.map((value) => Math.exp(value - most));
    const all = sizes.reduce((a, b) => a + b, 0);
    for (const [at, look] of one.looks.entries()) {
      const error = Number(look.option === one.truth) - (sizes[look.option] ?? 0) / all;
      const pull = error * (model.reviewers[look.voice] ?? 0);
      sum.places[look.knot] = (sum.places[look.knot] ?? 0) + pull * (1 - look.share);
      sum.places[look.knot + 1] = (sum.places[look.knot + 1] ?? 0) + pull * look.share;
      sum.reviewers[look.voice] = (sum.reviewers[look.voice] ?? 0) + error * (raws[at] ?? 0);
      sum.shown[look.shown] = (sum.shown[look.shown] ?? 0) + pull;
      if (look.own) sum.own += pull;
    }
  }
  return sum;
}

function rawOf(look: Look, { places, shown, own }: Pick<Model, "places" | "shown" | "own">): number {
  const place = (places[look.knot] ?? 0) * (1 - look.share) + (places[look.knot + 1] ?? 0) * look.share;
  return place + (shown[look.shown] ?? 0) + (look.own ? own : 0);
}

/** What every ballot says of every option. */
function looksOf(
  rankings: readonly Ranking[],
  options: readonly OptionId[],
  index: ReadonlyMap<string, number>,
): Look[] {
  return rankings.flatMap(({ ballot, places }) => {
    const voice = index.get(ballot.voice);
    if (voice === undefined) return [];
    return options.map((option, at) => ({
      option: at,
      voice,
      ...knotOf(places.get(option) ?? 0, options.length),
      shown: shownAt(ballot.shown, option),
      own: ballot.own === option,
    }));
  });
}

/** A place among any number of options, between two neighbouring knots. */
export function knotOf(place: number, size: number): { readonly knot: number; readonly share: number } {
  const at = (place / Math.max(size - 1, 1)) * (PLACES - 1);
  const knot = Math.min(PLACES - 2, Math.floor(at));
  return { knot, share: at - knot };
}

/** 0 shown first, 2 last, 1 between or not known. */
export function shownAt(shown: readonly OptionId[] | undefined, option: OptionId): number {
  const at = shown?.indexOf(option) ?? -1;
  return shown === undefined || at < 0 ? 1 : at === 0 ? 0 : at === shown.length - 1 ? 2 : 1;
}
