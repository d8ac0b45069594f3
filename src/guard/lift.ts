/** What turns a question into yes without asking again: flags of this run, rules of a policy file, remembered approvals. */
import { beginsWith } from "../base/shell-words.ts";
import type { Doubt } from "../core/verdict.ts";
import type { Action, ToolPattern } from "./action.ts";
import { remembered } from "./approvals.ts";
import { isListed } from "./checks/network-access.ts";
import { isLasting, questionable } from "./lasting.ts";
import { coversAction, coversCommand, type PolicyRule } from "./rules.ts";

/** Why the questions of `asked` need not be put, or undefined. Denials never come here. */
export function liftedBy(action: Action, asked: readonly Doubt[]): string | undefined {
  const rules = asked.map((entry) => entry.rule);
  // External text in the context asks for a fresh look of the person at everything that is asked at all.
  const outside = action.context.integrity === "external" && !isHarmless(action);
  if (outside || rules.some((rule) => rule.startsWith("label."))) return undefined;
  if (rules.includes("policy.ask")) return undefined;
  const { allowed, approvals } = action.policy;
  // A foreign tool that changed is another tool: only a yes to what it is now counts.
  if (rules.includes("mcp.changed"))
    return approvals && remembered(action, approvals.current()) ? "allowed earlier by the person" : undefined;
  if (fetchesFromListed(action, rules)) return "all its hosts are on the list";
  if (allowed.some((pattern) => coversRun(pattern, action, rules))) return "allowed for this run by the person";
  if (!rules.every(isLasting)) return undefined;
  const rule = action.policy.rules.find((entry) => entry.decision === "allow" && coversQuestions(entry, action));
  if (rule) return `allowed by rule ${rule.id} (${rule.place})`;
  return approvals && remembered(action, approvals.current()) ? "allowed earlier by the person" : undefined;
}

/** A foreign tool that can neither change nor send anything: what has been read cannot be carried off by it. */
function isHarmless({ tool }: Action): boolean {
  return tool?.foreign !== undefined && !tool.foreign.online && !tool.foreign.writes;
}

/** Verbs that bring something here; what else a package manager or git does on the network changes things elsewhere. */
const FETCHES: Readonly<Record<string, RegExp>> = {
  "network.transfer": /^/,
  "network.packages": /^(?:i|install|ci|add|sync|fetch|download|restore|update|get)$/,
  "network.git": /^(?:clone|fetch|pull|ls-remote)$/,
};

/** Downloads, and nothing else that is asked about, from hosts that the person listed. */
function fetchesFromListed(action: Action, rules: readonly string[]): boolean {
  const { shell, policy } = action;
  if (!shell || shell.hosts.length === 0 || !rules.every((rule) => Object.hasOwn(FETCHES, rule))) return false;
  const fetches = shell.findings.every(({ rule, command }) => {
    const verb =
      command === undefined ? undefined : shell.commands[command]?.slice(1).find((word) => !word.startsWith("-"));
    return verb !== undefined && FETCHES[rule]?.test(verb) === true;
  });
  return fetches && shell.hosts.every((host) => isListed(host, policy.network));
}

/** Doubts that a word pattern of the command line does not answer: it names a program, not files, secrets or texts. */
const BEYOND_WORDS = /^(?:path|secret|content|limits|label|mode)\.|^shell\.assignment/;
/** Doubts that nothing said beforehand answers: the text does not tell what runs. */
const AT_RUN_TIME =
  /^shell\.(?:dynamic|syntax|construct|control|invisible|arithmetic|disagreement|no-second-parser|too-long)/;

/** A bare tool name answers for all calls of that tool; words only for what their own commands raise. */
function coversRun(pattern: ToolPattern, action: Action, rules: readonly string[]): boolean {
  if (pattern.tool !== action.call.tool || rules.some((rule) => AT_RUN_TIME.test(rule))) return false;
  if (!pattern.words) return true;
  if (!action.shell || rules.some((rule) => BEYOND_WORDS.test(rule))) return false;
  const { commands, findings } = action.shell;
  return findings.every(
    ({ command }) => command !== undefined && beginsWith(commands[command] ?? [], pattern.words ?? []),
  );
}

/** An allow covers every part that raises a question, not just one of them. */
function coversQuestions(rule: PolicyRule, action: Action): boolean {
  const doubts = questionable(action);
  if (!doubts) return false;
  if (!action.shell) return coversAction(rule, action);
  if (rule.tool !== "shell" || doubts.size === 0) return false;
  return [...doubts.keys()].every((index) => coversCommand(rule, action.shell?.commands[index] ?? []));
}
