/** Stage 3: what a shell command would do, word by word; whose a foreign tool is, and whether it is still the one that was pinned. */
import { type Action, type Check, verdictOf } from "../action.ts";
import { isApproved } from "../named-tool.ts";
import { ask, type Finding } from "../shell/types.ts";

const check: Check = {
  name: "validateToolUsage",
  run: (action) => verdictOf(check.name, [...(action.shell?.findings ?? []), ...foreignFindings(action)]),
};

export default check;

/** Its own hints about what it does lower nothing: only the person and their configuration do. */
function foreignFindings(action: Action): readonly Finding[] {
  const facts = action.tool?.foreign;
  if (!facts) return [];
  if (facts.changed.length > 0)
    return [
      ask("mcp.changed", `${action.call.tool} is not as it was when MCP server ${facts.server} was pinned`, "high"),
    ];
  return isApproved(action)
    ? []
    : [ask("mcp.call", `${action.call.tool} belongs to the foreign server ${facts.server}`)];
}
