/** The nouns of a Living Spiral: its phases, what each hands on, and how it ended. Plain data. */
import type { AcceptanceCheck, SpiralScale } from "./ports/spiral.ts";

export const PHASES = ["collapse", "council", "synthesis", "rebirth", "reflection"] as const;
export type Phase = (typeof PHASES)[number];

/** What the collapse leaves: the work as one problem that can be checked. */
export type Problem = {
  readonly goal: string;
  readonly constraints: readonly string[];
  readonly acceptance: readonly AcceptanceCheck[];
  /** Nothing that runs tells whether the work is done. */
  readonly noOracle: boolean;
};

export type SpiralPlan = {
  readonly steps: readonly string[];
  readonly files: readonly string[];
  readonly tests: readonly string[];
  readonly risks: readonly string[];
  readonly rollback: string;
};

/** One check after a loop, and how it fared before any change. */
export type QualityCheck = {
  readonly kind: "suite" | "acceptance" | "types" | "lint";
  readonly title: string;
  readonly command: string;
  /** A voice wrote it: a check that passed before the change shows nothing of it. */
  readonly generated?: boolean;
  readonly before: "pass" | "fail" | "error" | "timeout";
  readonly after: "pass" | "fail" | "error" | "timeout";
  readonly output: string;
};

/** Weighted passes by known checks, 0 to 1; unknown when neither a suite nor an acceptance check could run. */
export type Quality = {
  readonly value: number | null;
  readonly checks: readonly QualityCheck[];
  /** Checks that passed before and fail now. */
  readonly broken: readonly string[];
  /** What the guard's checks of content found. */
  readonly findings: readonly string[];
};

export type SpiralEnd = "done" | "needs-human" | "plateau" | "budget" | "loops";

export interface SpiralReport {
  readonly id: string;
  readonly work: string;
  readonly scale: SpiralScale;
  readonly end: SpiralEnd;
  /** Why it ended so, for people. */
  readonly reason: string;
  readonly loops: readonly { readonly quality: Quality; readonly diff: string; readonly problem?: string }[];
  readonly plan?: SpiralPlan;
  readonly problem?: Problem;
  /** Paths that were changed in the workspace. */
  readonly applied: readonly string[];
  readonly lesson?: string;
}
