/** What the record teaches: changed models begin anew, undone work is found, and the numbers that people see. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256 } from "../../src/base/hash.ts";
import { councilStatsText } from "../../src/cli/render/council-stats.ts";
import type { OutcomeRow } from "../../src/core/council-record.ts";
import { fit as weightsOf } from "../../src/council/fit.ts";
import { ENGINE_VERSION, undone, weightsFrom, weightsKey } from "../../src/council/record.ts";
import { statsOf } from "../../src/council/stats.ts";

const row = (n: number, changes: Partial<OutcomeRow> = {}): OutcomeRow => ({
  id: `r${n}`,
  at: n,
  council: `c${n}`,
  workspace: "/w",
  kind: "answer",
  domain: n % 2 ? "code" : "design",
  options: ["x", "y", "z"],
  truth: "x",
  source: "gate",
  ballots: [
    { voice: "good", group: "old", choice: n % 10 ? "x" : "y", confidence: n % 10 ? 0.9 : 0.4 },
    { voice: "poor", group: "other", choice: n % 3 ? "y" : "x", confidence: n % 3 ? 0.3 : 0.8 },
  ],
  evidence: [],
  files: {},
  ...changes,
});
const rows = (count: number) => Array.from({ length: count }, (_, n) => row(n));
const now = { good: "old", poor: "other" };

describe("weights from the record", () => {
  test("are those of fit over the rows whose answer is known, in their order", () => {
    const known = rows(40);
    const { truth: _, ...open } = row(99);
    expect(weightsFrom([...known, open], now)).toEqual(
      weightsOf(
        known.map(({ kind, domain = "", options, truth = "", ballots, evidence }) => ({
          kind,
          domain,
          options,
          truth,
          ballots,
          evidence,
        })),
      ),
    );
    expect(weightsFrom([], now)).toEqual(weightsOf([]));
  });

  test("a voice whose model changed begins at what its new model is known for, or at nothing", () => {
    const before = weightsFrom(rows(40), now);
    expect(before.voices["good"]).toMatchObject({ seen: 40 });
    expect(before.voices["good"]?.accuracy).toBeGreaterThan(0.8);
    const moved = weightsFrom(rows(40), { good: "other", poor: "other" });
    expect(moved.voices["good"]).toMatchObject({ seen: 0, domains: {} });
    expect(moved.voices["good"]?.accuracy).toBeCloseTo((14 + 0.6 * 8) / 48, 5);
    expect(moved.voices["poor"]).toEqual(before.voices["poor"]);
    expect(weightsFrom(rows(40), { good: "new", poor: "other" }).voices["good"]).toBeUndefined();
    const later = weightsFrom([...rows(40), row(40, { ballots: [{ voice: "good", group: "other", choice: "x" }] })], {
      good: "other",
    });
    expect(later.voices["good"]).toMatchObject({ seen: 1 });
  });

  test("have one name for one record, and another for any other", () => {
    const key = weightsKey(rows(5), now);
    expect(weightsKey(structuredClone(rows(5)), { poor: "other", good: "old" })).toBe(key);
    const { truth: _, ...open } = row(9);
    expect(weightsKey([...rows(5), open], now)).toBe(key);
    const others = [
      weightsKey(rows(6), now),
      weightsKey(rows(5), { ...now, good: "new" }),
      weightsKey(rows(5).toReversed(), now),
    ];
    expect(new Set([key, ...others]).size).toBe(4);
  });
});

describe("accepted work that was undone", () => {
  const accepted = (files: OutcomeRow["files"], changes: Partial<OutcomeRow> = {}) =>
    row(0, { at: 0, source: "accepted", files, ...changes });
  const look = (given: OutcomeRow, files: Readonly<Record<string, string | null>>, day = 1) =>
    undone([given], { workspace: "/w", hashNow: (path) => files[path] ?? null, now: day * 86_400_000, days: 14 });
  const edit = accepted({ "a.ts": { before: "1", after: "2" }, "b.ts": { before: null, after: "3" } });

  test("has every touched file as it was before", () => {
    expect(look(edit, { "a.ts": "1" })).toEqual(["r0"]);
    expect(look(edit, { "a.ts": "1", "b.ts": "3" })).toEqual([]);
    expect(look(edit, { "a.ts": "2", "b.ts": "3" })).toEqual([]);
    expect(look(edit, { "a.ts": "1" }, 14)).toEqual(["r0"]);
    expect(look(edit, { "a.ts": "1" }, 14.1)).toEqual([]);
    expect(look({ ...edit, source: "gate" }, { "a.ts": "1" })).toEqual([]);
    expect(look({ ...edit, workspace: "/other" }, { "a.ts": "1" })).toEqual([]);
    expect(look(accepted({}), {})).toEqual([]);
    expect(look(accepted({ "a.ts": { before: "1", after: "1" } }), { "a.ts": "1" })).toEqual([]);
  });

  test("is never seen while one change is still there", () => {
    const hash = fc.constantFrom(null, "1", "2", "3");
    const files = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.record({ before: hash, after: hash }), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(
        files,
        fc.dictionary(fc.constantFrom("a", "b", "c"), hash, { noNullPrototype: true }),
        (touched, current) => {
          const found = look(accepted(touched), current).length > 0;
          const kept = Object.entries(touched).some(
            ([path, { before, after }]) => before !== after && (current[path] ?? null) !== before,
          );
          if (kept) expect(found).toBe(false);
        },
      ),
    );
  });
});

describe("what people see of it", () => {
  const stats = () => {
    const all = [...rows(60), row(60, { source: "human" })];
    const { truth: _, ...open } = row(61);
    return statsOf([...all, open], weightsFrom(all, now));
  };

  test("is every voice over all and by domain, what is open, who repeats whom, and which rule is in use", () => {
    const { voices, ...rest } = stats();
    expect(rest).toMatchObject({
      outcomes: 61,
      open: 1,
      sources: { gate: 60, human: 1 },
      options: 3,
      confidence: { used: true, votes: 122 },
      groups: [
        { group: "old", voices: 1 },
        { group: "other", voices: 1 },
      ],
    });
    expect(voices.map(({ voice, domain, outcomes }) => [voice, domain, outcomes])).toEqual([
      ["good", undefined, 61],
      ["good", "design", 31],
      ["good", "code", 30],
      ["poor", undefined, 61],
      ["poor", "design", 31],
      ["poor", "code", 30],
    ]);
    expect(voices[0]?.accuracy).toBeGreaterThan(0.8);
    expect(voices[0]?.weight).toBeGreaterThan(1.5);
    expect(voices[3]?.weight).toBeLessThan(voices[0]?.weight ?? 0);
  });

  test("as text, and before anything is known", () => {
    const text = councilStatsText(stats());
    expect(text).toMatch(/^61 outcomes \(60 gate, 1 human\), 1 not known yet\n/);
    expect(text).toMatch(/VOICE +OUTCOMES +RIGHT +WEIGHT \(of 3\)\ngood +61 +8\d % +\d\.\d\d\n {2}design +31/);
    expect(text).toMatch(/confidence: counted \(of 122 votes, area [01]\.\d\d\)/);
    expect(text).toMatch(/rank: median-rank, the default\n$/);
    expect(councilStatsText(statsOf([], weightsFrom([], {})))).toBe(
      "no council's outcome is known yet: every voice counts as right 60 times of 100\n",
    );
    const few = statsOf(rows(3), weightsFrom(rows(3), now));
    expect(few.confidence).toMatchObject({ used: false, votes: 6 });
    expect(councilStatsText(few)).toContain("not counted until its area is over .58 on 50 votes");
  });
});

test("fit learns what this version of the engine says: raise ENGINE_VERSION with these numbers, or kept weights go stale", () => {
  const ranked = (n: number): OutcomeRow => {
    const order = n % 4 ? ["x", "y", "z"] : ["y", "z", "x"];
    const ballots = ["good", "poor"].map((voice, at) => ({
      voice,
      group: "old",
      ranking: at ? order.toReversed() : order,
    }));
    return row(100 + n, { kind: "rank", ballots });
  };
  const weights = weightsFrom([...rows(60), ...Array.from({ length: 40 }, (_, n) => ranked(n))], now);
  const rounded = JSON.stringify(weights, (_, value: unknown) =>
    typeof value === "number" ? Number(value.toFixed(4)) : value,
  );
  expect([ENGINE_VERSION, sha256(rounded).slice(0, 16)]).toEqual([1, "6450ff2139c44649"]);
});
