/** What the names of ways to hold a council stand for: settings of one engine, none an engine of its own. */
import type { CouncilMode, RiskLevel } from "../core/council.ts";

export interface ModeSettings {
  /** Instead of the kind's own rule. */
  readonly rule?: string;
  /** The least that counts as being at stake: how sure a decision must be. */
  readonly risk?: RiskLevel;
  /** Everybody is heard, whoever is ahead. */
  readonly whole: boolean;
  /** One writer may mend the winner. */
  readonly synthesis: boolean;
}

export const MODES: Readonly<Record<CouncilMode, ModeSettings>> = {
  /** Only what is sure is decided; the rest is for the person. Nobody is asked again until they agree. */
  consensus: { risk: "high", whole: true, synthesis: true },
  majority: { rule: "plurality", whole: true, synthesis: true },
  weighted: { whole: false, synthesis: true },
  /** The one second round there is: whoever a run refuted sees that run. Talk without runs costs votes (arXiv 2508.17536). */
  debate: { whole: true, synthesis: true },
  synthesis: { whole: false, synthesis: true },
  /** The best as it was handed in. */
  competitive: { whole: true, synthesis: false },
  collaborative: { whole: true, synthesis: true },
};

const LEVELS: readonly RiskLevel[] = ["low", "medium", "high", "irreversible"];

export function graver(a: RiskLevel, b: RiskLevel | undefined): RiskLevel {
  return b !== undefined && LEVELS.indexOf(b) > LEVELS.indexOf(a) ? b : a;
}
