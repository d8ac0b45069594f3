/** The list of what is never stored, and the test against it. */
import type { AnswerFacts, NeverReason } from "../core/cache.ts";

/** Words by which a question depends on when it is asked, in the languages that are asked most; too many rather than too few. */
const TIME = new RegExp(
  `(?<![\\p{L}\\p{N}_])(?:${[
    "now|today|tonight|tomorrow|yesterday|current|currently|latest|newest|recent|recently|ago|so far|yet|still|already",
    "time is it|what time|date|dates|weekday|morning|afternoon|evening|(?:this|last|next|past) (?:week|month|year|day|hour|minute|commit|run|build|release|quarter|night|time)",
    "(?:what|which) (?:day|year|month)|weather|news|uptime|running|status|at the moment|these days|up to date|outdated|deadline|in progress|live|just (?:now|changed|did)|since",
    "jetzt|heute|morgen|gestern|aktuell\\p{L}*|gerade|neueste[nrs]?|uhrzeit|wie spät|datum|zurzeit|derzeit|bisher",
    "maintenant|aujourd['’]hui|demain|hier|actuel\\p{L}*|récent\\p{L}*|dernier|dernière|quelle heure",
    "ahora|hoy|mañana|ayer|actual\\p{L}*|reciente\\p{L}*|último|última|qué hora",
    "adesso|ora|oggi|domani|ieri|attual\\p{L}*|agora|hoje|amanhã|ontem|atual\\p{L}*|nu|vandaag|gisteren|huidige",
  ].join("|")})(?![\\p{L}\\p{N}_])`,
  "iu",
);

/** True when the answer may change by itself, and for scripts whose words for time are not known here. */
export function isTimeDependent(prompt: string): boolean {
  return TIME.test(prompt.normalize("NFC")) || /[^\p{Script=Latin}\P{L}]/u.test(prompt);
}

/** Why an answer must not be stored, or undefined when it may. */
export function whyNotCacheable(facts: AnswerFacts): NeverReason | undefined {
  const { scope, made, label } = facts;
  if ([scope.user, scope.workspace, scope.role].includes("")) return "no-scope";
  if (!facts.fingerprint) return "no-fingerprint";
  if (made.toolCalls || facts.stop === "tool-calls") return "tool-calls";
  if (made.edits) return "edits";
  if (made.commands) return "commands";
  if (made.approvals) return "approvals";
  if (made.verdicts) return "verdicts";
  if (made.vote) return "vote";
  if (facts.secrets || label.confidentiality === "secret") return "secrets";
  if (facts.stop !== "stop") return "incomplete";
  if (facts.text.trim() === "") return "empty";
  if (facts.temperature !== 0 && !facts.anyTemperature) return "temperature";
  if (isTimeDependent(facts.prompt)) return "time-dependent";
  return undefined;
}
