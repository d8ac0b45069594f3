/** Evidence: which commands are checks, and what is proved about the workspace at the end. */
import type { Event } from "../core/event.ts";
import type { ToolOutcome } from "../core/ports/gate.ts";
import type { CheckRun, Verification } from "../core/task.ts";

const RUNNERS = new Set(["npm", "pnpm", "yarn", "bun"]);

/** Options that turn a check into an edit, or into a look at what it would do. */
const NO_RUN =
  /^--?(?:fix|write|update|u|updateSnapshot|w|version|help|V|h|n|dry-run|just-print|recon|question|collect-only|co|list|listTests|list-tests|no-run|showConfig|print-config|init|watch)$/;

/** The kind of check that one command (name and words) is, or undefined. Commands that also repair are edits. */
export function checkKind(words: readonly string[]): CheckRun["check"] | undefined {
  const [first = "", ...rest] = words;
  const name = first.split("/").at(-1) ?? first;
  if (rest.some((word) => NO_RUN.test(word))) return undefined;
  if (RUNNERS.has(name)) return scriptKind(rest);
  if (name === "npx") return checkKind(rest.filter((word) => !/^--no(?:-install)?$/.test(word)));
  if (/^(?:python[\d.]*)$/.test(name)) {
    const module = rest[rest.indexOf("-m") + 1];
    return rest.includes("-m") && module
      ? toolKind(module)
      : rest.some((word) => /(?:^|[/_.])tests?[_./]|_test\.py$/.test(word))
        ? "test"
        : undefined;
  }
  if (name === "node")
    return rest.includes("--test") || rest.some((word) => /\.test\.[cm]?[jt]s$|(?:^|\/)tests?\//.test(word))
      ? "test"
      : undefined;
  if (name === "make" || name === "just") return scriptKind(rest);
  if (/^(?:cargo|go|mvn|gradle|dotnet|deno)$/.test(name))
    return verbKind(rest.find((word) => !word.startsWith("-")) ?? "");
  return toolKind(name);
}

function scriptKind(words: readonly string[]): CheckRun["check"] | undefined {
  const verb =
    words.filter((word) => !word.startsWith("-")).find((word) => word !== "run" && word !== "run-script") ?? "";
  if (/^(?:t|tst)$|(?:^|[:_.-])(?:unit|integration|e2e)?-?(?:tests?|specs?)(?:$|[:_.-])/.test(verb)) return "test";
  if (/(?:^|[:_.-])(?:types?|typecheck|type-check|tsc)(?:$|[:_.-])/.test(verb)) return "types";
  if (/(?:^|[:_.-])(?:lint|check|verify|validate)(?:$|[:_.-])/.test(verb)) return "lint";
  return /(?:^|[:_.-])(?:build|compile)(?:$|[:_.-])/.test(verb) ? "build" : undefined;
}

function verbKind(verb: string): CheckRun["check"] | undefined {
  if (/^(?:test|t|nextest)$/.test(verb)) return "test";
  if (/^(?:check|c)$/.test(verb)) return "types";
  if (/^(?:clippy|vet|lint)$/.test(verb)) return "lint";
  return /^(?:build|compile|b)$/.test(verb) ? "build" : undefined;
}

function toolKind(name: string): CheckRun["check"] | undefined {
  if (/^(?:pytest|py\.test|unittest|vitest|jest|mocha|tox|nox|rspec|phpunit|ctest|doctest)$/.test(name)) return "test";
  if (/^(?:tsc|mypy|pyright|vue-tsc)$/.test(name)) return "types";
  return /^(?:eslint|biome|ruff|flake8|pylint|clippy)$/.test(name) ? "lint" : undefined;
}

/**
 * The check that a finished shell call was. Counts only when the exit code is the check's own:
 * it stands last, after `&&` at most, without pipe, `||`, `;` or `&`.
 */
export function checkRunOf(outcome: ToolOutcome, clock: number, callId: string): CheckRun | undefined {
  const exitCode = outcome.details?.["exitCode"];
  const last = outcome.shell?.commands.at(-1);
  if (typeof exitCode !== "number" || !last || !outcome.shell?.exitIsLast) return undefined;
  const kind = checkKind(last);
  return kind ? { check: kind, command: last.join(" "), exitCode, clock, callId } : undefined;
}

/** True when a shell call that may have changed files was more than a check: it moves the edit clock. */
export function editsBeyondCheck(outcome: ToolOutcome): boolean {
  if (outcome.readOnly || !outcome.shell) return false;
  if (outcome.shell.redirects) return true;
  return outcome.shell.commands.some(
    (words) =>
      !checkKind(words) && !/^(?:cd|pushd|echo|true|time|timeout|env|nice|ls|cat|pwd|test|\[)$/.test(words[0] ?? ""),
  );
}

/** What the runs of these events prove. `clock` is the edit clock now, `start` what it was before the first edit. */
export function verify(events: readonly Event[], clock: number, start: number): Verification {
  const newest = new Map<string, CheckRun>();
  for (const event of events) {
    if (event.kind !== "check-run" || event.clock !== clock) continue;
    const { check, command, exitCode, callId } = event;
    newest.set(command, { check, command, exitCode, clock, callId });
  }
  const list = [...newest.values()];
  const failed = list.filter((run) => run.exitCode !== 0);
  const cite = (run: CheckRun) => `\`${run.command}\` exit ${run.exitCode}`;
  if (list.length > 0) {
    const status = failed.length > 0 ? "failed" : "passed";
    return {
      changed: clock !== start,
      status,
      runs: list,
      text: `${status === "passed" ? "verified" : "checks failed"} since the last edit: ${list.map(cite).join(", ")}`,
    };
  }
  if (clock === start) return { changed: false, status: "unchanged", runs: [], text: "" };
  return { changed: true, status: "not-verified", runs: [], text: "not verified since the last edit" };
}
