/** Stage 8: the rules the person set for this run. */
import { type Action, type Check, type ToolPattern, verdictOf } from "../action.ts";
import { deny } from "../shell/types.ts";

/** True when `pattern` covers this call: the tool by name, or one of its commands by leading words. */
export function covers(pattern: ToolPattern, action: Action, how: "any" | "every"): boolean {
  if (pattern.tool !== action.call.tool) return false;
  const { words } = pattern;
  if (!words) return true;
  const begins = (command: readonly string[]) => words.every((word, index) => command[index] === word);
  const commands = action.shell?.commands ?? [];
  return how === "any" ? commands.some(begins) : commands.length > 0 && commands.every(begins);
}

/** Reads `shell(git log *)`, `Bash(npm test)` or `web_fetch`. */
export function parsePattern(text: string): ToolPattern {
  const match = /^([\w-]+)(?:\((.*)\))?$/s.exec(text.trim());
  const name = match?.[1] ?? text.trim();
  const tool = /^bash$/i.test(name) ? "shell" : name.toLowerCase();
  const words = match?.[2]?.replace(/:?\*$/, "").trim().split(/\s+/).filter(Boolean);
  return words && words.length > 0 ? { tool, words } : { tool };
}

const check: Check = {
  name: "policyEngine.evaluate",
  run(action) {
    const rule = action.policy.disallowed.find((pattern) => covers(pattern, action, "any"));
    return verdictOf(
      check.name,
      rule
        ? [deny("policy.disallowed", `${action.call.tool} is not allowed in this run (--disallowed-tools)`, "low")]
        : [],
    );
  },
};

export default check;
