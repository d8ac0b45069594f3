/** The council's simulation: % right in every world, beside the simple rule of its kind, and the time of a decision. */
import { decide } from "../../src/council/decide.ts";
import { fit as weightsOf } from "../../src/council/fit.ts";
import { ANSWERS, type Case, casesOf, PATCHES, RANKINGS, recordOf, type World } from "./worlds.ts";

const TASKS = Number(process.argv[2] ?? 500);
const RECORD = 200;
const SEEDS = { record: 101, tasks: 7 };

interface Result {
  readonly world: World;
  readonly own: number;
  readonly simple: number;
  readonly possible: number;
}

function measure(world: World, times: number[]): Result {
  const weights = weightsOf(recordOf(casesOf(world, SEEDS.record, RECORD)));
  const cases = casesOf(world, SEEDS.tasks, TASKS);
  const share = (right: (one: Case, index: number) => boolean) => (cases.filter(right).length * 100) / cases.length;
  const own = share((one, index) => {
    const started = performance.now();
    const { winner } = decide({ ...one, weights, seed: index });
    times.push(performance.now() - started);
    return winner !== undefined && one.right.has(winner);
  });
  const simple = share((one, index) => {
    const { winner } = decide({ ...simpler(one), seed: index });
    return winner !== undefined && one.right.has(winner);
  });
  return { world, own, simple, possible: share(({ right }) => right.size > 0) };
}

/** Plurality, Borda, and the suite before the most frequent behaviour: without any record. */
function simpler(one: Case): Case {
  const { kind } = one.request;
  if (kind !== "patch") return { ...one, request: { ...one.request, rule: kind === "rank" ? "borda" : "plurality" } };
  const fails = new Set(
    one.evidence
      .filter(({ checkId, outcome }) => checkId === "suite" && outcome === "fail")
      .map(({ proposalId }) => proposalId),
  );
  const passing = one.proposals.filter(({ id }) => !fails.has(id));
  const voters = passing.length > 0 ? passing : one.proposals;
  const first = new Map<string, string>();
  for (const { id, cluster = id } of one.proposals) if (!first.has(cluster)) first.set(cluster, id);
  const ballots = voters.map(({ id, author, group, cluster = id }) => ({
    voice: author,
    group,
    choice: first.get(cluster) ?? id,
  }));
  return { ...one, request: { kind: "patch", rule: "plurality" }, ballots };
}

const times: number[] = [];
for (const [name, worlds] of [
  ["answers", ANSWERS],
  ["ranking", RANKINGS],
  ["evidence", PATCHES],
] as const) {
  const results = worlds.map((world) => measure(world, times));
  const mean = (of: (result: Result) => number) =>
    (results.reduce((sum, result) => sum + of(result), 0) / results.length).toFixed(1);
  console.log(`${name.padEnd(9)} own ${mean(({ own }) => own)}  simple ${mean(({ simple }) => simple)}`);
  for (const { world, own, simple, possible } of results)
    console.log(
      `  ${world.name.padEnd(4)} ${own.toFixed(1).padStart(5)} ${simple.toFixed(1).padStart(5)}${world.kind === "evidence" ? `   a right patch is there in ${possible.toFixed(1)}` : ""}`,
    );
}
const sorted = times.toSorted((a, b) => a - b);
console.log(
  `one decision: p50 ${(sorted[sorted.length >> 1] ?? 0).toFixed(3)} ms, p99 ${(sorted[Math.floor(sorted.length * 0.99)] ?? 0).toFixed(3)} ms, most ${(sorted.at(-1) ?? 0).toFixed(3)} ms`,
);
