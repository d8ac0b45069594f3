/** `npm run test:protocols`: prints what the published suites and reference servers say of our protocol work. */
import { clientScenarios, EXPLAINED, referenceServers, suiteVersions } from "../test/protocols/suite.ts";

for (const version of suiteVersions()) console.log(version);
console.log("\nreference servers");
const servers = await referenceServers();
for (const { code, line } of servers) console.log(`  ${code === 0 ? "ok     " : "FAILED "} ${line}`);
console.log("\nMCP client scenarios");
const scenarios = await clientScenarios();
for (const { name, passed, counts } of scenarios) {
  const reason = EXPLAINED[name];
  console.log(
    `  ${passed ? "passed " : reason ? "differs" : "FAILED "} ${name}: ${counts}${passed ? "" : `\n          ${reason ?? "no reason is known"}`}`,
  );
}
const unexplained = scenarios.filter(({ name, passed }) => !passed && EXPLAINED[name] === undefined).length;
const passed = scenarios.filter((scenario) => scenario.passed).length;
console.log(
  `\n${passed} of ${scenarios.length} passed, ${scenarios.length - passed - unexplained} explained, ${unexplained} unexplained`,
);
process.exitCode = unexplained > 0 || servers.some(({ code }) => code !== 0) ? 1 : 0;
