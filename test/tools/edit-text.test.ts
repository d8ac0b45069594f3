import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { editDistance } from "../../src/base/text.ts";
import { boundedDistance } from "../../src/tools/lib/distance.ts";
import { editText } from "../../src/tools/lib/edit-text.ts";

const EOLS = { LF: "\n", CRLF: "\r\n", mixed: "mixed" } as const;
const MARKS = { "no BOM": "", BOM: "\ufeff" } as const;
const BLOCK = ["    if (ready) {", "        start();", "    }"];
const NEW = ["    if (ready) {", "        stop();", "    }"];

/** How the model writes a block that stands in the file with four-space steps. */
const WRITTEN: Record<string, (lines: readonly string[]) => string> = {
  exact: (lines) => lines.join("\n"),
  tabs: (lines) => lines.map((line) => line.replaceAll("    ", "\t")).join("\n"),
  "wrong indent": (lines) => lines.map((line) => line.slice(4)).join("\n"),
  "line numbers": (lines) => lines.map((line, index) => `${String(index + 2).padStart(5)}\t${line}`).join("\n"),
};

function file(eol: keyof typeof EOLS, copies: number): { text: string; expected: (times: number) => string } {
  const join = (lines: readonly string[]) =>
    lines.map((line, index) => line + (eol === "mixed" ? (index % 2 ? "\n" : "\r\n") : EOLS[eol])).join("");
  const lines = (times: number) => {
    const body = ["function run() {"];
    for (let copy = 0; copy < copies; copy++) body.push(...(copy < times ? NEW : BLOCK), `    between(${copy});`, "");
    return [...body, "}"];
  };
  return { text: join(lines(0)), expected: (times) => join(lines(times)) };
}

/** In a mixed file the replaced lines take the line end of the place; only the rest is fixed. */
const flat = (text: string) => text.replaceAll("\r\n", "\n");

describe.each(Object.keys(EOLS) as (keyof typeof EOLS)[])("%s", (eol) => {
  describe.each(Object.entries(MARKS))("%s", (_name, mark) => {
    describe.each(Object.entries(WRITTEN))("%s", (_how, written) => {
      test.each([0, 1, 2])("%i places, single and all", (copies) => {
        const { text, expected } = file(eol, copies);
        const edit = { old: written(BLOCK), new: written(NEW) };
        const same = (result: string, times: number) =>
          eol === "mixed"
            ? expect(flat(result)).toBe(flat(mark + expected(times)))
            : expect(result).toBe(mark + expected(times));
        const single = editText(mark + text, [edit]);
        const all = editText(mark + text, [{ ...edit, all: true }]);
        expect(single.ok).toBe(copies === 1);
        expect(all.ok).toBe(copies > 0);
        if (single.ok) same(single.text, 1);
        if (all.ok) same(all.text, copies);
        if (!single.ok) expect(single.problem).toContain(copies === 0 ? "not in the file" : "2 times");
      });
    });
  });
});

test("a file indented with tabs keeps tabs when the model writes spaces", () => {
  const text = "class A {\n\trun() {\n\t\tone();\n\t}\n}\n";
  const outcome = editText(text, [
    {
      old: "    run() {\n        one();\n    }",
      new: "    run() {\n        if (x) {\n            one();\n        }\n    }",
    },
  ]);
  expect(outcome).toEqual({
    ok: true,
    stages: ["normalised"],
    text: "class A {\n\trun() {\n\t\tif (x) {\n\t\t\tone();\n\t\t}\n\t}\n}\n",
  });
});

test("one line with the wrong indentation", () => {
  expect(editText("a {\n    b: 1,\n}\n", [{ old: "  b: 1,\n", new: "  b: 2,\n" }])).toMatchObject({
    ok: true,
    text: "a {\n    b: 2,\n}\n",
  });
});

test("nearly right text is found when it is the only such place, and refused when two are near", () => {
  const text = "first line here\nconst limit = computeTheLimit(options.maximum);\nlast line here\n";
  const old = "const limit = computeTheLimits(options.maximum);";
  expect(editText(text, [{ old, new: "const limit = 5;" }])).toEqual({
    ok: true,
    stages: ["fuzzy"],
    text: "first line here\nconst limit = 5;\nlast line here\n",
  });
  const twice = text + text.replace("computeTheLimit", "computeTheLimit2");
  expect(editText(twice, [{ old, new: "const limit = 5;" }])).toMatchObject({ ok: false });
  expect(editText(text, [{ old: "const limit = somethingElse(entirely);", new: "x" }])).toMatchObject({ ok: false });
  expect(editText(text, [{ old, new: "x", all: true }])).toMatchObject({ ok: false });
});

test("edits are applied in order and all or none", () => {
  expect(
    editText("a b c", [
      { old: "a", new: "b" },
      { old: "b b", new: "d" },
    ]),
  ).toMatchObject({ ok: true, text: "d c" });
  expect(
    editText("a b c", [
      { old: "a", new: "x" },
      { old: "zzz", new: "y" },
    ]),
  ).toMatchObject({ ok: false, index: 1 });
  expect(editText("a", [{ old: "", new: "y" }])).toMatchObject({ ok: false });
  expect(editText("a", [{ old: "a", new: "a" }])).toMatchObject({ ok: false });
  expect(editText("aaa", [{ old: "aa", new: "b" }])).toMatchObject({ ok: false });
  expect(editText("aaa", [{ old: "aa", new: "b", all: true }])).toMatchObject({ ok: true, text: "ba" });
});

test("dollar signs and backslashes are text (no replacement patterns)", () => {
  expect(editText("x = 1;", [{ old: "1", new: "$& $1 \\n $$" }])).toMatchObject({
    ok: true,
    text: "x = $& $1 \\n $$;",
  });
});

test("a table that starts with numbers and tabs is matched as it stands", () => {
  expect(editText("1\tone\n2\ttwo\n", [{ old: "1\tone", new: "1\tuno" }])).toMatchObject({
    ok: true,
    stages: ["exact"],
    text: "1\tuno\n2\ttwo\n",
  });
});

test("the refusal shows where the text begins to differ", () => {
  const outcome = editText("a();\nb();\nc();\n", [{ old: "a();\nx_totally_other();\n", new: "" }]);
  expect(outcome).toMatchObject({ ok: false, problem: expect.stringContaining("line 1") as string });
});

test("an exact edit changes only its place, byte for byte", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", " ", "\t", "\n", "\r\n", "é", "😀", "1"), maxLength: 60 });
  void fc.assert(
    fc.property(text, text, text, fc.string({ maxLength: 10 }), (before, old, after, replacement) => {
      const whole = before + old + after;
      fc.pre(
        old !== "" &&
          whole.indexOf(old) === whole.lastIndexOf(old) &&
          !/[\r\n]/.test(replacement) &&
          old !== replacement,
      );
      fc.pre(!(old.startsWith("\n") && before.endsWith("\r")) && !(old.endsWith("\r") && after.startsWith("\n")));
      expect(editText(whole, [{ old, new: replacement }])).toEqual({
        ok: true,
        stages: ["exact"],
        text: before + replacement + after,
      });
    }),
    { numRuns: 500 },
  );
});

test("the bounded distance equals the full one up to its limit", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 14 });
  void fc.assert(
    fc.property(word, word, fc.nat(8), (a, b, limit) => {
      expect(boundedDistance(a, b, limit)).toBe(Math.min(editDistance(a, b), limit + 1));
    }),
    { numRuns: 500 },
  );
});
