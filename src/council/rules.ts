/** Every rule by name, and the default of each kind of question. */
import { CrucibleError } from "../base/error.ts";
import type { CouncilKind } from "../core/council.ts";
import type { Rule } from "./rule.ts";
import borda from "./rules/borda.ts";
import confidenceWeighted from "./rules/confidence-weighted.ts";
import copeland from "./rules/copeland.ts";
import correlatedBayes from "./rules/correlated-bayes.ts";
import dawidSkene from "./rules/dawid-skene.ts";
import evidencePosterior from "./rules/evidence-posterior.ts";
import fittedRank from "./rules/fitted-rank.ts";
import logOdds from "./rules/log-odds.ts";
import medianRank from "./rules/median-rank.ts";
import plurality from "./rules/plurality.ts";
import rankedPairs from "./rules/ranked-pairs.ts";
import schulze from "./rules/schulze.ts";

export const RULES: readonly Rule[] = [
  plurality,
  logOdds,
  correlatedBayes,
  confidenceWeighted,
  dawidSkene,
  medianRank,
  fittedRank,
  borda,
  copeland,
  rankedPairs,
  schulze,
  evidencePosterior,
];

const DEFAULTS: Readonly<Record<CouncilKind, Rule>> = {
  answer: logOdds,
  rank: medianRank,
  patch: evidencePosterior,
  review: plurality,
};

/** Throws `usage` for a rule that does not exist or does not fit the kind. */
export function ruleFor(kind: CouncilKind, name: string | undefined): Rule {
  if (name === undefined) return DEFAULTS[kind];
  const fitting = RULES.filter(({ kinds }) => kinds.includes(kind));
  const found = fitting.find((rule) => rule.name === name);
  if (found) return found;
  throw new CrucibleError("usage", `there is no rule ${name} for ${kind} questions`, {
    hint: `there are: ${fitting.map((rule) => rule.name).join(", ")}`,
  });
}
