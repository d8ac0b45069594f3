/** Claims that contradict each other: what settles them, and when the person is asked because of them. */
import { describe, expect, test } from "vitest";
import type {
  Ballot,
  Claim,
  CouncilCheck,
  CouncilEvidence,
  CouncilProposal,
  RiskLevel,
} from "../../src/core/council.ts";
import { type DecideInput, decide } from "../../src/council/decide.ts";

const claim = (id: string, polarity: 1 | -1, changes: Partial<Claim> = {}): Claim => ({
  id,
  voice: id,
  group: id,
  proposalId: "x",
  subject: "empty list",
  predicate: "gives 0",
  polarity,
  ...changes,
});
const vote = (voice: string, choice: string, changes: Partial<Ballot> = {}): Ballot => ({
  voice,
  group: voice,
  choice,
  ...changes,
});
const run = (checkId: string, proposalId: string, outcome: CouncilEvidence["outcome"]): CouncilEvidence => ({
  checkId,
  proposalId,
  outcome,
});
const check = (id: string, trust: CouncilCheck["trust"] = "generated"): CouncilCheck => ({
  id,
  author: "guardian",
  trust,
});
const base: DecideInput = {
  request: { kind: "answer" },
  options: ["x", "y"],
  ballots: [vote("a", "x"), vote("b", "x"), vote("c", "y")],
};
const conflicts = (claims: readonly Claim[], more: Partial<DecideInput> = {}) =>
  decide({ ...base, claims, ...more }).conflicts;
const pair = (changes: Partial<Claim> = {}) => [
  claim("p", 1, changes),
  claim("q", -1, { subject: "Empty lists", ...changes }),
];

describe("a conflict", () => {
  test("is one subject with both polarities about one proposal", () => {
    expect(conflicts([claim("p", 1), claim("q", 1)])).toEqual([]);
    expect(conflicts([claim("p", 1), claim("q", -1, { subject: "full list" })])).toEqual([]);
    expect(conflicts([claim("p", 1), claim("q", -1, { proposalId: "y" })])).toEqual([]);
    expect(conflicts([claim("p", 1, { file: "a.ts" }), claim("q", -1, { file: "b.ts" })])).toEqual([]);
    expect(conflicts(pair())).toEqual([
      { claimIds: ["p", "q"], kind: "factual", resolvedBy: "vote", evidence: [], stands: 1 },
    ]);
    const same: CouncilProposal[] = ["x", "y"].map((id) => ({ id, author: id, group: id, cluster: "same" }));
    expect(conflicts([claim("p", 1), claim("q", -1, { proposalId: "y" })], { proposals: same })).toHaveLength(1);
  });

  test("is settled by a run before any vote, by a gate before a generated check", () => {
    const claims = pair({ checkId: "k" });
    const settled = (checks: CouncilCheck[], evidence: CouncilEvidence[], given = claims) =>
      conflicts(given, { checks, evidence })[0];
    expect(settled([check("k")], [run("k", "x", "fail")])).toEqual({
      claimIds: ["p", "q"],
      kind: "behavioural",
      resolvedBy: "execution",
      evidence: ["k"],
      stands: -1,
    });
    expect(settled([check("k")], [run("k", "x", "pass")])).toMatchObject({ resolvedBy: "execution", stands: 1 });
    for (const evidence of [
      [run("k", "x", "flaky")],
      [run("k", "y", "fail")],
      [run("k", "x", "fail"), run("k", "x", "pass")],
      [],
    ])
      expect(settled([check("k")], evidence)).toMatchObject({ resolvedBy: "vote", evidence: [] });
    const two = [claim("p", 1, { checkId: "k" }), claim("q", -1, { checkId: "l" })];
    const evidence = [run("k", "x", "pass"), run("l", "x", "fail")];
    expect(settled([check("k"), check("l")], evidence, two)).toMatchObject({ resolvedBy: "vote" });
    expect(settled([check("k"), check("l", "repo")], evidence, two)).toMatchObject({
      resolvedBy: "execution",
      evidence: ["l"],
      stands: -1,
    });
    const free = pair({ checkId: "k" }).map(({ proposalId: _, ...rest }) => rest);
    expect(settled([check("k")], [run("k", "x", "fail"), run("k", "y", "fail")], free)).toMatchObject({
      resolvedBy: "execution",
      stands: -1,
    });
  });

  test("is voted on by those whose field it is, and open when fewer than two speak or they are equal", () => {
    const risk = pair({ kind: "risk" });
    const domains = { a: "code", b: "security", c: "security", d: "security" };
    expect(conflicts(risk, { domains })[0]).toMatchObject({ kind: "risk", resolvedBy: "open", evidence: [] });
    const more = [...base.ballots, vote("d", "y")];
    expect(conflicts(risk, { domains, ballots: more })[0]).toMatchObject({ resolvedBy: "vote", stands: -1 });
    expect(conflicts(risk, { domains: { ...domains, c: "ux", d: "ux" } })[0]).toMatchObject({ resolvedBy: "open" });
    const free = risk.map(({ proposalId: _, ...rest }) => rest);
    expect(conflicts(free)[0]).toMatchObject({ resolvedBy: "open" });
    const clones = [vote("a", "x", { group: "m" }), vote("b", "x", { group: "m" }), vote("c", "y"), vote("d", "y")];
    expect(conflicts(pair(), { ballots: clones })[0]).toMatchObject({ stands: -1 });
  });
});

test("a dissent has the voice's own reason", () => {
  const ballots = [
    vote("a", "x"),
    vote("b", "x"),
    vote("c", "y", { reason: "an empty list divides by zero" }),
    vote("d", "y"),
  ];
  expect(decide({ ...base, ballots, request: { kind: "answer", rule: "plurality" } }).dissent).toEqual([
    { voice: "c", choice: "y", reason: "an empty list divides by zero" },
    { voice: "d", choice: "y" },
  ]);
});

describe("the person is asked", () => {
  const many = ["a", "b", "c", "d", "e", "f"].map((voice) => vote(voice, "x"));
  const ask = (risk: RiskLevel, more: Partial<DecideInput>) =>
    decide({ ...base, ballots: [...many, vote("z", "y")], request: { kind: "answer", risk }, ...more }).abstainReason;
  const apart = [claim("p", -1, { kind: "risk" }), claim("q", 1, { kind: "risk", proposalId: "y" })];

  test("when the two likeliest differ on a claim of security that no run decides", () => {
    expect(ask("low", {})).toBeUndefined();
    expect(ask("low", { claims: apart })).toBe("undecided-security");
    expect(ask("low", { claims: pair({ kind: "risk" }) })).toBe("undecided-security");
    expect(ask("low", { claims: apart.map((each) => ({ ...each, kind: "design" as const })) })).toBeUndefined();
    expect(ask("low", { claims: [claim("p", -1, { kind: "risk" })] })).toBeUndefined();
    expect(
      ask("low", { claims: apart.map((each) => ({ ...each, proposalId: "z" })), options: ["x", "y", "z"] }),
    ).toBeUndefined();
    const plain = apart.map(({ kind: _, ...rest }) => rest);
    expect(ask("irreversible", { claims: plain })).toBe("undecided-security");
    expect(ask("low", { claims: plain })).toBeUndefined();
    const request = { kind: "answer", risk: "low", domain: "security" } as const;
    expect(ask("low", { claims: plain, request })).toBe("undecided-security");
  });

  test("but not when a run decides it for both", () => {
    const checked = apart.map((each) => ({ ...each, checkId: "k" }));
    const checks = [check("k")];
    expect(
      ask("low", { claims: checked, checks, evidence: [run("k", "x", "pass"), run("k", "y", "pass")] }),
    ).toBeUndefined();
    expect(ask("low", { claims: checked, checks, evidence: [run("k", "x", "pass")] })).toBe("undecided-security");
    expect(ask("low", { claims: checked, checks, evidence: [run("k", "x", "pass"), run("k", "y", "flaky")] })).toBe(
      "undecided-security",
    );
  });

  const patch = (evidence: CouncilEvidence[], checks = [check("k", "user"), check("l", "repo")]) =>
    decide({
      request: { kind: "patch", risk: "medium" },
      options: ["x", "y"],
      proposals: ["x", "y"].map((id) => ({ id, author: id, group: id })),
      ballots: many,
      checks,
      evidence,
    }).abstainReason;
  const crossed = [run("k", "x", "pass"), run("k", "y", "fail"), run("l", "x", "fail"), run("l", "y", "pass")];

  test("when acceptance checks pass exactly where the others fail", () => {
    expect(patch(crossed)).toBe("checks-contradict");
    expect(patch(crossed, [check("k", "user"), check("l")])).not.toBe("checks-contradict");
    expect(patch(crossed.slice(0, 3))).toBe("gates-fail-everywhere");
    expect(
      patch(
        crossed.map((each) => ({ ...each, outcome: each.checkId === "k" ? ("pass" as const) : ("fail" as const) })),
      ),
    ).toBe("gates-fail-everywhere");
    expect(
      patch(
        crossed.map((each) => ({ ...each, outcome: each.proposalId === "x" ? ("pass" as const) : ("fail" as const) })),
      ),
    ).toBeUndefined();
  });
});
