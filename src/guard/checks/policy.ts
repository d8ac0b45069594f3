/** Stage 8: the rules of operator, user, session and workspace. Here they only tighten; what they allow is `lift.ts`. */
import { ownToolName } from "../../base/tool-names.ts";
import { type Action, type Check, type ToolPattern, verdictOf } from "../action.ts";
import { namesTool } from "../named-tool.ts";
import { coversAction } from "../rules.ts";
import { ask, deny, type Finding } from "../shell/types.ts";

/** True when `pattern` names this call or, past options, one of its commands. */
function names(pattern: ToolPattern, action: Action): boolean {
  const { words } = pattern;
  if (!namesTool(pattern, action.call.tool)) return false;
  return words === undefined || coversAction({ tool: "shell", command: words, decision: "deny" }, action);
}

/** Reads `shell(git log *)`, `Bash(npm test)` or `web_fetch`. */
export function parsePattern(text: string): ToolPattern {
  // The names of foreign tools are theirs, letter for letter.
  if (/^mcp(?:_resources)?__[\w-]+\*?$/.test(text.trim())) return { tool: text.trim() };
  const match = /^([\w-]+)(?:\((.*)\))?$/s.exec(text.trim());
  const name = match?.[1] ?? text.trim();
  const tool = ownToolName(name);
  const words = match?.[2]?.replace(/:?\*$/, "").trim().split(/\s+/).filter(Boolean);
  return words && words.length > 0 ? { tool, words } : { tool };
}

/** What touches nothing: a list of tools is about the others. */
const DOORS: ReadonlySet<string> = new Set(["tool_search", "tool_call", "todo_write", "ask_user", "skill"]);

/** A list of tools leaves this call out. A command holds to a pattern when each of its commands does. */
function leftOut(list: readonly ToolPattern[], action: Action): boolean {
  if (DOORS.has(action.call.tool)) return false;
  const named = list.filter((pattern) => namesTool(pattern, action.call.tool));
  if (named.some(({ words }) => words === undefined)) return false;
  const commands = action.shell?.commands ?? [];
  const covered = (command: readonly string[]) =>
    named.some(({ words = [] }) => words.every((word, index) => command[index] === word));
  return commands.length === 0 || action.shell?.redirects !== false || !commands.every(covered);
}

const check: Check = {
  name: "policyEngine.evaluate",
  run(action) {
    const findings: Finding[] = [];
    if (action.policy.disallowed.some((pattern) => names(pattern, action)))
      findings.push(
        deny("policy.disallowed", `${action.call.tool} is not allowed in this run (--disallowed-tools)`, "low"),
      );
    if (action.policy.only?.some((list) => leftOut(list, action)))
      findings.push(
        deny("policy.only", `${action.call.tool} is not among the tools that this command or agent may use`, "low"),
      );
    for (const rule of action.policy.rules) {
      if (rule.decision === "allow" || !coversAction(rule, action)) continue;
      const reason = `${rule.reason ?? `rule ${rule.id}`} (${rule.place})`;
      findings.push(rule.decision === "deny" ? deny("policy.deny", reason, "medium") : ask("policy.ask", reason));
    }
    return verdictOf(check.name, findings);
  },
};

export default check;
