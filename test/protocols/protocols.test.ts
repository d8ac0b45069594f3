/** Protocol conformance: no scenario fails without a reason, and no reason outlives its failure. */
import { describe, expect, test } from "vitest";
import { lacking } from "../sandbox/machine.ts";
import { fixtureScenarios, realScenarios, SERVER_EXPLAINED, SERVER_WARNINGS } from "./server-suite.ts";
import { clientScenarios, EXPLAINED, referenceServers, suiteVersions } from "./suite.ts";

test("client scenarios of the conformance suite", { timeout: 180_000 }, async () => {
  const results = await clientScenarios();
  expect(results.length).toBeGreaterThan(20);
  const failed = results.filter(({ passed }) => !passed).map(({ name }) => name);
  expect(failed).toEqual(Object.keys(EXPLAINED).sort());
});

test("server scenarios of the conformance suite: our plumbing with the suite's tools, and the real server", {
  timeout: 180_000,
}, async () => {
  const [fixture, real] = await Promise.all([fixtureScenarios(), realScenarios()]);
  expect(fixture.length).toBeGreaterThan(30);
  const failed = fixture.filter(({ passed }) => !passed).map(({ name }) => name);
  expect(failed).toEqual(Object.keys(SERVER_EXPLAINED).sort());
  const empty = fixture.filter(({ passed, counts }) => passed && counts.startsWith("0 passed")).map(({ name }) => name);
  expect(empty).toEqual(Object.keys(SERVER_WARNINGS).sort());
  expect(real).toHaveLength(4);
  expect(real.filter(({ passed }) => !passed)).toEqual([]);
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
