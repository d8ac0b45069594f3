/** How much a question risks, and whether it is worth a council, from its words alone: nothing is asked for it. */
import type { RiskLevel } from "../core/council.ts";

const IRREVERSIBLE =
  /\b(?:irreversibl|drop (?:the )?(?:table|database|column)|delete (?:all|the) (?:data|users?|records?|database)|wipe|purge|force[- ]push|rewrite (?:the )?history|publish|release to production|deploy to production|rotate (?:the )?(?:keys?|secrets?))/i;
const HIGH =
  /\b(?:secur|authenticat|authoriz|authoris|permission|password|token|crypto|encrypt|signature|payment|billing|invoice|migrat|schema change|concurren|race condition|deadlock|transaction|data loss|backward.compat|public api|injection|sandbox)/i;
const MEDIUM =
  /\b(?:refactor|redesign|rewrite|architect|across|every|all (?:files|callers|modules)|performance|optimi[sz]|cache|parser|upgrade|replace)/i;
/** Work that one voice does well, whatever is at stake. */
const TRIVIAL =
  /^\W*(?:please\s+)?(?:fix (?:a |the )?typo|rename (?:the |this )?(?:variable|file|function)|format|reformat|add (?:a )?(?:comment|docstring)|bump|sort (?:the )?imports|what|where|who|which|explain|show|list|print|read|summari[sz]e)\b/i;

export function riskOf(question: string): RiskLevel {
  if (IRREVERSIBLE.test(question)) return "irreversible";
  if (HIGH.test(question)) return "high";
  return MEDIUM.test(question) ? "medium" : "low";
}

/** True when more voices would only cost time. */
export function isTrivial(question: string): boolean {
  return TRIVIAL.test(question) && riskOf(question) === "low";
}
