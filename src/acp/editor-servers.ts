/** MCP servers that an editor names for a session, as entries of our own: confined like all others. */
import type { McpServer } from "@agentclientprotocol/sdk";
import { CrucibleError } from "../base/error.ts";
import type { OpenOptions } from "../core/ports/app.ts";

/** Throws `bad-input` for a transport that is not spoken. */
export function editorServers(servers: readonly McpServer[]): Pick<OpenOptions, "mcpConfig"> {
  if (servers.length === 0) return {};
  const mcpServers: Record<string, object> = {};
  for (const server of servers) {
    const name = nameOf(server.name);
    // Two names may become one: none is lost.
    let free = name;
    for (let number = 2; Object.hasOwn(mcpServers, free); number++) free = `${name.slice(0, 28)}-${number}`;
    mcpServers[free] = entryOf(server);
  }
  return { mcpConfig: { source: JSON.stringify({ mcpServers }), only: false } };
}

function entryOf(server: McpServer): object {
  if (!("type" in server)) return { command: server.command, args: server.args, env: pairs(server.env) };
  if (server.type === "http") return { url: server.url, headers: pairs(server.headers) };
  throw new CrucibleError("bad-input", `MCP server ${server.name}: ${server.type} is not spoken`, {
    hint: "stdio or http",
  });
}

const pairs = (list: readonly { name: string; value: string }[]) =>
  Object.fromEntries(list.map(({ name, value }) => [name, value]));

/** Editors allow names that ours cannot hold. */
function nameOf(name: string): string {
  const clean = name
    .replace(/[^A-Za-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 32);
  return clean === "" ? "server" : clean;
}
