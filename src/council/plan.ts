/** All that the course of one council depends on, frozen before the first call. Plain data: a replay starts from it. */
import { canonicalJson } from "../base/canonical-json.ts";
import { sha256 } from "../base/hash.ts";
import type { CouncilKind, OptionId, RiskLevel } from "../core/council.ts";
import type { CouncilBudget, RepositoryCheck } from "../core/ports/council.ts";
import type { Voice } from "../core/voice.ts";
import type { Weights } from "./weights.ts";

/** Raised when the same records would give another decision. */
export const ENGINE = "council-1";

export interface Member {
  readonly voice: Voice;
  readonly group: string;
  readonly dependsOn: readonly string[];
}

export interface CouncilPlan {
  readonly id: string;
  readonly kind: CouncilKind;
  readonly question: string;
  /** Given by the person; absent: the voices propose. */
  readonly options?: readonly OptionId[];
  readonly domain?: string;
  readonly risk: RiskLevel;
  readonly rule?: string;
  /** False: the winner stays as it was handed in. */
  readonly synthesis?: boolean;
  readonly seed: number;
  /** In the order in which they are asked. */
  readonly members: readonly Member[];
  /** How many of them are asked before the first, second ... look at what is decided: 1, 3, 10. */
  readonly rungs: readonly number[];
  /** The person named the size: nobody is left out because few votes would be new. */
  readonly wholeRungs: boolean;
  readonly budget: CouncilBudget;
  /** Answers at the same time. */
  readonly width: number;
  readonly checks: readonly RepositoryCheck[];
  readonly weights: Weights;
  /** What every prompt begins with. */
  readonly prefix: string;
}

export function planHash(plan: CouncilPlan): string {
  return sha256(canonicalJson(plan));
}

/** The seed of one call: the same voice at the same stage asks the same way. */
export function seedOf({ seed }: Pick<CouncilPlan, "seed">, voice: string, stage: string): number {
  return Number.parseInt(sha256(`${seed}/${voice}/${stage}`).slice(0, 7), 16);
}
