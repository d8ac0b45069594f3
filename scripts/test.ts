/** All checks in one run: types, walls, lint, dead code, tests, merged coverage; ends with the counts. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { mergeCoverage } from "./coverage.ts";

const MIN_LINES = 85;
const root = resolve(import.meta.dirname, "..");
const long = process.argv.includes("--long");
const only = process.argv.slice(2).filter((word) => !word.startsWith("--"));

function step(name: string, command: string, args: readonly string[], env: Record<string, string> = {}): boolean {
  const started = performance.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return status === 0;
}

interface TestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: {
    name: string;
    status: string;
    message?: string;
    assertionResults: { status: string; fullName: string }[];
  }[];
}

rmSync(resolve(root, "coverage"), { recursive: true, force: true });
mkdirSync(resolve(root, "coverage/spawned"), { recursive: true });
let good = true;
if (only.length === 0) {
  good = step("types", "tsc", ["-p", "tsconfig.json"]) && good;
  good = step("walls", process.execPath, ["scripts/walls.ts", "--check"]) && good;
  good = step("parts", process.execPath, ["scripts/parts.ts", "--check"]) && good;
  good = step("lint", "biome", ["check", "--error-on-warnings", "."]) && good;
  good = step("dead code", "knip", []) && good;
}
const report = resolve(root, "coverage/tests.json");
const tests = step(
  "tests",
  "vitest",
  ["run", ...only, "--coverage", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
  {
    CRUCIBLE_TEST_COVERAGE: resolve(root, "coverage/spawned"),
    ...(long ? { CRUCIBLE_TEST_LONG: "1" } : {}),
  },
);
good = tests && good;

const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
  readFileSync(report, "utf8"),
) as TestReport;
const broken = testResults.filter(
  (file) => file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed"),
);
for (const file of testResults)
  for (const test of file.assertionResults)
    if (test.status === "pending" || test.status === "skipped") console.log(`skipped: ${test.fullName}`);
if (only.length === 0) {
  const { lines, files } = await mergeCoverage(
    root,
    resolve(root, "coverage/unit/coverage-final.json"),
    resolve(root, "coverage/spawned"),
  );
  for (const file of [...files].sort((a, b) => a.lines - b.lines).slice(0, 8))
    console.log(`  ${file.lines.toFixed(1).padStart(5)} %  ${file.file}`);
  console.log(
    `${lines >= MIN_LINES ? "ok    " : "FAILED"} coverage ${lines.toFixed(1)} % of lines of src/, unit tests and spawned programs merged (at least ${MIN_LINES})`,
  );
  good = lines >= MIN_LINES && good;
}
console.log(
  `${numPassedTests} passed, ${numFailedTests + broken.length} failed, ${numPendingTests + numTodoTests} skipped`,
);
process.exitCode = good ? 0 : 1;
