/** `npm run test:protocols`: prints what the published suites and reference servers say of our protocol work. */
import { fixtureScenarios, realScenarios, SERVER_EXPLAINED, SERVER_WARNINGS } from "../test/protocols/server-suite.ts";
import {
  clientScenarios,
  EXPLAINED,
  referenceServers,
  type ScenarioResult,
  suiteVersions,
} from "../test/protocols/suite.ts";

for (const version of suiteVersions()) console.log(version);
console.log("\nreference servers");
const servers = await referenceServers();
for (const { code, line } of servers) console.log(`  ${code === 0 ? "ok     " : "FAILED "} ${line}`);
/** Prints one list; gives how many failed without a reason. */
function tell(title: string, results: readonly ScenarioResult[], explained: Readonly<Record<string, string>>): number {
  console.log(`\n${title}`);
  for (const { name, passed, counts } of results) {
    const reason = explained[name] ?? (passed ? SERVER_WARNINGS[name] : undefined);
    const state = passed ? "passed " : reason ? "differs" : "FAILED ";
    const why = passed && reason === undefined ? "" : `\n          ${reason ?? "no reason is known"}`;
    console.log(`  ${state} ${name}: ${counts}${why}`);
  }
  const passed = results.filter((scenario) => scenario.passed).length;
  const lost = results.filter(({ name, passed: good }) => !good && explained[name] === undefined).length;
  console.log(
    `${passed} of ${results.length} passed, ${results.length - passed - lost} explained, ${lost} unexplained`,
  );
  return lost;
}

const unexplained =
  tell("MCP client scenarios", await clientScenarios(), EXPLAINED) +
  tell("MCP server scenarios, our plumbing with the suite's tools", await fixtureScenarios(), SERVER_EXPLAINED) +
  tell("MCP server scenarios, crucible mcp serve", await realScenarios(), {});
process.exitCode = unexplained > 0 || servers.some(({ code }) => code !== 0) ? 1 : 0;
