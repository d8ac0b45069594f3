/** Protocol conformance: no scenario fails without a reason, and no reason outlives its failure. */
import { describe, expect, test } from "vitest";
import { lacking } from "../sandbox/machine.ts";
import { clientScenarios, EXPLAINED, referenceServers, suiteVersions } from "./suite.ts";

test("client scenarios of the conformance suite", { timeout: 180_000 }, async () => {
  const results = await clientScenarios();
  expect(results.length).toBeGreaterThan(20);
  const failed = results.filter(({ passed }) => !passed).map(({ name }) => name);
  expect(failed).toEqual(Object.keys(EXPLAINED).sort());
});

test("the suites are pinned", () => {
  expect(suiteVersions()).toEqual([
    "@modelcontextprotocol/conformance 0.1.16",
    "@modelcontextprotocol/server-everything 2026.8.31",
    "@modelcontextprotocol/server-filesystem 2026.8.31",
  ]);
});

describe.skipIf(lacking() !== undefined)("reference servers", () => {
  test("start confined and tell what they have", async () => {
    const results = await referenceServers();
    expect(results.map(({ name, code }) => [name, code])).toEqual([
      ["everything", 0],
      ["filesystem", 0],
    ]);
    expect(results[0]?.line).toMatch(/protocol 2025-11-25, ready in \d+ ms: 1\d tools, \d+ resources, \d+ prompts/);
    expect(results[1]?.line).toMatch(/14 tools, 0 resources, 0 prompts/);
  });
});
