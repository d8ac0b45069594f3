/** Which tools a pattern of the person names, and whether a foreign tool is called without a question. */
import type { Action, ToolPattern } from "./action.ts";

/** `mcp__server__tool`; `mcp__server` and `mcp__server__*` stand for all of a server. */
export function namesTool({ tool }: Pick<ToolPattern, "tool">, name: string): boolean {
  if (tool === name) return true;
  const server = /^mcp__((?:(?!__)[\w-])+)(?:__\*)?$/.exec(tool)?.[1];
  return server !== undefined && (name.startsWith(`mcp__${server}__`) || name === `mcp_resources__${server}`);
}

/** Said beforehand: in the user's entry, or with this run. */
export function isApproved({ tool, call, policy }: Pick<Action, "tool" | "call" | "policy">): boolean {
  const listed = policy.allowed.some((pattern) => !pattern.words && namesTool(pattern, call.tool));
  return (tool?.foreign?.approved ?? false) || listed;
}
