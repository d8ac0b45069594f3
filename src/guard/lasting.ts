/** Which questions a lasting yes may answer, and which part of a call raised them. */
import type { Action } from "./action.ts";
import { judgePath } from "./path-policy.ts";

/**
 * Answered once at a time: what is only known when it runs, what the text hides, written content, limits, labels,
 * and the mode's own questions.
 */
const ONCE =
  /^(?:shell\.(?:assignment|dynamic|dynamic-command|syntax|construct|control-characters|invisible-characters|arithmetic|fed|xargs|too-long|too-deep|quoted-command|unknown-folder|empty|disagreement|no-second-parser|stdin-code|inline-code)|path\.(?:too-many|control-characters|invisible-characters|look-alike|pattern|unexpanded|encoded)|content\.|limits\.|label\.|mode\.)/;

/** True when "always" may be the answer to a question with this reason code. */
export function isLasting(rule: string): boolean {
  return !ONCE.test(rule);
}

/**
 * The simple commands of a shell call that would be asked about, each with the reason codes; empty for other tools.
 * Undefined when a doubt belongs to no single command, or is one that is only answered once.
 */
export function questionable(action: Action): ReadonlyMap<number, readonly string[]> | undefined {
  const doubts = new Map<number, string[]>();
  if (!action.shell) return doubts;
  const found = action.paths.flatMap((use) => {
    const finding = judgePath(use, action.policy.paths, true);
    return finding ? [{ ...finding, ...(use.command === undefined ? {} : { command: use.command }) }] : [];
  });
  for (const { decision, rule, command } of [...action.shell.findings, ...found]) {
    if (decision === "allow") continue;
    if (decision === "deny" || command === undefined || !isLasting(rule)) return undefined;
    if (action.shell.dynamic.has(command)) return undefined;
    doubts.set(command, [...(doubts.get(command) ?? []), rule]);
  }
  return doubts;
}
