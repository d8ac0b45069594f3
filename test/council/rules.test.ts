/** The rank rules on profiles whose winners are known, and what every rule owes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Ballot, CouncilOutcome } from "../../src/core/council.ts";
import { bestOf } from "../../src/council/best.ts";
import { decide } from "../../src/council/decide.ts";
import { fit as weightsOf } from "../../src/council/fit.ts";
import { RULES, ruleFor } from "../../src/council/rules.ts";
import { NO_RECORD } from "../../src/council/weights.ts";

/** `count` voters with one ranking. */
function profile(rows: readonly (readonly [count: number, ranking: string])[]): {
  options: string[];
  ballots: Ballot[];
} {
  const options = [...new Set(rows.flatMap(([, ranking]) => [...ranking]))].toSorted();
  const ballots = rows.flatMap(([count, ranking], row) =>
    Array.from(
      { length: count },
      (_, n): Ballot => ({ voice: `${row}.${n}`, group: `${row}.${n}`, ranking: [...ranking] }),
    ),
  );
  return { options, ballots };
}

const winner = (rule: string, given: ReturnType<typeof profile>) =>
  decide({ ...given, request: { kind: "rank", rule } }).winner;

describe("known profiles", () => {
  // Memphis, Nashville, Chattanooga, Knoxville as the capital of Tennessee.
  const tennessee = profile([
    [42, "MNCK"],
    [26, "NCKM"],
    [15, "CKNM"],
    [17, "KCNM"],
  ]);
  test.each(["borda", "copeland", "ranked-pairs", "schulze", "median-rank"])(
    "Tennessee: %s chooses Nashville",
    (rule) => {
      expect(winner(rule, tennessee)).toBe("N");
    },
  );
  test("Tennessee: first choices choose Memphis", () => {
    expect(winner("plurality", tennessee)).toBe("M");
  });
  // Schulze's example of 45 voters (Social Choice and Welfare 2011): E wins.
  test("Schulze's 45 voters", () => {
    const voters = profile([
      [5, "ACBED"],
      [5, "ADECB"],
      [8, "BEDAC"],
      [3, "CABED"],
      [7, "CAEBD"],
      [2, "CBADE"],
      [7, "DCEBA"],
      [8, "EBADC"],
    ]);
    expect(winner("schulze", voters)).toBe("E");
  });
});

const letters = ["a", "b", "c", "d"];
const ballots = fc.array(
  fc.record({
    voice: fc.constantFrom("v1", "v2", "v3", "v4", "v5", "v6"),
    group: fc.constantFrom("g1", "g2"),
    choice: fc.option(fc.constantFrom(...letters, "unknown"), { nil: undefined }),
    ranking: fc.option(fc.shuffledSubarray(letters), { nil: undefined }),
    confidence: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    status: fc.option(fc.constantFrom("ok", "timeout", "unparsable", "refused"), { nil: undefined }),
  }),
  { maxLength: 12 },
) as unknown as fc.Arbitrary<Ballot[]>;

describe.each(RULES.map((rule) => [rule.name, rule] as const))("%s", (_, rule) => {
  test("gives every option a share of belief that adds up to one, whatever the ballots", () => {
    fc.assert(
      fc.property(ballots, (given) => {
        const { posterior } = rule.apply({
          request: { kind: rule.kinds[0] ?? "answer" },
          options: letters,
          proposals: [],
          checks: [],
          ballots: given,
          evidence: [],
          weights: NO_RECORD,
        });
        const sum = [...posterior.values()].reduce((a, b) => a + b, 0);
        for (const share of posterior.values()) expect(share).toBeGreaterThanOrEqual(0);
        expect(sum === 0 || Math.abs(sum - 1) < 1e-9).toBe(true);
        expect(letters).toContain(bestOf(posterior, letters));
      }),
    );
  });

  test("ballots that are late, garbled or refused change nothing", () => {
    fc.assert(
      fc.property(ballots, (given) => {
        const kind = rule.kinds[0] ?? "answer";
        const counted = given.filter(({ status }) => status === undefined || status === "ok");
        const apply = (all: Ballot[]) => [
          ...rule.apply({
            request: { kind },
            options: letters,
            proposals: [],
            checks: [],
            ballots: all,
            evidence: [],
            weights: NO_RECORD,
          }).posterior,
        ];
        expect(apply(counted)).toEqual(apply(given));
      }),
    );
  });
});

test("a rule that does not exist or does not fit is told with those that do", () => {
  expect(() => ruleFor("answer", "schulze")).toThrow(/there is no rule schulze for answer questions/);
  expect(() => ruleFor("rank", "coin")).toThrow(/no rule coin/);
});

describe("dawid-skene", () => {
  const record = Array.from({ length: 60 }, (_, n): CouncilOutcome => {
    const right = "xyz"[n % 3] ?? "x";
    const wrong = "xyz"[(n + 1) % 3] ?? "x";
    const say = (voice: string, good: boolean): Ballot => ({ voice, group: voice, choice: good ? right : wrong });
    const ballots = [say("a", n % 10 > 0), say("b", n % 7 > 0), say("c", n % 2 > 0), say("d", n % 5 > 0)];
    return { kind: "answer", options: ["x", "y", "z"], truth: "x", ballots };
  });

  test("learns who agrees with the others and never looks at an outcome", () => {
    const { consensus } = weightsOf(record);
    const blind = weightsOf(record.map((outcome) => ({ ...outcome, truth: "z" }))).consensus;
    expect(blind).toEqual(consensus);
    const order = Object.entries(consensus ?? {}).toSorted(([, a], [, b]) => b - a);
    expect([order.at(0)?.[0], order.at(-1)?.[0]]).toEqual(["a", "c"]);
    expect(consensus?.["a"]).toBeGreaterThan(0.8);
    expect(consensus?.["c"]).toBeLessThan(0.6);
  });

  test("lets the one who is usually agreed with outweigh one who is not", () => {
    const weights = weightsOf(record);
    const ballots = [
      { voice: "c", group: "c", choice: "y" },
      { voice: "a", group: "a", choice: "x" },
    ];
    const options = ["y", "x"];
    expect(decide({ request: { kind: "answer", rule: "dawid-skene" }, options, ballots, weights }).winner).toBe("x");
    expect(decide({ request: { kind: "answer", rule: "dawid-skene" }, options, ballots }).winner).toBe("y");
  });
});
