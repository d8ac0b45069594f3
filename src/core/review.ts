/** What a review of a change finds. Plain data. */
import type { CouncilCost, CouncilReportCheck, CouncilVoiceReport, Id, ModelGroup, VoiceId } from "./council.ts";

export const SEVERITIES = ["low", "medium", "high", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Finding {
  /** The same for the same subject in the same file, wherever it stands there. */
  readonly id: Id;
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** Confirmed: as the confirmed claims say; seconded: what two models agree on; unconfirmed: the gravest word of any. */
  readonly severity: Severity;
  readonly subject: string;
  readonly text: string;
  readonly voices: readonly VoiceId[];
  readonly groups: readonly ModelGroup[];
  readonly status: "confirmed" | "seconded" | "unconfirmed";
  /** Checks that confirm it, or models that second each other. */
  readonly by: readonly string[];
  /** Grave and not confirmed by a run: a person looks at it. */
  readonly forPerson: boolean;
}

export interface ReviewReport {
  readonly id: Id;
  /** What was read: `uncommitted changes`, `main..HEAD`, `commit abc`. */
  readonly change: string;
  readonly files: readonly string[];
  readonly findings: readonly Finding[];
  readonly checks: readonly CouncilReportCheck[];
  readonly voices: readonly CouncilVoiceReport[];
  /** Models that spoke: with one, nothing can be seconded. */
  readonly groups: readonly ModelGroup[];
  /** Defects named about files that the change does not touch. */
  readonly elsewhere: number;
  readonly cost: CouncilCost;
  /** The gate that was asked for, and whether a confirmed or seconded finding is that grave. */
  readonly failOn?: Severity;
  readonly failed: boolean;
}
