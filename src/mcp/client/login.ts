/** A login at an HTTP server, started by the person: the address is shown to them, the browser comes back to this machine. */
import { CrucibleError } from "../../base/error.ts";
import type { Fetch, HttpEntry } from "../../core/ports/mcp.ts";
import { type ConnectParts, createClient, httpTransport, isUnauthorized, START_MS } from "./connect.ts";
import { textOf } from "./faults.ts";
import { freshState, providerFor } from "./oauth.ts";

export interface LoginOrder {
  readonly entry: HttpEntry;
  readonly fetch: Fetch;
  readonly redirectUrl: string;
  /** Shows the address, and gives what the browser brought back. */
  visit(url: URL): Promise<URLSearchParams>;
}

/** True when tokens were given; false when the server wants none. Throws `authentication` with the reason. */
export async function login(order: LoginOrder, parts: ConnectParts, signal: AbortSignal): Promise<boolean> {
  const { entry, fetch } = order;
  const state = freshState();
  let visited: Promise<URLSearchParams> | undefined;
  const redirect = (url: URL) => {
    visited = order.visit(url);
    visited.catch(() => undefined);
  };
  const provider = providerFor(entry, parts.oauth, { redirectUrl: order.redirectUrl, redirect, state });
  const transport = await httpTransport(entry, fetch, provider);
  const client = await createClient(entry, parts);
  const { wanted } = parts.oauth.get(entry) ?? {};
  try {
    if (wanted === undefined) {
      await client.connect(transport, { signal, timeout: START_MS });
      // Some servers greet everybody and ask for a login only then.
      if (client.getServerCapabilities()?.tools) await client.listTools(undefined, { signal, timeout: START_MS });
      return parts.oauth.get(entry)?.tokens !== undefined;
    }
    const { auth } = await import("@modelcontextprotocol/client");
    await auth(provider, { serverUrl: entry.url, scope: wanted, forceReauthorization: true, fetchFn: fetch });
  } catch (error) {
    signal.throwIfAborted();
    if (!visited || !isUnauthorized(error)) throw refused(entry, error);
  } finally {
    await client.close().catch(() => undefined);
  }
  const brought = await visited;
  if (!brought) return true;
  if (brought.get("state") !== state) throw refused(entry, new Error("the browser came back with another login"));
  const denied = brought.get("error");
  if (denied !== null) throw refused(entry, new Error(`the login was refused: ${denied}`));
  try {
    await transport.finishAuth(brought);
  } catch (error) {
    throw refused(entry, error);
  }
  if (wanted !== undefined) parts.oauth.drop(entry, "wanted");
  return true;
}

function refused(entry: HttpEntry, error: unknown): CrucibleError {
  return new CrucibleError("authentication", `MCP server ${entry.name}: ${textOf(error)}`, {
    hint: `try again: crucible mcp login ${entry.name}`,
    cause: error,
  });
}
