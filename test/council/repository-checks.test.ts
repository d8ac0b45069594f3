import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkKind } from "../../src/agent/evidence.ts";
import {
  CHECK_FILES,
  CHECK_PATHS,
  type RepositoryFacts,
  repositoryChecks,
} from "../../src/council/repository-checks.ts";
import { readFacts } from "../../src/sandbox/check-facts.ts";
import { copiesKit } from "../kit/copies.ts";
import { writeFiles } from "../kit/repositories.ts";
import { tempFolder } from "../kit/temp.ts";

const facts = (files: RepositoryFacts["files"], ...paths: string[]): RepositoryFacts => ({
  files,
  paths: new Set(paths),
});
const scripts = (all: Record<string, string>) => ({ "package.json": JSON.stringify({ scripts: all }) });
const commands = (given: RepositoryFacts) => repositoryChecks(given).map(({ id, command }) => `${id}: ${command}`);

const CASES: readonly (readonly [string, RepositoryFacts, readonly string[]])[] = [
  [
    "scripts",
    facts(scripts({ test: "vitest", "type-check": "tsc", lint: "biome", "test:long": "x" })),
    ["test: npm run -s test", "types: npm run -s type-check", "lint: npm run -s lint"],
  ],
  ["no suite", facts(scripts({ test: 'echo "Error: no test specified" && exit 1' })), []],
  ["pnpm", facts(scripts({ test: "x" }), "pnpm-lock.yaml"), ["test: pnpm --silent run test"]],
  ["yarn", facts(scripts({ lint: "x" }), "yarn.lock"), ["lint: yarn run lint"]],
  ["bun", facts(scripts({ types: "x" }), "bun.lock"), ["types: bun run types"]],
  [
    "a compiler that is there",
    facts({ ...scripts({ test: "x" }), "tsconfig.json": "{}" }, "node_modules/.bin/tsc"),
    ["test: npm run -s test", "types: npx --no-install tsc --noEmit -p ."],
  ],
  ["a compiler that is not there", facts({ "tsconfig.json": "{}" }), []],
  ["pytest by name", facts({ "pyproject.toml": "[tool.pytest.ini_options]" }), ["test: python3 -m pytest -q"]],
  ["pytest by file", facts({}, "tests/conftest.py", ".venv/bin/python"), ["test: .venv/bin/python -m pytest -q"]],
  [
    "two languages",
    facts({}, "Cargo.toml", "go.mod"),
    ["test: cargo test --offline", "types: cargo check --offline", "test-2: go test ./...", "lint: go vet ./..."],
  ],
  [
    "a Makefile",
    facts({ Makefile: "CHECK := 1\ntest: all\n\t./t\nlint:\n\t./l\ncheck:\n" }),
    ["test: make test", "lint: make lint"],
  ],
  [
    "a Makefile that calls scripts",
    facts({ ...scripts({ test: "x" }), Makefile: "test:\n" }),
    ["test: npm run -s test"],
  ],
  ["a broken manifest", facts({ "package.json": "{", Makefile: "check:\n" }), ["lint: make check"]],
  ["scripts of the wrong form", facts({ "package.json": '{"scripts": {"test": 1}}' }), []],
];

describe("the checks of a repository", () => {
  test.each(CASES)("%s", (_name, given, wanted) => {
    expect(commands(given)).toEqual(wanted);
  });

  test("are known as such when the agent runs them", () => {
    for (const { kind, command } of CASES.flatMap(([, given]) => repositoryChecks(given)))
      expect([command, checkKind(command.split(" "))]).toEqual([command, kind]);
  });
});

test("facts are read from plain files only", () => {
  using temp = tempFolder();
  writeFiles(temp.path, { "package.json": "{}", "go.mod": "", "x/tsconfig.json": "{}" });
  symlinkSync("x/tsconfig.json", join(temp.path, "tsconfig.json"));
  mkdirSync(join(temp.path, "Makefile"));
  writeFileSync(join(temp.path, "yarn.lock"), "");
  const found = readFacts(temp.path, CHECK_FILES, CHECK_PATHS);
  expect(found.files).toEqual({ "package.json": "{}" });
  expect([...found.paths].sort()).toEqual(["go.mod", "yarn.lock"]);
});

test("the configuration names others instead", async () => {
  const files = { "package.json": '{"scripts": {"test": "x"}}' };
  await using found = await copiesKit({ files });
  expect(found.port.checks()).toEqual([{ id: "test", kind: "test", command: "npm run -s test" }]);
  const own = [{ kind: "lint", command: "./lint" }];
  await using kit = await copiesKit({ files, flags: { "council.checks": own } });
  expect(kit.port.checks()).toEqual([{ id: "lint", kind: "lint", command: "./lint" }]);
});
