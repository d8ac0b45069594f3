/** Which patch is right, or none: the posterior of behaviour classes given sizes, gates, generated tests and judges (default for patches). */
import type { CouncilCheck, OptionId } from "../../core/council.ts";
import { chancesOf, RIGHT, type Table, TEMPTING, tableOf, votesGiven } from "../repeating.ts";
import type { Rule, RuleInput } from "../rule.ts";
import { clearRuns } from "../runs.ts";
import { clustersOf, softmax, votesOf } from "../votes.ts";
import type { Weights } from "../weights.ts";

/** Chances that hold for small tasks in general; a gate never fails a right patch but for noise. */
const PATCH = { right: 0.4, misread: 0.5, coupling: 0.45, hardness: 1.2 };
const GATE = { wrongPasses: 0.6, rightFails: 0.002 };
const TEST = { misread: 0.6, rightFails: 0.02, wrongPasses: 0.4, tempting: 0.5, junk: 0.5 };
const JUDGE = { sees: 0.45, first: 0.28, noise: 0.06, alike: 0.3 };
/** A test by somebody who wrote no patch shares no patch's misreading: so much of the doubt is left. */
const BLIND_DOUBT = 0.4;
/** How many of the generated tests are valid is not known: shares, and how likely each is. */
const VALIDITY: readonly (readonly [share: number, prior: number])[] = [
  [0.35, 0.25],
  [0.6, 0.3],
  [0.85, 0.45],
];
/** Other bugs that a patch may have: more make one coincidence less likely. */
const OTHER_BUGS = 4;

const POINTS = [-1.7320508, 0, 1.7320508];
const SHARES = [1 / 6, 2 / 3, 1 / 6];

const evidencePosterior: Rule = {
  name: "evidence-posterior",
  kinds: ["patch"],
  apply(input) {
    const state = gather(input);
    const { clusters } = state;
    const ids = [...clusters.keys()];
    const scores = new Map<OptionId | "none", number>();
    for (const right of [...ids, NOBODY]) {
      const cases = [...ids, NOBODY]
        .filter((tempting) => tempting === NOBODY || tempting !== right)
        .map((tempting) => logLikelihood(state, { right, tempting }));
      scores.set(clusters[right] ?? "none", logSum(cases) - Math.log(cases.length));
    }
    const shares = softmax(scores);
    const posterior = new Map<OptionId | "none", number>(
      input.options.map((option) => [option, shares.get(option) ?? 0]),
    );
    posterior.set("none", shares.get("none") ?? 0);
    return { posterior, evidenceUsed: state.used };
  },
};
export default evidencePosterior;

/** A behaviour that no proposal has. */
const NOBODY = -1;

/** Indices into the clusters, or `NOBODY`. */
interface Hypothesis {
  readonly right: number;
  readonly tempting: number;
}

interface State {
  readonly clusters: readonly OptionId[];
  readonly sizes: readonly Table[];
  /** Log-likelihood of the gates by the cluster that is right, and when none is. */
  readonly gates: (right: number) => number;
  readonly tests: readonly Test[];
  readonly judges: readonly Judge[];
  readonly used: readonly string[];
}

interface Judge {
  readonly choice: number;
  /** What it saw first. */
  readonly first: number;
  readonly sees: number;
  /** Share of all proposals that its choice stands for. */
  readonly share: number;
}

function gather({ options, proposals, checks, evidence, ballots, weights }: RuleInput): State {
  const cluster = clustersOf(options, proposals);
  const counts = new Map<OptionId, number>();
  for (const option of options) {
    const own = cluster.get(option) ?? option;
    counts.set(own, (counts.get(own) ?? 0) + 1);
  }
  const clusters = [...counts.keys()];
  const indexOf = (option: OptionId | undefined) =>
    option === undefined ? NOBODY : clusters.indexOf(cluster.get(option) ?? option);
  const runs = clearRuns(evidence, (proposal) => cluster.get(proposal));
  const ran = checks.filter(({ id }) => (runs.get(id)?.size ?? 0) > 0);
  const authors = new Set(proposals.map(({ author }) => author));
  const passes = (check: CouncilCheck) => clusters.map((id) => runs.get(check.id)?.get(id));
  return {
    clusters,
    sizes: sizeTables([...counts.values()]),
    gates: gatesOf(ran.filter(({ trust }) => trust !== "generated").map(passes)),
    tests: ran
      .filter(({ trust }) => trust === "generated")
      .map((check) => testOf(passes(check), authors.has(check.author))),
    judges: votesOf(ballots, options).map((vote) => ({
      choice: indexOf(vote.choice),
      first: indexOf(vote.shown?.[0]),
      sees: JUDGE.sees * trustOf(weights, vote.voice),
      share: (counts.get(cluster.get(vote.choice) ?? vote.choice) ?? 1) / options.length,
    })),
    used: ran.map(({ id }) => id),
  };
}

/** A judge whose record is worse than usual sees less. */
function trustOf(weights: Weights, voice: string): number {
  const known = weights.voices[voice];
  if (!known || known.seen < 10) return 1;
  const all = Object.values(weights.voices).filter(({ seen }) => seen >= 10);
  const usual = all.reduce((sum, { accuracy }) => sum + accuracy, 0) / all.length;
  return Math.min(1.4, Math.max(0.05, (known.accuracy / usual) ** 1.5));
}

function logLikelihood(state: State, hypothesis: Hypothesis): number {
  const discount = 1 / (1 + (state.judges.length - 1) * JUDGE.alike);
  const tests = state.tests.map((test) => testGiven(test, hypothesis));
  const mixed = (share: number) =>
    tests.reduce(
      (sum, { valid, wrong, doubt }) => sum + Math.log((1 - (1 - share) * doubt) * valid + (1 - share) * doubt * wrong),
      0,
    );
  let sum = Math.log(sizesLikelihood(state, hypothesis)) + state.gates(hypothesis.right);
  if (tests.length > 0) sum += logSum(VALIDITY.map(([share, prior]) => Math.log(prior) + mixed(share)));
  for (const judge of state.judges) sum += discount * Math.log(judgeLikelihood(judge, hypothesis));
  return sum;
}

/** Proposals of one model repeat each other; hard tasks are hard for all. */
function sizeTables(sizes: readonly number[]): Table[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return POINTS.map((point) => {
    const good = 1 / (1 + Math.exp(-(Math.log(PATCH.right / (1 - PATCH.right)) + PATCH.hardness * point)));
    const chances = chancesOf(good, OTHER_BUGS + 2, PATCH.misread);
    const speakers = sizes.flatMap((size, said) => Array.from({ length: size }, () => ({ said, chances, lift: 1 })));
    return tableOf(sizes.length, total > 1 ? PATCH.coupling : 0, chances, speakers);
  });
}

function sizesLikelihood({ sizes }: State, { right, tempting }: Hypothesis): number {
  const sum = sizes.reduce((all, table, at) => all + (SHARES[at] ?? 0) * votesGiven(table, right, tempting), 0);
  return Math.max(sum, 1e-300);
}

/** Outcomes of one check by cluster: passed, failed, or nothing clear. */
type Outcomes = readonly (boolean | undefined)[];

function gatesOf(gates: readonly Outcomes[]): State["gates"] {
  const log = (passes: number) => (outcome: boolean | undefined) =>
    outcome === undefined ? 0 : Math.log(outcome ? passes : 1 - passes);
  const [whenWrong, whenRight] = [log(GATE.wrongPasses), log(1 - GATE.rightFails)];
  const wrong = gates.reduce((sum, gate) => sum + gate.reduce((all, outcome) => all + whenWrong(outcome), 0), 0);
  return (right) => gates.reduce((sum, gate) => sum + whenRight(gate[right]) - whenWrong(gate[right]), wrong);
}

/** One generated test: its likelihood when every cluster is an ordinary wrong one, and what right and tempting change. */
interface Test {
  readonly valid: Reading;
  /** Written with the misreading of the tempting cluster. */
  readonly misread: Reading;
  /** Written without sense. */
  readonly junk: number;
  readonly doubt: number;
}

interface Reading {
  readonly base: number;
  /** By role and cluster. */
  readonly ratios: readonly (readonly number[])[];
}

function testOf(outcomes: Outcomes, authored: boolean): Test {
  const read = (right: number, tempting: number, other: number): Reading => {
    const chance = (passes: number) => (outcome: boolean | undefined) =>
      outcome === undefined ? 1 : outcome ? passes : 1 - passes;
    const plain = outcomes.map(chance(other));
    const ratio = (passes: number) => outcomes.map(chance(passes)).map((value, at) => value / (plain[at] ?? 1));
    return { base: plain.reduce((a, b) => a * b, 1), ratios: [ratio(right), ratio(tempting)] };
  };
  return {
    valid: read(1 - TEST.rightFails, TEST.tempting, TEST.wrongPasses),
    misread: read(TEST.rightFails, 1 - TEST.rightFails, 0.3),
    junk: outcomes.reduce((all, outcome) => (outcome === undefined ? all : all * TEST.junk), 1),
    doubt: authored ? 1 : BLIND_DOUBT,
  };
}

function testGiven({ valid, misread, junk, doubt }: Test, hypothesis: Hypothesis) {
  return {
    valid: reading(valid, hypothesis),
    wrong: TEST.misread * reading(misread, hypothesis) + (1 - TEST.misread) * junk,
    doubt,
  };
}

function reading({ base, ratios }: Reading, { right, tempting }: Hypothesis): number {
  return base * (ratios[RIGHT]?.[right] ?? 1) * (ratios[TEMPTING]?.[tempting] ?? 1);
}

function judgeLikelihood({ choice, first, sees, share }: Judge, { right, tempting }: Hypothesis): number {
  const left = 1 - JUDGE.noise;
  const good = right === NOBODY ? 0 : sees;
  const byPlace = (left - good * left) * (JUDGE.first / (1 - JUDGE.sees));
  const rest = left - good * left - byPlace;
  const lured = tempting === NOBODY ? rest * share : choice === tempting ? rest : 0;
  return JUDGE.noise * share + (choice === right ? good * left : 0) + (choice === first ? byPlace : 0) + lured;
}

function logSum(values: readonly number[]): number {
  const most = Math.max(...values);
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}
