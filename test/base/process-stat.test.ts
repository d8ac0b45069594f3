import { expect, test } from "vitest";
import { processStart } from "../../src/base/process-stat.ts";

const stat = (state: string) =>
  `123 (a) b) c) ${state} ${Array.from({ length: 18 }, (_, at) => at + 1).join(" ")} 4711 0 0`;

test("the start time stands after a name that may hold anything; a process that has ended has none", () => {
  expect(processStart(stat("S"))).toBe("4711");
  expect(processStart(stat("R"))).toBe("4711");
  expect(processStart(stat("Z"))).toBe("");
  expect(processStart("")).toBe("");
});
