/** Where foreign servers are configured; a start without any of these files reads nothing more of them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Places } from "./places.ts";

/** Below the workspace; the first stands before the second. */
export const PROJECT_MCP = [".codecrucible/mcp.json", ".mcp.json"] as const;

/** The person's own file. */
export function userMcpFile(places: Places): string {
  return join(places.config, "mcp.json");
}

/** True when some file is there to be read. */
export function hasMcpFiles(places: Places, workspace: string): boolean {
  const own = [join(places.managed, "mcp.json"), userMcpFile(places)];
  return [...own, ...PROJECT_MCP.map((path) => join(workspace, path))].some((file) => existsSync(file));
}

/** The file that a project shares with other agents. */
export function projectMcpFile(workspace: string): string {
  return join(workspace, ".mcp.json");
}
