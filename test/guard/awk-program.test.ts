import { describe, expect, it } from "vitest";
import { readAwk } from "../../src/guard/shell/commands/awk-program.ts";

describe("an awk program", () => {
  it.each([
    ['BEGIN{print "x",\n"y" > "out"}', ["out"]],
    ['BEGIN{print "x" \\\n > "out"}', ["out"]],
    ['BEGIN{print "a" &&\n 1 >> "out"}', ["out"]],
    ['{print /"/ > "out"; y="/"}', ["out"]],
    ['{x = $1 /"/; print "a" > "out"; y="/"}', undefined],
    ['{print > "a"; print > "b"}', ["a", "b"]],
    ['/a\\/"/{print > "out"}', ["out"]],
    ["$3 > 5 {print $1}", []],
    ["{ if ($1 > max) max = $1 } END { print max }", []],
    ["{ print ($1 > 2) }", []],
    ["$1 ~ /a|b/ || /c/ {print $2 / 2}", []],
    ['{ n = split($2, p, "/"); print p[n], (a + b) / 2 }', []],
  ])("writes what it writes: %j", (program, writes) => {
    const reading = readAwk(program);
    expect(reading.opaque === undefined ? reading.writes : undefined).toEqual(writes);
  });

  it.each([
    'BEGIN { print > ("out") }',
    '{ print > "a" "b" }',
    "{ print $0 > $1 }",
    "{ print > FILENAME }",
    '{ print | "sh" }',
    '{ print |& "sh" }',
    '{if (x) /"/; print "a" > "out"; y="/"}',
    '{ x++ /"/ > "out" /"/ }',
    'BEGIN { print > "a\\x2fb" }',
    "/[/]/{print}",
    'BEGIN{system("id")}',
    "BEGIN{print ENVIRON[1]}",
    'BEGIN{while (("id" | getline x) > 0) print x}',
    'BEGIN{@f("x")}',
    "{print `x`}",
    'BEGIN{print "open',
  ])("is not understood: %j", (program) => {
    expect(readAwk(program).opaque).toBeDefined();
  });
});
