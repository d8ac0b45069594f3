/** Evidence: every check on every candidate and on the workspace as it is, and which of them say anything. */
import type { CouncilCheck, CouncilEvidence, CouncilReportCheck } from "../core/council.ts";
import type { CheckResult, RepositoryCheck } from "../core/ports/council.ts";
import type { Answer } from "./ask-voices.ts";
import type { Candidates, Run } from "./candidates.ts";

/** Longest run of a repository's check and of one that a voice wrote (milliseconds). */
const GATE_MS = 600_000;
const CHECK_MS = 60_000;

/** A check that can be run. */
export interface Checking extends CouncilCheck {
  readonly title: string;
  readonly run: Run;
  readonly kind?: RepositoryCheck["kind"];
  /** The gate of which this is the run with the tests as they were. */
  readonly before?: string;
}

export function gatesOf(checks: readonly RepositoryCheck[]): Checking[] {
  return checks.map(({ id, kind, command }) => ({
    id,
    author: "repo",
    trust: "repo",
    kind,
    title: kind === "test" ? "the repository's tests" : kind === "types" ? "type check" : "lint",
    run: { id, title: command, command, timeoutMs: GATE_MS },
  }));
}

type Written = {
  readonly title?: string;
  readonly path?: string;
  readonly content?: string;
  readonly command?: string;
};

/** Checks that voices wrote from the task alone. */
export function writtenChecks(answers: readonly Answer[], round: string): Checking[] {
  return answers.flatMap(({ voice, value }) => {
    const { checks = [] } = (value ?? {}) as { checks?: readonly Written[] };
    return checks.flatMap((check, index) => checkOf(check, { voice, id: `${round}/${voice}/${index + 1}` }));
  });
}

export function checkOf(written: Written, { voice, id }: { voice: string; id: string }): Checking[] {
  const { title = "", path = "", content = "", command = "" } = written;
  if (command.trim() === "") return [];
  const files = path.trim() === "" ? {} : { files: [{ path: path.trim(), content }] };
  const name = title.trim() || command.trim();
  const run = { id, title: name, command: command.trim(), timeoutMs: CHECK_MS, ...files };
  return [{ id, author: voice, trust: "generated", title: name, run }];
}

/** Results by check and candidate; `base` is the workspace without any proposal. */
export class Evidence {
  readonly #results = new Map<string, Map<string, CheckResult | "flaky">>();
  readonly #checks: Checking[] = [];
  readonly #vetoers: ReadonlySet<string>;

  /** `vetoers`: what they show by a run is a gate. */
  constructor(vetoers: ReadonlySet<string> = new Set()) {
    this.#vetoers = vetoers;
  }

  /** Runs what has not run yet: a wrong patch must fail where a right one passes, whoever wrote the check. */
  async gather(candidates: Candidates, checks: readonly Checking[]): Promise<void> {
    for (const check of checks) if (!this.#checks.some(({ id }) => id === check.id)) this.#checks.push(check);
    if (candidates.all.some(({ id }) => candidates.changesTests(id))) this.#addAsBefore();
    // The repository's own first: a command that a voice wrote runs in the same copy, and must not come before them.
    const ordered = this.#checks.toSorted((a, b) => Number(a.trust === "generated") - Number(b.trust === "generated"));
    for (const check of ordered) {
      const results = this.#results.get(check.id) ?? new Map<string, CheckResult | "flaky">();
      this.#results.set(check.id, results);
      for (const on of ["base", ...candidates.all.map(({ id }) => id)]) {
        if (results.has(on)) continue;
        if (check.before !== undefined && (on === "base" || !candidates.changesTests(on))) {
          const same = this.#results.get(check.before)?.get(on);
          if (same !== undefined) results.set(on, same);
          continue;
        }
        const first = await candidates.run(on, check.run);
        if (!first) continue;
        results.set(on, await confirmed(candidates, check, { on, first }));
      }
    }
  }

  /** A patch that changes a test must not be its own judge: where one passes the tests as they were, all must. */
  #addAsBefore(): void {
    const tests = this.#checks.filter(({ trust, kind, before }) => trust === "repo" && kind === "test" && !before);
    for (const test of tests) {
      const id = `${test.id}/as-before`;
      if (this.#checks.some((check) => check.id === id)) continue;
      const run: Run = { ...test.run, id, asBefore: true };
      this.#checks.push({ ...test, id, title: `${test.title} as they were`, before: test.id, run });
    }
  }

  get checks(): readonly Checking[] {
    return this.#checks;
  }

  outcome(check: string, on: string): CouncilEvidence["outcome"] | undefined {
    const result = this.#results.get(check)?.get(on);
    return result === "flaky" ? "flaky" : result?.outcome;
  }

  output(check: string, on: string): string {
    const result = this.#results.get(check)?.get(on);
    return result === undefined || result === "flaky" ? "" : result.output;
  }

  /** Why a check says nothing of these candidates; undefined when it does. */
  silent({ id, trust, kind, before }: Checking, options: readonly string[]): string | undefined {
    const seen = options.map((option) => this.outcome(id, option)).filter((outcome) => outcome !== undefined);
    if (seen.length === 0) return "it did not run";
    if (seen.every((outcome) => outcome === "error")) return "it could not run";
    if (before !== undefined && !seen.includes("pass")) return "no proposal passes it: the tests are to change";
    const base = this.outcome(id, "base");
    const all = (wanted: string) => seen.every((outcome) => outcome === wanted);
    if (trust === "generated" && base === "pass" && all("pass")) return "it passes without any change";
    if (trust === "generated" && all("fail") && base === "fail" && options.length > 1) return "every proposal fails it";
    if (kind !== undefined && kind !== "test" && base === "fail" && all("fail")) return "it failed before";
    return undefined;
  }

  /** A finding of security is a veto only when it runs and held before: a danger that the patch brings. Others are votes. */
  #trustOf({ id, author, trust }: Checking): CouncilCheck["trust"] {
    const veto = trust === "generated" && this.#vetoers.has(author) && this.outcome(id, "base") === "pass";
    return veto ? "user" : trust;
  }

  /** What counts, as the engine takes it. */
  counted(options: readonly string[]): { checks: CouncilCheck[]; evidence: CouncilEvidence[] } {
    const telling = this.#checks.filter((check) => this.silent(check, options) === undefined);
    const checks = telling.map((check) => ({
      id: check.id,
      author: check.author,
      trust: this.#trustOf(check),
    }));
    const evidence = telling.flatMap(({ id }) =>
      options.flatMap((option) => {
        const outcome = this.outcome(id, option);
        return outcome === undefined ? [] : [{ checkId: id, proposalId: option, outcome }];
      }),
    );
    return { checks, evidence };
  }

  /** Every check with what became of it. */
  report(options: readonly string[]): { checks: CouncilReportCheck[]; evidence: CouncilEvidence[] } {
    const evidence = this.#checks.flatMap(({ id }) =>
      options.flatMap((option) => {
        const outcome = this.outcome(id, option);
        return outcome === undefined ? [] : [{ checkId: id, proposalId: option, outcome }];
      }),
    );
    const checks = this.#checks.map((check): CouncilReportCheck => {
      const { id, author, title, run } = check;
      const trust = this.#trustOf(check);
      const base = this.outcome(id, "base");
      const dropped = this.silent(check, options);
      const failing = options.find((option) => this.outcome(id, option) === "fail");
      const output = failing === undefined ? "" : this.output(id, failing);
      return {
        id,
        author,
        trust,
        title,
        command: run.command,
        ...(base === undefined ? {} : { base }),
        ...(dropped === undefined ? {} : { dropped }),
        ...(output === "" ? {} : { output }),
      };
    });
    return { checks, evidence };
  }
}

/** A failure is only believed when it happens twice: what differs from run to run says nothing. */
async function confirmed(
  candidates: Candidates,
  check: Checking,
  { on, first }: { on: string; first: CheckResult },
): Promise<CheckResult | "flaky"> {
  if (first.outcome !== "fail" || on === "base") return first;
  const again = await candidates.run(on, {
    ...check.run,
    id: `${check.run.id}/again`,
    title: `${check.run.title} (again)`,
  });
  return again === undefined || again.outcome === first.outcome ? first : "flaky";
}
