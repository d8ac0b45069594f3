/** What a decision says, when it asks the person instead, and the scripted scenarios that need no runner. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Ballot, CouncilCheck, CouncilEvidence, CouncilProposal } from "../../src/core/council.ts";
import { decide } from "../../src/council/decide.ts";

const vote = (voice: string, choice: string, changes: Partial<Ballot> = {}): Ballot => ({
  voice,
  group: voice,
  choice,
  ...changes,
});

describe("a decision", () => {
  test("names the winner, its share, who dissents and how many votes would change it", () => {
    const ballots = [vote("a", "x"), vote("b", "x"), vote("c", "x"), vote("d", "y"), vote("e", "y")];
    expect(decide({ request: { kind: "answer", rule: "plurality" }, options: ["x", "y", "z"], ballots })).toEqual({
      outcome: "decided",
      winner: "x",
      posterior: { x: 0.6, y: 0.4, z: 0, none: 0 },
      rule: "plurality",
      nEff: 5,
      agreement: 0.4,
      margin: expect.closeTo(0.2) as number,
      flipVotes: 1,
      evidenceUsed: [],
      conflicts: [],
      dissent: [
        { voice: "d", choice: "y" },
        { voice: "e", choice: "y" },
      ],
    });
  });

  test("names the first proposal of the winning cluster as the caller ordered them, whatever the seed", () => {
    const proposals = ["a", "b", "c", "d"].map((id): CouncilProposal => {
      return { id, author: id, group: "g", cluster: id === "b" ? "b" : "a" };
    });
    const checks: CouncilCheck[] = [{ id: "suite", author: "repo", trust: "repo" }];
    const evidence = ["a", "b"].map((id): CouncilEvidence => {
      return { checkId: "suite", proposalId: id, outcome: id === "a" ? "pass" : "fail" };
    });
    for (let seed = 0; seed < 8; seed++) {
      const given = { options: ["a", "b", "c", "d"], proposals, checks, evidence, ballots: [], seed };
      const { winner, posterior } = decide({ request: { kind: "patch" }, ...given });
      expect([winner, posterior["c"], posterior["d"]]).toEqual(["a", 0, 0]);
    }
  });

  test("is the same for the same input, byte for byte, and does not depend on the order of ballots", () => {
    const ballots = fc.array(
      fc.record({
        voice: fc.constantFrom("a", "b", "c", "d"),
        group: fc.constantFrom("g", "h"),
        choice: fc.constantFrom("x", "y", "z"),
      }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(
          ballots.map((list) => list[0] as Ballot),
          { selector: ({ voice }) => voice, minLength: 1 },
        ),
        fc.nat(9),
        (given, seed) => {
          const ask = (all: readonly Ballot[]) =>
            decide({ request: { kind: "answer", risk: "low" }, options: ["x", "y", "z"], ballots: all, seed });
          expect(JSON.stringify(ask(structuredClone(given)))).toBe(JSON.stringify(ask(given)));
          expect(ask(given.toReversed()).winner).toBe(ask(given).winner);
        },
      ),
    );
  });

  test("clones of one model do not outvote two models of their own", () => {
    const clones = Array.from({ length: 7 }, (_, n) => vote(`c${n}`, "wrong", { group: "one model" }));
    const others = ["a", "b", "c"].map((voice) => vote(voice, "right"));
    expect(
      decide({ request: { kind: "answer" }, options: ["wrong", "right"], ballots: [...clones, ...others] }).winner,
    ).toBe("right");
    expect(
      decide({
        request: { kind: "answer", rule: "plurality" },
        options: ["wrong", "right"],
        ballots: [...clones, ...others],
      }).winner,
    ).toBe("wrong");
  });

  test("without any ballot that counts it has failed: no winner is invented", () => {
    const lost = [vote("a", "x", { status: "timeout" }), vote("b", "nonsense")];
    expect(decide({ request: { kind: "answer" }, options: ["x", "y"], ballots: lost })).toMatchObject({
      outcome: "failed",
      nEff: 0,
    });
    expect(decide({ request: { kind: "answer" }, options: ["x", "y"], ballots: lost })).not.toHaveProperty("winner");
  });
});

const proposals = (rows: readonly (readonly [cluster: string, count: number])[]): CouncilProposal[] =>
  rows.flatMap(([cluster, count]) =>
    Array.from({ length: count }, (_, n) => ({
      id: `${cluster}${n}`,
      author: `${cluster}${n}`,
      group: "one model",
      cluster,
    })),
  );
const runs = (
  checkId: string,
  list: readonly CouncilProposal[],
  passes: (cluster: string) => boolean,
): CouncilEvidence[] =>
  list.map(({ id, cluster = "" }) => ({ checkId, proposalId: id, outcome: passes(cluster) ? "pass" : "fail" }));
const suite: CouncilCheck = { id: "suite", author: "repo", trust: "repo" };

describe("patches", () => {
  const list = proposals([
    ["misreading", 9],
    ["right", 1],
  ]);
  const options = list.map(({ id }) => id);
  const judges = list
    .slice(0, 6)
    .map(({ author }) => vote(author, "misreading0", { group: "one model", confidence: 0.99 }));

  test("one right patch wins by the gate against nine clones of a misreading that vote for themselves", () => {
    const evidence = runs("suite", list, (cluster) => cluster === "right");
    const decision = decide({
      request: { kind: "patch", risk: "medium" },
      options,
      proposals: list,
      checks: [suite],
      ballots: judges,
      evidence,
    });
    expect(decision).toMatchObject({ outcome: "decided", winner: "right0" });
    expect(decision.dissent).toHaveLength(6);
  });

  test("without a gate, a blind test for the right one: right or the person, never a confident misreading", () => {
    const blind: CouncilCheck = { id: "blind", author: "guardian", trust: "generated" };
    const evidence = runs("blind", list, (cluster) => cluster === "right");
    const decision = decide({
      request: { kind: "patch", risk: "medium" },
      options,
      proposals: list,
      checks: [blind],
      ballots: judges,
      evidence,
    });
    if (decision.winner !== "right0") expect(decision.posterior["misreading0"]).toBeLessThan(0.9);
  });

  test("all of one model agree, no gate, risk medium: the person is asked", () => {
    const same = proposals([["misreading", 10]]);
    const ballots = same.map(({ author }) => vote(author, "misreading0", { group: "one model" }));
    const request = { kind: "patch" as const, risk: "medium" as const };
    const decision = decide({ request, options: same.map(({ id }) => id), proposals: same, ballots });
    expect(decision).toMatchObject({ outcome: "abstained", abstainReason: "unanimity-of-clones" });
    expect(
      decide({ request: { ...request, risk: "low" }, options: same.map(({ id }) => id), proposals: same, ballots })
        .outcome,
    ).toBe("decided");
  });

  test("gates that fail for all of them ask; flaky and broken runs are no evidence", () => {
    const request = { kind: "patch" as const, risk: "low" as const };
    expect(
      decide({
        request,
        options,
        proposals: list,
        checks: [suite],
        ballots: judges,
        evidence: runs("suite", list, () => false),
      }),
    ).toMatchObject({ outcome: "abstained", abstainReason: "gates-fail-everywhere" });
    const flaky = list.map(({ id }) => ({ checkId: "suite", proposalId: id, outcome: "flaky" as const }));
    expect(
      decide({ request, options, proposals: list, checks: [suite], ballots: judges, evidence: flaky }).evidenceUsed,
    ).toEqual([]);
  });
});
