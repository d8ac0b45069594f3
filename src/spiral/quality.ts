/** How good a change is: what ran, weighted. Nothing that is written about it counts. */
import type { Quality, QualityCheck } from "../core/spiral.ts";

/** What each kind of check is worth; a kind with several checks shares its weight among them. */
const WEIGHTS: Readonly<Record<QualityCheck["kind"], number>> = { suite: 4, acceptance: 4, types: 1, lint: 1 };

/** Checks that could not run are not known, nor is one that a voice wrote and that passed before any change; without a suite and without acceptance checks nothing is. */
export function qualityOf(checks: readonly QualityCheck[], findings: readonly string[]): Quality {
  const known = checks.filter(
    ({ before, after, generated }) =>
      after === "fail" || (after === "pass" && !(generated === true && before === "pass")),
  );
  // A suite that hangs now is as broken as one that fails.
  const broken = checks.filter(({ before, after }) => before === "pass" && after !== "pass").map(({ title }) => title);
  const tells = known.some(({ kind }) => kind === "suite" || kind === "acceptance");
  if (!tells) return { value: null, checks, broken, findings };
  let passed = 0;
  let total = 0;
  for (const [kind, weight] of Object.entries(WEIGHTS)) {
    const own = known.filter((check) => check.kind === kind);
    if (own.length === 0) continue;
    total += weight;
    passed += (weight * own.filter(({ after }) => after === "pass").length) / own.length;
  }
  return { value: passed / total, checks, broken, findings };
}

/** Good enough to be put into the workspace: nothing worse than before, nothing dangerous, and most of what is known passes. */
export function isAccepted({ value, broken, findings }: Quality, threshold: number): boolean {
  return value !== null && value >= threshold && broken.length === 0 && findings.length === 0;
}

/** What a further loop has to mend, with the end of what ran. */
export function lacks({ checks, broken, findings }: Quality): string[] {
  const failing = checks.filter(({ before, after }) => after === "fail" || (before === "pass" && after !== "pass"));
  return [
    ...failing.map(
      ({ title, command, output, after }) =>
        `${title} ${after === "fail" ? "fails" : `ends with ${after}`}${broken.includes(title) ? " and passed before" : ""} ($ ${command}):\n${lastLines(output)}`,
    ),
    ...findings.map((finding) => `refused by the guard: ${finding}`),
  ];
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-20).join("\n");
}
