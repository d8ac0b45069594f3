import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { whyNotCacheable } from "../../src/cache/cacheable.ts";
import { isTrusted, MOST_ERROR, upperError } from "../../src/cache/evidence.ts";
import { type Candidate, decideServe, FIRST_BOUND, fingerprintOf, isShadowed, observe } from "../../src/cache/serve.ts";
import { type AnswerFacts, CacheEntry, type CacheQuestion, type FingerprintParts } from "../../src/core/cache.ts";
import { EXTERNAL_LABEL, USER_LABEL } from "../../src/core/label.ts";
import { questionGrammar } from "../kit/questions.ts";

const scope = { user: "ann", workspace: "/w", role: "user" };
const parts: FingerprintParts = {
  model: "m1",
  system: "s1",
  tools: "t1",
  voice: "v1",
  files: { "a.ts": "1", "b.ts": "2" },
  history: "h1",
};
const fingerprint = fingerprintOf(parts) ?? "";
const entry: CacheEntry = {
  id: "1",
  question: "what does the cache do",
  answer: "It keeps answers.",
  scope,
  fingerprint,
  kind: "what",
  createdAt: 1_000,
  bound: FIRST_BOUND,
  evidence: { agreed: 0, disagreed: 0 },
  label: USER_LABEL,
};
const question: CacheQuestion = { text: "What does the cache do?", scope, fingerprint };
const candidate: Candidate = {
  entry,
  similarity: 0.97,
  evidence: { agreed: 0, disagreed: 0 },
  now: 5_000,
  shadow: false,
};

describe("the serve rule", () => {
  it("serves when everything holds, with age and similarity", () => {
    expect(decideServe(question, candidate)).toEqual({ serve: true, entry, ageMs: 4_000, similarity: 0.97 });
    expect(decideServe(question, { ...candidate, now: 0 })).toMatchObject({ serve: true, ageMs: 0 });
    expect(CacheEntry.parse(JSON.parse(JSON.stringify(entry)))).toEqual(entry);
  });

  it.each<[string, Partial<CacheQuestion>, Partial<Candidate>, boolean]>([
    ["scope", { scope: { ...scope, user: "bob" } }, {}, false],
    ["scope", { scope: { ...scope, workspace: "/v" } }, {}, false],
    ["scope", { scope: { ...scope, role: "admin" } }, {}, false],
    ["scope", { scope: { ...scope, user: "" } }, { entry: { ...entry, scope: { ...scope, user: "" } } }, false],
    ["fingerprint", { fingerprint: "other" }, {}, false],
    ["fingerprint", { fingerprint: undefined }, {}, false],
    ["fingerprint", { fingerprint: "" }, { entry: { ...entry, fingerprint: "" } }, false],
    ["negation", { text: "what does the cache not do" }, {}, false],
    ["words", { text: "what does the router do" }, {}, false],
    ["below-bound", {}, { similarity: 0.949 }, false],
    ["below-bound", {}, { similarity: Number.NaN }, false],
    ["below-bound", {}, { entry: { ...entry, bound: 0.98 } }, false],
    ["below-bound", {}, { similarity: 0.9, entry: { ...entry, bound: 0.1 } }, false],
    ["below-bound", {}, { entry: { ...entry, bound: Number.NaN } }, false],
    ["entry-unproven", {}, { entry: { ...entry, evidence: { agreed: 0, disagreed: 1 } } }, true],
    ["class-disabled", {}, { evidence: { agreed: 0, disagreed: 1 } }, true],
    ["shadow-check", {}, { shadow: true }, true],
  ])("refuses for %s", (because, asked, given, compare) => {
    const decision = decideServe({ ...question, ...asked }, { ...candidate, ...given });
    expect(decision).toEqual({ serve: false, because, compare });
  });

  it("serves no false hit even when the embeddings cannot tell the questions apart", () => {
    const grammar = questionGrammar(4);
    for (let n = 0; n < 5_000; n++) {
      const { a, b } = grammar.adversary();
      const decision = decideServe(
        { ...question, text: a },
        { ...candidate, entry: { ...entry, question: b }, similarity: 1 },
      );
      expect(decision.serve, `${a} | ${b}`).toBe(false);
    }
  });
});

describe("the fingerprint", () => {
  it("changes with every part, not with the order of files, and is none when a part is not known", () => {
    const changed: FingerprintParts[] = [
      ...(["model", "system", "tools", "voice", "history"] as const).map((part) => ({ ...parts, [part]: "other" })),
      { ...parts, files: { "a.ts": "1", "b.ts": "3" } },
      { ...parts, files: { "a.ts": "1", "c.ts": "2" } },
      { ...parts, files: { "a.ts": "1" } },
      { ...parts, files: {} },
    ];
    const all = [parts, ...changed].map(fingerprintOf);
    expect(new Set(all).size).toBe(all.length);
    expect(fingerprintOf({ ...parts, files: { "b.ts": "2", "a.ts": "1" } })).toBe(fingerprint);
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
    for (const part of ["model", "system", "tools", "voice", "history"] as const)
      expect(fingerprintOf({ ...parts, [part]: "" })).toBeUndefined();
    expect(fingerprintOf({ ...parts, files: { "a.ts": "" } })).toBeUndefined();
  });
});

describe("evidence", () => {
  it("is enough at the start, not after one error, and again after enough agreement", () => {
    expect(upperError({ agreed: 0, disagreed: 0 })).toBeCloseTo(1 - 0.05 ** (1 / 600), 8);
    expect(isTrusted({ agreed: 0, disagreed: 0 })).toBe(true);
    for (const agreed of [0, 100, 300]) expect(isTrusted({ agreed, disagreed: 1 })).toBe(false);
    expect(isTrusted({ agreed: 400, disagreed: 1 })).toBe(true);
  });

  it("bounds the error: falls with agreement, rises with disagreement, lies above the mean", () => {
    const counts = fc.record({ agreed: fc.nat({ max: 5_000 }), disagreed: fc.nat({ max: 40 }) });
    fc.assert(
      fc.property(counts, ({ agreed, disagreed }) => {
        const here = upperError({ agreed, disagreed });
        expect(upperError({ agreed: agreed + 50, disagreed })).toBeLessThan(here);
        expect(upperError({ agreed, disagreed: disagreed + 1 })).toBeGreaterThan(here);
        expect(here).toBeGreaterThan((1 + disagreed) / (601 + agreed + disagreed));
        expect(here < 1 && here > 0).toBe(true);
      }),
    );
  });

  it("an entry that was wrong is not served at that similarity again, and its class is disabled", () => {
    const wrong = observe(candidate, false);
    expect(wrong.entry.bound).toBeCloseTo(0.985, 10);
    expect([wrong.entry.evidence, wrong.evidence]).toEqual([
      { agreed: 0, disagreed: 1 },
      { agreed: 0, disagreed: 1 },
    ]);
    expect(decideServe(question, { ...candidate, ...wrong })).toMatchObject({ because: "below-bound" });
    expect(decideServe(question, { ...candidate, ...wrong, similarity: 1 })).toMatchObject({
      because: "entry-unproven",
    });
    const other = decideServe(question, { ...candidate, evidence: wrong.evidence });
    expect(other).toEqual({ serve: false, because: "class-disabled", compare: true });
    let state = { ...candidate, ...wrong, similarity: 1 };
    for (let n = 0; n < 400; n++) state = { ...state, ...observe(state, true) };
    expect(decideServe(question, state)).toMatchObject({ serve: true });
    expect(state.entry.bound).toBe(wrong.entry.bound);
    expect(upperError(state.evidence)).toBeLessThanOrEqual(MOST_ERROR);
  });

  it("2 % of would-be hits are compared, the same ones for the same seed", () => {
    const chosen = (seed: string) => Array.from({ length: 20_000 }, (_, n) => n).filter((n) => isShadowed(seed, n));
    const [one, two] = [chosen("a"), chosen("b")];
    for (const found of [one, two]) expect(Math.abs(found.length - 400)).toBeLessThan(80);
    expect(chosen("a")).toEqual(one);
    expect(two).not.toEqual(one);
  });
});

const made = { toolCalls: false, edits: false, commands: false, approvals: false, verdicts: false, vote: false };
const answer: AnswerFacts = {
  prompt: "what does the cache do",
  text: "It keeps answers.",
  scope,
  fingerprint,
  stop: "stop",
  temperature: 0,
  anyTemperature: false,
  made,
  secrets: false,
  label: USER_LABEL,
};

describe("what is never stored", () => {
  it("a plain answer may be", () => {
    expect(whyNotCacheable(answer)).toBeUndefined();
    expect(whyNotCacheable({ ...answer, temperature: 0.7, anyTemperature: true })).toBeUndefined();
    expect(whyNotCacheable({ ...answer, label: EXTERNAL_LABEL })).toBeUndefined();
  });

  it.each<[string, Partial<AnswerFacts>]>([
    ["no-scope", { scope: { ...scope, workspace: "" } }],
    ["no-fingerprint", { fingerprint: undefined }],
    ["tool-calls", { made: { ...made, toolCalls: true } }],
    ["tool-calls", { stop: "tool-calls" }],
    ["edits", { made: { ...made, edits: true } }],
    ["commands", { made: { ...made, commands: true } }],
    ["approvals", { made: { ...made, approvals: true } }],
    ["verdicts", { made: { ...made, verdicts: true } }],
    ["vote", { made: { ...made, vote: true } }],
    ["secrets", { secrets: true }],
    ["secrets", { label: { ...USER_LABEL, confidentiality: "secret" } }],
    ["incomplete", { stop: "length" }],
    ["incomplete", { stop: "aborted" }],
    ["incomplete", { stop: "filtered" }],
    ["empty", { text: " \n" }],
    ["temperature", { temperature: 0.1 }],
    ["temperature", { temperature: undefined }],
    ...[
      "what time is it",
      "what changed today",
      "show the latest commit",
      "Is the build currently green?",
      "which tests failed in the last run",
      "was ist heute neu",
      "quelle heure est-il",
      "qué pasó hoy",
      "какая сейчас погода",
      "今何時ですか",
    ].map((prompt): [string, Partial<AnswerFacts>] => ["time-dependent", { prompt }]),
  ])("%s: %j", (because, given) => {
    expect(whyNotCacheable({ ...answer, ...given })).toBe(because);
  });

  it.each(["what does the parser do", "explain known values in src/guard/secrets.ts", "how do I know which file"])(
    "%s does not depend on the time",
    (prompt) => expect(whyNotCacheable({ ...answer, prompt })).toBeUndefined(),
  );
});
