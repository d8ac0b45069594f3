/** What a record teaches: measured on worlds of synthetic voices, in a size for the test run; the full tables are bench/council. */
import { describe, expect, test } from "vitest";
import { ANSWERS, casesOf, PATCHES, RANKINGS, recordOf, type World } from "../../bench/council/worlds.ts";
import { decide } from "../../src/council/decide.ts";
import { fit as weightsOf } from "../../src/council/fit.ts";
import { NO_RECORD, type Weights } from "../../src/council/weights.ts";

const world = (name: string) => [...ANSWERS, ...RANKINGS, ...PATCHES].find((one) => one.name === name) as World;
const TASKS = 250;

function score(one: World, weights: Weights, rule?: string): number {
  const cases = casesOf(one, 7, TASKS);
  const right = cases.filter((task) => {
    const { winner } = decide({ ...task, request: { ...task.request, ...(rule ? { rule } : {}) }, weights });
    return winner !== undefined && task.right.has(winner);
  });
  return (right.length * 100) / cases.length;
}

const learned = (name: string) => weightsOf(recordOf(casesOf(world(name), 101, 200)));

describe("answers", () => {
  test.each(["A3", "A5", "A6", "A8"])("%s: the record is worth more than ten points over plurality", (name) => {
    expect(score(world(name), learned(name)) - score(world(name), NO_RECORD, "plurality")).toBeGreaterThan(10);
  });

  test("without a record the default is at least as good as plurality, within noise", () => {
    for (const one of ANSWERS)
      expect(score(one, NO_RECORD) - score(one, NO_RECORD, "plurality"), one.name).toBeGreaterThan(-2.5);
  });

  test("confidence counts only when it has proved that it tells right from wrong", () => {
    expect(learned("A3").confidence?.slope).toBeGreaterThan(0);
    const mute = recordOf(casesOf(world("A3"), 101, 200)).map((outcome) => ({
      ...outcome,
      ballots: outcome.ballots.map((ballot, at) => ({ ...ballot, confidence: (at % 10) / 10 })),
    }));
    expect(weightsOf(mute).confidence).toBeUndefined();
    expect(weightsOf(recordOf(casesOf(world("A3"), 101, 3))).confidence).toBeUndefined();
  });

  test("the same record gives the same weights; an empty one gives none", () => {
    const record = recordOf(casesOf(world("A7"), 101, 60));
    expect(weightsOf(structuredClone(record))).toEqual(weightsOf(record));
    expect(weightsOf([])).toEqual(NO_RECORD);
  });
});

describe("rankings", () => {
  test.each(["B3", "B7", "B10"])("%s: position bias, backward reviewers and clones are seen through", (name) => {
    expect(score(world(name), learned(name)) - score(world(name), NO_RECORD, "borda")).toBeGreaterThan(5);
  });
});

describe("patches", () => {
  test.each(["C1", "C7", "C9"])("%s: evidence beats what most proposals do", (name) => {
    const one = world(name);
    const majority = casesOf(one, 7, TASKS).filter(({ proposals, right }) => {
      const sizes = new Map<string, string[]>();
      for (const { id, cluster = id } of proposals) sizes.set(cluster, [...(sizes.get(cluster) ?? []), id]);
      const [largest = []] = [...sizes.values()].toSorted((a, b) => b.length - a.length);
      return right.has(largest[0] ?? "");
    });
    expect(score(one, NO_RECORD) - (majority.length * 100) / TASKS).toBeGreaterThan(8);
  });
});
