import assert from "node:assert/strict";
import { test } from "node:test";
import { discount, subtotal, total } from "./cart.ts";

const tea = { name: "tea", cents: 450, count: 2 };
const pot = { name: "pot", cents: 9_100, count: 1 };

test("a subtotal counts every piece", () => {
  assert.equal(subtotal([tea, pot]), 10_000);
});

test("small orders have no discount", () => {
  assert.equal(discount(9_999), 0);
});

test("the discount begins at 100.00 exactly", () => {
  assert.equal(total([tea, pot]), 9_000);
});

test("a discount never has a fraction of a cent", () => {
  assert.equal(discount(10_019), 1_001);
});
