/** Reads which foreign servers there are; without a file of theirs nothing is loaded. */
import { CrucibleError } from "./base/error.ts";
import type { McpServers } from "./config/mcp-files.ts";
import { hasMcpFiles } from "./config/mcp-places.ts";
import type { OpenOptions } from "./core/ports/app.ts";
import type { LiveMcp } from "./core/ports/mcp.ts";
import type { House } from "./house.ts";

/** Throws `bad-config` with file:line. */
export async function mcpEntries(house: House, given: OpenOptions["mcpConfig"], bare: boolean): Promise<McpServers> {
  const { places } = house.config;
  if (given?.source === undefined && !hasMcpFiles(places, house.workspace)) return { entries: [], notes: [] };
  const { readMcpServers } = await import("./config/mcp-files.ts");
  const variables = house.config.get<string[]>("mcp.variables");
  return readMcpServers({ places, workspace: house.workspace, env: house.env, variables, bare, given });
}

/** Values that come in by entries: known to redaction. */
export function mcpSecrets({ entries }: McpServers): readonly string[] {
  return entries.flatMap(({ secrets }) => secrets.filter((value) => value.length >= 8));
}

/** Where there are no foreign servers. */
export const NO_SERVERS: LiveMcp = {
  servers: () => [],
  prompts: async () => [],
  runPrompt: async (server) => {
    throw new CrucibleError("usage", `there is no MCP server ${server}`, { hint: "crucible mcp add" });
  },
  setRoots: () => undefined,
};
