import { expect, test } from "vitest";
import { createBudget } from "../../src/council/budget.ts";

const clock = { now: () => 0, monotonic: () => 0 } as Parameters<typeof createBudget>[1];

test("a limit of tokens in and out holds for both together, reserved ones included", () => {
  const budget = createBudget({ tokens: 1_000 }, clock);
  const first = budget.reserve({ promptTokens: 500, outputTokens: 160 });
  expect(budget.reserve({ promptTokens: 500, outputTokens: 160 })).toBeUndefined();
  first?.settle({ promptTokens: 480, outputTokens: 20, cachedTokens: 0, ms: 1 });
  expect(budget.reserve({ promptTokens: 340, outputTokens: 160 })).toBeDefined();
  expect(budget.reserve({ promptTokens: 1, outputTokens: 0 })).toBeUndefined();
});
