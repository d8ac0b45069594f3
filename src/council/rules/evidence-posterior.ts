/** Which patch is right, or none: the posterior of behaviour classes given sizes, gates, generated tests and judges (default for patches). */
import type { Ballot, CouncilCheck, CouncilEvidence, OptionId } from "../../core/council.ts";
import type { Rule, RuleInput } from "../rule.ts";
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
    const scores = new Map<OptionId | "none", number>();
    for (const right of [...clusters.map(({ id }) => id), "none" as const]) {
      const cases = [...clusters.map(({ id }) => id), undefined]
        .filter((tempting) => tempting === undefined || tempting !== right)
        .map((tempting) => logLikelihood(state, { right: right === "none" ? undefined : right, tempting }));
      scores.set(right, logSum(cases) - Math.log(cases.length));
    }
    const shares = softmax(scores);
    const posterior = new Map<OptionId | "none", number>(
      input.options.map((option) => [option, shares.get(option) ?? 0]),
    );
    posterior.set("none", shares.get("none") ?? 0);
    return { posterior, evidenceUsed: state.tests.map(({ check }) => check.id) };
  },
};
export default evidencePosterior;

interface Cluster {
  readonly id: OptionId;
  readonly size: number;
}

interface Test {
  readonly check: CouncilCheck;
  /** Clusters that passed, and that ran at all. */
  readonly passed: ReadonlySet<OptionId>;
  readonly ran: readonly OptionId[];
  /** Its author has no proposal here. */
  readonly blind: boolean;
}

interface State {
  readonly clusters: readonly Cluster[];
  readonly total: number;
  readonly tests: readonly Test[];
  readonly judges: readonly {
    readonly choice: OptionId;
    readonly first: OptionId | undefined;
    readonly sees: number;
  }[];
}

interface Hypothesis {
  readonly right: OptionId | undefined;
  readonly tempting: OptionId | undefined;
}

function gather({ options, proposals, checks, evidence, ballots, weights }: RuleInput): State {
  const cluster = clustersOf(options, proposals);
  const sizes = new Map<OptionId, number>();
  for (const option of options)
    sizes.set(cluster.get(option) ?? option, (sizes.get(cluster.get(option) ?? option) ?? 0) + 1);
  const authors = new Set(proposals.map(({ author }) => author));
  const tests = checks.flatMap((check) =>
    testOf(check, evidence, cluster).map((test) => ({ ...test, blind: !authors.has(check.author) })),
  );
  const judges = votesOf(ballots, options).map((vote) => ({
    choice: cluster.get(vote.choice) ?? vote.choice,
    first: firstShown(vote, cluster),
    sees: JUDGE.sees * trustOf(weights, vote.voice),
  }));
  return { clusters: [...sizes].map(([id, size]) => ({ id, size })), total: options.length, tests, judges };
}

/** What the check showed of each cluster; contradictory, flaky or broken runs show nothing. */
function testOf(
  check: CouncilCheck,
  evidence: readonly CouncilEvidence[],
  cluster: ReadonlyMap<OptionId, OptionId>,
): Omit<Test, "blind">[] {
  const seen = new Map<OptionId, Set<string>>();
  for (const { checkId, proposalId, outcome } of evidence) {
    if (checkId !== check.id) continue;
    const own = cluster.get(proposalId);
    if (own !== undefined) seen.set(own, (seen.get(own) ?? new Set()).add(outcome));
  }
  const clear = [...seen].filter(
    ([, outcomes]) => outcomes.size === 1 && (outcomes.has("pass") || outcomes.has("fail")),
  );
  if (clear.length === 0) return [];
  const passed = new Set(clear.filter(([, outcomes]) => outcomes.has("pass")).map(([id]) => id));
  return [{ check, passed, ran: clear.map(([id]) => id) }];
}

function firstShown({ shown }: Ballot, cluster: ReadonlyMap<OptionId, OptionId>): OptionId | undefined {
  const first = shown?.[0];
  return first === undefined ? undefined : cluster.get(first);
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
  let sum = Math.log(sizesLikelihood(state, hypothesis));
  const generated = state.tests
    .filter(({ check }) => check.trust === "generated")
    .map((test) => testLikelihoods(test, hypothesis));
  for (const test of state.tests)
    if (test.check.trust !== "generated") sum += Math.log(gateLikelihood(test, hypothesis));
  const mixed = (share: number) =>
    generated.reduce(
      (total, { valid, wrong, doubt }) =>
        total + Math.log((1 - (1 - share) * doubt) * valid + (1 - share) * doubt * wrong),
      0,
    );
  sum += logSum(VALIDITY.map(([share, prior]) => Math.log(prior) + mixed(share)));
  for (const judge of state.judges) sum += discount * Math.log(judgeLikelihood(state, judge, hypothesis));
  return sum;
}

/** Proposals of one model repeat each other; hard tasks are hard for all. */
function sizesLikelihood({ clusters, total }: State, { right, tempting }: Hypothesis): number {
  let sum = 0;
  for (const [at, point] of POINTS.entries()) {
    const good = 1 / (1 + Math.exp(-(Math.log(PATCH.right / (1 - PATCH.right)) + PATCH.hardness * point)));
    const chance = (id: OptionId | undefined) =>
      id !== undefined && id === right
        ? good
        : id !== undefined && id === tempting
          ? (1 - good) * PATCH.misread
          : ((1 - good) * (1 - PATCH.misread)) / OTHER_BUGS;
    const alone = (repeated: OptionId | undefined) =>
      clusters.reduce(
        (product, { id, size }) =>
          product * ((id === repeated ? PATCH.coupling : 0) + (1 - PATCH.coupling) * chance(id)) ** size,
        1,
      );
    const named = clusters.reduce((all, { id }) => all + chance(id), 0);
    let mixed = Math.max(0, 1 - named) * alone(undefined);
    for (const { id } of clusters) mixed += chance(id) * alone(id);
    sum += (SHARES[at] ?? 0) * (total > 1 ? mixed : named);
  }
  return Math.max(sum, 1e-300);
}

function gateLikelihood({ passed, ran }: Test, { right }: Hypothesis): number {
  return ran.reduce((product, id) => {
    const passes = id === right ? 1 - GATE.rightFails : GATE.wrongPasses;
    return product * (passed.has(id) ? passes : 1 - passes);
  }, 1);
}

/** As a valid test, and as one written with the same misreading or without sense. */
function testLikelihoods(
  { passed, ran, blind }: Test,
  { right, tempting }: Hypothesis,
): { valid: number; wrong: number; doubt: number } {
  const product = (chance: (id: OptionId) => number) =>
    ran.reduce((all, id) => all * (passed.has(id) ? chance(id) : 1 - chance(id)), 1);
  const valid = product((id) =>
    id === right ? 1 - TEST.rightFails : id === tempting ? TEST.tempting : TEST.wrongPasses,
  );
  const misread = product((id) => (id === tempting ? 1 - TEST.rightFails : id === right ? TEST.rightFails : 0.3));
  const junk = product(() => TEST.junk);
  return { valid, wrong: TEST.misread * misread + (1 - TEST.misread) * junk, doubt: blind ? BLIND_DOUBT : 1 };
}

function judgeLikelihood(
  { clusters, total }: State,
  { choice, first, sees }: State["judges"][number],
  { right, tempting }: Hypothesis,
): number {
  const size = clusters.find(({ id }) => id === choice)?.size ?? 1;
  const noise = (JUDGE.noise * size) / total;
  const left = 1 - JUDGE.noise;
  const good = right === undefined ? 0 : sees;
  const byPlace = (left - good * left) * (JUDGE.first / (1 - JUDGE.sees));
  const rest = left - good * left - byPlace;
  const lured = tempting === undefined ? (rest * size) / total : choice === tempting ? rest : 0;
  return noise + (choice === right ? good * left : 0) + (choice === first ? byPlace : 0) + lured;
}

function logSum(values: readonly number[]): number {
  const most = Math.max(...values);
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}
