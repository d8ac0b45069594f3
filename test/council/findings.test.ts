/** Findings of a review: all kept, confirmed by runs or by a second model, never voted down. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Claim, CouncilCheck, CouncilEvidence } from "../../src/core/council.ts";
import { findings } from "../../src/council/findings.ts";

let count = 0;
const claim = (voice: string, changes: Partial<Claim> = {}): Claim => ({
  id: `c${count++}`,
  voice,
  group: voice,
  subject: "path traversal",
  predicate: `${voice} says so`,
  polarity: 1,
  file: "a.ts",
  line: 10,
  ...changes,
});
const check: CouncilCheck = { id: "k", author: "security", trust: "generated" };
const run = (outcome: CouncilEvidence["outcome"], proposalId = "base"): CouncilEvidence => ({
  checkId: "k",
  proposalId,
  outcome,
});
const one = (...given: Parameters<typeof findings>) => {
  const found = findings(...given);
  const [first] = found;
  if (!first || found.length > 1) throw new Error(`${found.length} findings`);
  return first;
};

describe("a finding", () => {
  test("of one voice stands as unconfirmed; grave ones go to the person", () => {
    const found = one([claim("security", { severity: "high" })], [], []);
    expect(found).toMatchObject({
      status: "unconfirmed",
      severity: "high",
      by: [],
      forPerson: true,
      file: "a.ts",
      line: 10,
    });
    expect(one([claim("security")], [], [])).toMatchObject({ severity: "medium", forPerson: false });
  });

  test("is confirmed by its check, whatever anybody else says", () => {
    const claims = [
      claim("security", { checkId: "k", severity: "high" }),
      claim("developer", { severity: "critical" }),
    ];
    expect(one(claims, [run("pass")], [check])).toMatchObject({
      status: "confirmed",
      by: ["k"],
      severity: "high",
      text: "security says so",
      voices: ["developer", "security"],
      forPerson: false,
    });
    const broken = claim("security", { checkId: "k", polarity: -1, predicate: "is checked" });
    expect(one([broken], [run("fail")], [check]).status).toBe("confirmed");
  });

  test("is dropped when its own check refutes it, and only then", () => {
    const doubted = claim("security", { checkId: "k" });
    expect(findings([doubted], [run("fail")], [check])).toEqual([]);
    expect(one([doubted, claim("analyzer")], [run("fail")], [check])).toMatchObject({
      voices: ["analyzer"],
      status: "unconfirmed",
    });
    for (const evidence of [
      [run("flaky")],
      [run("error")],
      [run("pass"), run("fail")],
      [run("pass"), run("fail", "other")],
      [],
    ])
      expect(one([doubted], evidence, [check]).status).toBe("unconfirmed");
    expect(one([doubted], [run("fail")], []).status).toBe("unconfirmed");
    const about = { ...doubted, proposalId: "p" };
    expect(one([about], [run("pass"), run("fail", "p"), run("flaky", "p")], [check]).status).toBe("unconfirmed");
    expect(one([about], [run("fail"), run("pass", "p")], [check]).status).toBe("confirmed");
  });

  test("is seconded by another model that did not read it, at what both call its severity", () => {
    const claims = [
      claim("security", { severity: "critical" }),
      claim("analyzer", { line: 12, subject: "unchecked path traversal", severity: "medium" }),
    ];
    expect(one(claims, [], [])).toMatchObject({
      status: "seconded",
      by: ["analyzer", "security"],
      severity: "medium",
      forPerson: false,
    });
    expect(one(claims, [], [], { analyzer: ["security"] })).toMatchObject({
      status: "unconfirmed",
      severity: "critical",
      forPerson: true,
    });
    const clones = claims.map((each) => ({ ...each, group: "one model" }));
    expect(one(clones, [], []).status).toBe("unconfirmed");
  });

  test.each<[string, Partial<Claim>]>([
    ["another file", { file: "b.ts" }],
    ["far away", { line: 14 }],
    ["another subject", { subject: "command injection" }],
    ["half the words", { subject: "path join" }],
    ["the contrary", { polarity: -1 }],
  ])("is another one: %s", (_, changes) => {
    expect(findings([claim("security"), claim("analyzer", changes)], [], [])).toHaveLength(2);
  });

  test("keeps its id when lines shift, and equal ones of a file are told apart", () => {
    const at = (line: number) => claim("security", { line });
    const [first] = findings([at(10)], [], []);
    expect(findings([at(90)], [], [])[0]?.id).toBe(first?.id);
    const two = findings([at(10), at(90)], [], []).map(({ id }) => id);
    expect(two).toEqual([first?.id, `${first?.id}-2`]);
    expect(findings([claim("x", { subject: "Path-Traversals" })], [], [])[0]?.id).toBe(first?.id);
  });
});

describe("whatever is claimed", () => {
  const claims = fc
    .array(
      fc.record(
        {
          voice: fc.constantFrom("a", "b", "c"),
          group: fc.constantFrom("g", "h"),
          subject: fc.constantFrom("path traversal", "path", "null check", "the null checks", "…", ""),
          predicate: fc.constantFrom("x", "y"),
          polarity: fc.constantFrom<1 | -1>(1, -1),
          file: fc.constantFrom("a.ts", "b.ts"),
          line: fc.integer({ min: 1, max: 12 }),
          severity: fc.constantFrom("low", "medium", "high", "critical"),
          checkId: fc.constantFrom("k", "l"),
        },
        { requiredKeys: ["voice", "group", "subject", "predicate", "polarity"] },
      ),
      { maxLength: 8 },
    )
    .map((list) => list.map((each, at): Claim => ({ id: `c${at}`, ...each })));
  const evidence = fc.array(
    fc.record({
      checkId: fc.constantFrom("k", "l"),
      proposalId: fc.constant("base"),
      outcome: fc.constantFrom("pass", "fail", "flaky"),
    }),
    { maxLength: 3 },
  );
  const checks: CouncilCheck[] = [check, { ...check, id: "l" }];

  test("the order of claims makes no difference", () => {
    fc.assert(
      fc.property(
        claims.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        evidence,
        ([list, other], runs) => {
          expect(findings(other, runs, checks)).toEqual(findings(list, runs, checks));
        },
      ),
    );
  });

  test("more claims never take a confirmed voice's finding away, and no model seconds itself", () => {
    fc.assert(
      fc.property(claims, evidence, (list, runs) => {
        for (const each of list) {
          const [alone] = findings([each], runs, checks);
          if (alone?.status === "confirmed")
            expect(
              findings(list, runs, checks).some(
                ({ status, voices }) => status === "confirmed" && voices.includes(each.voice),
              ),
            ).toBe(true);
        }
        for (const found of findings(list, runs, checks))
          if (found.status === "seconded") expect(found.by.length).toBeGreaterThan(1);
      }),
    );
  });
});
