/** Checking and bending values by a JSON Schema. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkSchema } from "../../src/base/json-schema.ts";

const object = (properties: object, more: object = {}) => ({
  type: "object",
  properties,
  additionalProperties: false,
  ...more,
});

describe("values that fit are left alone", () => {
  test.each([
    [{ type: "string" }, "a"],
    [{ type: "integer", minimum: 1 }, 3],
    [{ type: ["string", "null"] }, null],
    [{ enum: ["a", 1] }, 1],
    [{ const: "x" }, "x"],
    [object({ a: { type: "array", items: { type: "number" } } }, { required: ["a"] }), { a: [1, 2.5] }],
    [{ anyOf: [{ type: "string" }, { type: "integer" }] }, "3"],
    [{ $ref: "#/$defs/t", $defs: { t: { type: "boolean" } } }, true],
    [{ type: "object", additionalProperties: { type: "integer" } }, { any: 1 }],
    [{}, { free: ["form"] }],
  ])("%j takes %j", (schema, value) => {
    expect(checkSchema(schema, value)).toEqual({ value, problems: [], coerced: false });
  });
});

describe("values with one plain reading are bent", () => {
  test.each([
    [{ type: "integer" }, "3", 3],
    [{ type: "number" }, " -1.5 ", -1.5],
    [{ type: "boolean" }, "False", false],
    [{ type: "string" }, 7, "7"],
    [{ type: "array", items: { type: "string" } }, "one", ["one"]],
    [{ type: "array", items: { type: "integer" } }, '["1", 2]', [1, 2]],
    [object({ a: { type: "integer" } }), '{"a": "1"}', { a: 1 }],
    [{ type: "string", enum: ["open", "closed"] }, " OPEN ", "open"],
    [object({ a: { type: "string" }, b: { type: "string" } }, { required: ["a"] }), { a: "x", b: null }, { a: "x" }],
    [{ anyOf: [{ type: "integer" }, { type: "boolean" }] }, "true", true],
  ])("%j takes %j as %j", (schema, value, bent) => {
    expect(checkSchema(schema, value)).toEqual({ value: bent, problems: [], coerced: true });
  });
});

describe("everything else is a problem with its place", () => {
  test.each([
    [{ type: "integer" }, "3.5", "input: expected integer"],
    [{ type: "integer" }, "", "input: expected integer"],
    [{ type: "number" }, "1e999", "input: expected number"],
    [{ type: "boolean" }, "yes", "input: expected boolean"],
    [{ type: "string" }, { a: 1 }, "input: expected string"],
    [object({ a: {} }, { required: ["a"] }), {}, "a: missing"],
    [object({ path: {} }), { file: "x" }, "file: unknown field; known are path"],
    [object({ a: object({ b: { type: "integer" } }) }), { a: { b: [] } }, "a.b: expected integer"],
    [object({ a: { type: "array", items: { type: "integer" } } }), { a: [1, "x"] }, "a[1]: expected integer"],
    [{ type: "integer", exclusiveMinimum: 0 }, 0, "input: must be greater than 0"],
    [{ type: "string", minLength: 1 }, "", "input: minLength is 1"],
    [{ type: "string", pattern: "^a" }, "b", "input: does not match ^a"],
    [{ type: "array", maxItems: 1 }, [1, 2], "input: maxItems is 1"],
    [{ enum: ["a", "b"] }, "c", 'input: expected one of ["a","b"]'],
  ])("%j refuses %j: %s", (schema, value, problem) => {
    expect(checkSchema(schema, value).problems).toEqual([problem]);
  });
});

test("fields named like those of every object are ordinary fields", () => {
  const value: unknown = JSON.parse('{"__proto__": {"admin": true}, "constructor": 1}');
  expect(checkSchema(object({ a: {} }), value).problems).toHaveLength(2);
  const kept = checkSchema({ type: "object" }, value).value as object;
  expect(Object.getPrototypeOf(kept)).toBe(Object.prototype);
  expect(Object.keys(kept)).toEqual(["__proto__", "constructor"]);
});

test("any value against any simple schema: no exception, and a bent value fits as it is", () => {
  const leaf = fc.constantFrom({ type: "string" }, { type: "integer" }, { type: "boolean" }, { enum: ["a", "b"] });
  const schema = fc.oneof(
    leaf,
    leaf.map((items) => ({ type: "array", items })),
    fc.dictionary(fc.constantFrom("a", "b"), leaf).map((properties) => object(properties)),
  );
  fc.assert(
    fc.property(schema, fc.jsonValue(), (given, value) => {
      const first = checkSchema(given, value);
      if (first.problems.length > 0) return;
      expect(checkSchema(given, first.value)).toEqual({ value: first.value, problems: [], coerced: false });
    }),
    { numRuns: 500 },
  );
});

test("patterns and schemas that never end are given up", () => {
  const text = (pattern: string) => ({ type: "string", pattern });
  const long = `${"a".repeat(60)}!`;
  for (const pattern of ["^(a+)+$", "^(a|a)*$", "(a*)\\1*b", "a*a*a*a*a*a*b", "^(?:a{1,9}){1,9}$", "("])
    expect(checkSchema(text(pattern), long).problems).toEqual([]);
  expect(checkSchema(text("^[a-z]+-[0-9]+$"), "x-1!").problems).toEqual(["input: does not match ^[a-z]+-[0-9]+$"]);
  const twice = { $defs: { a: { anyOf: [{ $ref: "#/$defs/a" }, { $ref: "#/$defs/a" }] } }, $ref: "#/$defs/a" };
  expect(checkSchema(twice, "x").problems.length).toBeGreaterThan(0);
  const many = { type: "array", items: text("a+a+b") };
  expect(checkSchema(many, new Array(1_500).fill(long)).problems.length).toBeLessThan(1_500);
});
