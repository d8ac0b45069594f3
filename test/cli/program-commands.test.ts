/** Slash commands that hand on to a command of the program name one that is there. */
import { expect, test } from "vitest";
import { programCommands } from "../../src/cli/slash/program.ts";
import type { Talk } from "../../src/cli/slash/slash.ts";
import { journey } from "../kit/journey.ts";

/** Command lines that a slash command would run. */
async function linesOf(name: string, words: string): Promise<string[][]> {
  const lines: string[][] = [];
  const talk = { program: async (...line: string[]) => void lines.push(line), say: () => undefined } as unknown as Talk;
  await programCommands[name]?.run(words, talk);
  return lines;
}

test.each([
  ["models", ""],
  ["voices", ""],
  ["voices", "show security"],
  ["route", ""],
  ["route", "rename a variable, please"],
  ["sandbox", ""],
  ["trust", ""],
  ["approvals", ""],
  ["audit", ""],
  ["audit", "verify"],
  ["status", ""],
  ["stats", ""],
  ["doctor", ""],
  ["mcp", ""],
  ["login", ""],
  ["login", "nobody"],
  ["logout", "nobody"],
  ["config", ""],
  ["config", "get style"],
  ["bug", ""],
])("/%s %s", { timeout: 60_000 }, async (name, words) => {
  await using setting = await journey({ script: [] });
  const lines = await linesOf(name, words);
  expect(lines).toHaveLength(1);
  const run = await setting.run(lines[0] ?? []);
  expect(run.stderr).not.toMatch(/unknown (?:command|option)|missing required|too many arguments/);
  expect(run.stdout + run.stderr).not.toBe("");
  // A server that is not there is told, a command line that is wrong ends with 2.
  expect(run.stderr.includes("nobody") || run.code !== 2).toBe(true);
});
