/** Stage 8: the rules of operator, user, session and workspace. Here they only tighten; what they allow is `lift.ts`. */
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

/** Names that people know from other agents. */
const ALIASES: Readonly<Record<string, string>> = { bash: "shell", webfetch: "web_fetch", todowrite: "todo_write" };

/** Reads `shell(git log *)`, `Bash(npm test)` or `web_fetch`. */
export function parsePattern(text: string): ToolPattern {
  // The names of foreign tools are theirs, letter for letter.
  if (/^mcp(?:_resources)?__[\w-]+\*?$/.test(text.trim())) return { tool: text.trim() };
  const match = /^([\w-]+)(?:\((.*)\))?$/s.exec(text.trim());
  const name = match?.[1] ?? text.trim();
  const tool = ALIASES[name.toLowerCase()] ?? name.toLowerCase();
  const words = match?.[2]?.replace(/:?\*$/, "").trim().split(/\s+/).filter(Boolean);
  return words && words.length > 0 ? { tool, words } : { tool };
}

const check: Check = {
  name: "policyEngine.evaluate",
  run(action) {
    const findings: Finding[] = [];
    if (action.policy.disallowed.some((pattern) => names(pattern, action)))
      findings.push(
        deny("policy.disallowed", `${action.call.tool} is not allowed in this run (--disallowed-tools)`, "low"),
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
