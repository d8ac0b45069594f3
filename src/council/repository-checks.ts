/** Finds the commands by which a repository itself says whether work is right: suite, types, lint. */
import type { RepositoryCheck } from "../core/ports/council.ts";

/** Files whose text tells of checks, and paths that only have to be there; relative to the workspace. */
export const CHECK_FILES = ["package.json", "tsconfig.json", "pyproject.toml", "setup.cfg", "Makefile"] as const;
export const CHECK_PATHS = [
  ...["pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb", "node_modules/.bin/tsc"],
  ...["pytest.ini", "conftest.py", "tests/conftest.py", "test/conftest.py", ".venv/bin/python"],
  ...["Cargo.toml", "go.mod"],
] as const;

export interface RepositoryFacts {
  /** Text of those of `CHECK_FILES` that are there. */
  readonly files: Readonly<Partial<Record<(typeof CHECK_FILES)[number], string>>>;
  /** Those of `CHECK_PATHS` that are there. */
  readonly paths: ReadonlySet<string>;
}

export type CheckCommand = Pick<RepositoryCheck, "kind" | "command">;

const SCRIPTS: readonly (readonly [kind: RepositoryCheck["kind"], names: readonly string[]])[] = [
  ["test", ["test"]],
  ["types", ["typecheck", "type-check", "types", "check-types", "tsc"]],
  ["lint", ["lint"]],
];

/** What `npm init` writes where there is no suite. */
const NO_SUITE = /no test specified/;

/** At most one check of each kind for each language that is in use; ids are unique. */
export function repositoryChecks(facts: RepositoryFacts): readonly RepositoryCheck[] {
  const found = [...javascript(facts), ...python(facts), ...others(facts)];
  return named(found.length > 0 ? found : make(facts));
}

/** Checks with their ids: `test`, `types`, `lint`, then `test-2` and so on. */
export function named(checks: readonly CheckCommand[]): readonly RepositoryCheck[] {
  const counts = new Map<string, number>();
  return checks.map((check) => {
    const count = (counts.get(check.kind) ?? 0) + 1;
    counts.set(check.kind, count);
    return { ...check, id: count === 1 ? check.kind : `${check.kind}-${count}` };
  });
}

function javascript({ files, paths }: RepositoryFacts): CheckCommand[] {
  const scripts = scriptsOf(files["package.json"]);
  const run = runner(paths);
  const found = SCRIPTS.flatMap(([kind, names]): CheckCommand[] => {
    const name = names.find((each) => scripts[each] !== undefined && !NO_SUITE.test(scripts[each] ?? ""));
    return name === undefined ? [] : [{ kind, command: `${run} ${name}` }];
  });
  const typed = files["tsconfig.json"] !== undefined && paths.has("node_modules/.bin/tsc");
  if (!typed || found.some(({ kind }) => kind === "types")) return found;
  return [...found, { kind: "types", command: "npx --no-install tsc --noEmit -p ." }];
}

function scriptsOf(text: string | undefined): Readonly<Record<string, string>> {
  try {
    const { scripts } = JSON.parse(text ?? "{}") as { scripts?: unknown };
    const all = typeof scripts === "object" && scripts !== null ? Object.entries(scripts) : [];
    return Object.fromEntries(all.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  } catch {
    // A manifest that no runner can read names no check.
    return {};
  }
}

function runner(paths: ReadonlySet<string>): string {
  if (paths.has("pnpm-lock.yaml")) return "pnpm --silent run";
  if (paths.has("yarn.lock")) return "yarn run";
  return paths.has("bun.lock") || paths.has("bun.lockb") ? "bun run" : "npm run -s";
}

function python({ files, paths }: RepositoryFacts): CheckCommand[] {
  const named = ["pytest.ini", "conftest.py", "tests/conftest.py", "test/conftest.py"].some((path) => paths.has(path));
  const asked = /\bpytest\b/.test(`${files["pyproject.toml"] ?? ""}${files["setup.cfg"] ?? ""}`);
  if (!named && !asked) return [];
  const program = paths.has(".venv/bin/python") ? ".venv/bin/python" : "python3";
  return [{ kind: "test", command: `${program} -m pytest -q` }];
}

function others({ paths }: RepositoryFacts): CheckCommand[] {
  const cargo: CheckCommand[] = [
    { kind: "test", command: "cargo test --offline" },
    { kind: "types", command: "cargo check --offline" },
  ];
  const go: CheckCommand[] = [
    { kind: "test", command: "go test ./..." },
    { kind: "lint", command: "go vet ./..." },
  ];
  return [...(paths.has("Cargo.toml") ? cargo : []), ...(paths.has("go.mod") ? go : [])];
}

/** Only where nothing else is known: a Makefile mostly calls what was found already. */
function make({ files }: RepositoryFacts): CheckCommand[] {
  const has = (target: string) => new RegExp(`^${target}[ \\t]*:(?!=)`, "m").test(files.Makefile ?? "");
  const lint = ["lint", "check"].find(has);
  return [
    ...(has("test") ? [{ kind: "test", command: "make test" } as const] : []),
    ...(lint === undefined ? [] : [{ kind: "lint", command: `make ${lint}` } as const]),
  ];
}
