/** The router's decision: what must never happen, for any state of the models; and the mixed trace. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { complexityOf } from "../../src/models/complexity.ts";
import { decideRoute, type RouteCandidate, type RouteInput } from "../../src/models/route.ts";

const NEW = { answers: 0, validCalls: 0, invalidCalls: 0, outcomes: {} };
const FAST: RouteCandidate = {
  name: "ollama/small",
  tier: "fast",
  named: false,
  fallback: false,
  window: 32_768,
  promptTokens: 2_000,
  cachedTokens: 0,
  tools: "yes",
  vision: "no",
  resident: true,
  rates: NEW,
  queue: 0,
};
const QUALITY: RouteCandidate = { ...FAST, name: "ollama/large", tier: "quality", vision: "yes" };
const SPARE: RouteCandidate = { ...FAST, name: "studio/spare", fallback: true };
const { tier: _, ...spare } = SPARE;

const ask = (prompt: string, candidates: readonly RouteCandidate[], changes: Partial<RouteInput> = {}) =>
  decideRoute({
    candidates,
    complexity: complexityOf(prompt),
    needs: { tools: true, vision: false },
    ...changes,
  });

describe("complexity", () => {
  test.each([
    ["format this file", 0.1, "low"],
    ["add a flag to the parser", 0.3, "middle"],
    ["fix the failing test", 0.6, "middle"],
    ["review the module", 1, "high"],
    ["find vulnerabilities in the login", 1, "high"],
    ["what now?", 0.5, "middle"],
    [`format this\n${"x".repeat(1_000)}`, 0.3, "middle"],
  ] as const)("%s", (prompt, value, band) => {
    expect(complexityOf(prompt)).toMatchObject({ value, band });
  });
});

describe("strategies", () => {
  test("light work goes to the fast model, hard work to the quality model", () => {
    expect(ask("format this file", [QUALITY, FAST])).toMatchObject({ model: FAST.name, strategy: "cost" });
    expect(ask("review the architecture", [QUALITY, FAST])).toMatchObject({ model: QUALITY.name, strategy: "cost" });
  });

  test("the model that was asked for answers, whatever it costs", () => {
    const named = { ...QUALITY, named: true, resident: false };
    expect(ask("format this file", [named, FAST])).toMatchObject({ model: named.name, strategy: "override" });
  });

  test("a fallback answers only when the others cannot, and says why", () => {
    expect(ask("format", [QUALITY, { ...spare, rates: { ...NEW, decodePerSecond: 1_000 } }]).model).toBe(QUALITY.name);
    const decision = ask("format", [{ ...QUALITY, down: "connection refused" }, spare]);
    expect(decision.model).toBe(spare.name);
    expect(decision.considered[0]).toMatchObject({
      outcome: "rejected",
      by: "availability",
      reason: "connection refused",
    });
  });

  test("images need eyes; tools need a model that can call them", () => {
    expect(ask("format", [QUALITY, FAST], { needs: { tools: true, vision: true } }).model).toBe(QUALITY.name);
    expect(ask("format", [QUALITY, { ...FAST, tools: "no" }]).model).toBe(QUALITY.name);
    expect(ask("format", [{ ...FAST, tools: "no" }]).model).toBe(FAST.name);
    const clumsy = { ...FAST, rates: { ...NEW, validCalls: 5, invalidCalls: 5 } };
    expect(ask("format", [QUALITY, clumsy]).model).toBe(QUALITY.name);
  });

  test("a model that fails at this kind of work loses it, one that succeeds gets it", () => {
    const failing = { ...FAST, rates: { ...NEW, outcomes: { middle: { good: 2, bad: 8 } } } };
    expect(ask("fix the test", [QUALITY, failing]).model).toBe(QUALITY.name);
    const able = { ...FAST, rates: { ...NEW, outcomes: { high: { good: 60, bad: 2 } } } };
    expect(ask("review the design", [QUALITY, able]).model).toBe(FAST.name);
  });

  test("a raised thread stays with the quality model", () => {
    expect(ask("format", [QUALITY, FAST], { raised: "an invalid tool call" }).model).toBe(QUALITY.name);
  });

  test("a loaded model beats one that has to be loaded first; a thread stays where its prompt is", () => {
    const cold = { ...FAST, resident: false, sizeBytes: 8 * 2 ** 30 };
    const loaded = { ...QUALITY, rates: { ...NEW, decodePerSecond: 40, prefillPerSecond: 2_000 } };
    expect(ask("format", [loaded, cold])).toMatchObject({ model: loaded.name, strategy: "cost" });
    expect(ask("format", [QUALITY, FAST], { current: QUALITY.name })).toMatchObject({
      model: QUALITY.name,
      strategy: "residency",
    });
    expect(ask("review", [QUALITY, FAST], { current: FAST.name })).toMatchObject({
      model: QUALITY.name,
      strategy: "cost",
    });
  });
});

const candidate = fc.record({
  name: fc.constantFrom("a/1", "b/2", "c/3", "d/4"),
  tier: fc.constantFrom("fast", "quality"),
  named: fc.boolean(),
  fallback: fc.boolean(),
  down: fc.option(fc.constant("dead"), { nil: undefined }),
  window: fc.integer({ min: 4_096, max: 131_072 }),
  promptTokens: fc.integer({ min: 1, max: 200_000 }),
  cachedTokens: fc.integer({ min: 0, max: 200_000 }),
  tools: fc.constantFrom("yes", "no", "unknown"),
  vision: fc.constantFrom("yes", "no", "unknown"),
  resident: fc.boolean(),
  rates: fc.record({ answers: fc.nat(9), validCalls: fc.nat(20), invalidCalls: fc.nat(20), outcomes: fc.constant({}) }),
  queue: fc.integer({ min: 0, max: 5 }),
});

test("for any models: deterministic, every model accounted for, none that is down or too small while another could", () => {
  const inputs = fc.record({
    candidates: fc.uniqueArray(candidate, { minLength: 1, maxLength: 4, selector: ({ name }) => name }),
    complexity: fc.string().map(complexityOf),
    needs: fc.record({ tools: fc.boolean(), vision: fc.boolean() }),
  });
  fc.assert(
    fc.property(inputs, (input) => {
      const given = input as unknown as RouteInput;
      const decision = decideRoute(given);
      expect(decideRoute(structuredClone(given))).toEqual(decision);
      expect(decision.considered.map(({ model }) => model)).toEqual(given.candidates.map(({ name }) => name));
      expect(decision.considered.filter(({ outcome }) => outcome === "chosen").map(({ model }) => model)).toEqual([
        decision.model,
      ]);
      const chosen = given.candidates.find(({ name }) => name === decision.model);
      const fits = ({ down, promptTokens, window }: RouteCandidate) =>
        down === undefined && promptTokens + 1_024 <= window;
      if (given.candidates.some(fits)) expect(chosen && fits(chosen)).toBe(true);
    }),
  );
});
