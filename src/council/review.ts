/** A change read by many duties: every defect they name is kept, and says what stands behind it. */
import type { Claim, CouncilCheck, CouncilEvidence, CouncilReportCheck } from "../core/council.ts";
import type { Finding } from "../core/review.ts";
import { type Answer, askVoices } from "./ask-voices.ts";
import { type Checking, checkOf } from "./evidence.ts";
import { findings } from "./findings.ts";
import { DEFECTS_FORM } from "./forms.ts";
import type { Sitting } from "./sitting.ts";

const REVIEW_TOKENS = 1_400;

/** Runs a check on the change as it is (`after`) and on the code before it; undefined where nothing can be run. */
export type RunBoth = (
  check: Checking,
) => Promise<
  | { readonly before: CouncilEvidence["outcome"]; readonly after: CouncilEvidence["outcome"]; readonly output: string }
  | undefined
>;

export interface ReviewFinding {
  readonly findings: readonly Finding[];
  readonly claims: readonly Claim[];
  readonly checks: readonly CouncilReportCheck[];
  readonly evidence: readonly CouncilEvidence[];
  /** Defects about files that the change does not touch. */
  readonly elsewhere: number;
}

type Defect = {
  readonly subject: string;
  readonly problem: string;
  readonly file: string;
  readonly line: number;
  readonly severity: NonNullable<Claim["severity"]>;
  readonly check: { readonly path: string; readonly content: string; readonly command: string };
};

/** The option that stands for the change in the evidence. */
const CHANGE = "change";

export async function reviewChange(
  sitting: Sitting,
  { files, run }: { readonly files: readonly string[]; readonly run: RunBoth },
): Promise<ReviewFinding> {
  const { answers } = await askVoices(sitting, sitting.plan.members, {
    round: "review",
    stage: "review",
    form: () => DEFECTS_FORM,
    maxTokens: REVIEW_TOKENS,
  });
  const named = answers.flatMap(defectsOf);
  const here = named.flatMap((defect) => {
    const file = files.find((path) => path === defect.file || path.endsWith(`/${defect.file.replace(/^\.?\//, "")}`));
    return file === undefined ? [] : [{ ...defect, file }];
  });
  const claims: Claim[] = [];
  const checks: CouncilReportCheck[] = [];
  const evidence: CouncilEvidence[] = [];
  for (const { id, voice, group, subject, problem, file, line, severity, check } of here) {
    const [written] = checkOf({ ...check, title: subject }, { voice, id: `check/${id}` });
    const ran = written ? await run(written) : undefined;
    if (written && ran) {
      // A test that failed before shows nothing of the change.
      const telling = ran.before === "pass" && (ran.after === "pass" || ran.after === "fail");
      checks.push({
        ...reported(written),
        base: ran.before,
        output: ran.output,
        ...(telling ? {} : { dropped: "it did not pass before the change" }),
      });
      if (telling) evidence.push({ checkId: written.id, proposalId: CHANGE, outcome: ran.after });
    }
    const place = line >= 1 ? { line } : {};
    const shown = written ? { checkId: written.id } : {};
    // Polarity -1: the claim is that the code does not hold there; its check fails when that is so.
    claims.push({
      id,
      voice,
      group,
      proposalId: CHANGE,
      subject,
      predicate: problem,
      polarity: -1,
      severity,
      file,
      ...place,
      ...shown,
    });
  }
  const known: CouncilCheck[] = checks.filter(({ dropped }) => dropped === undefined);
  return {
    findings: findings(claims, evidence, known),
    claims,
    checks,
    evidence,
    elsewhere: named.length - here.length,
  };
}

function defectsOf({ voice, group, value }: Answer): (Defect & { id: string; voice: string; group: string })[] {
  const { defects = [] } = (value ?? {}) as { defects?: readonly Defect[] };
  return defects
    .filter(({ subject, problem }) => subject.trim() !== "" && problem.trim() !== "")
    .map((defect, index) => ({ ...defect, id: `${voice}/${index + 1}`, voice, group }));
}

function reported({ id, author, trust, title, run }: Checking): CouncilReportCheck {
  return { id, author, trust, title, command: run.command };
}
