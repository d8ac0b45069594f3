/** One connection to one server: handshake, the client's own abilities, and the end. */
import { pathToFileURL } from "node:url";
import type { Client, StreamableHTTPClientTransport, Transport } from "@modelcontextprotocol/client";
import { CrucibleError } from "../../base/error.ts";
import { withoutHidden } from "../../base/invisible.ts";
import { oneLine } from "../../base/text.ts";
import type {
  Fetch,
  ForeignHands,
  HttpEntry,
  McpAnswers,
  McpEntry,
  ServerOrder,
  ServerProcess,
  StdioEntry,
} from "../../core/ports/mcp.ts";
import { elicit } from "./elicit.ts";
import { loginNeeded, startFailed } from "./faults.ts";
import type { OAuthBook } from "./oauth.ts";
import { sample } from "./sampling.ts";
import { processTransport } from "./transport.ts";

/** Until the handshake is done (milliseconds). */
export const START_MS = 30_000;

export interface ConnectParts {
  readonly version: string;
  readonly answers: McpAnswers;
  /** Folders as absolute paths. */
  readonly roots: () => readonly string[];
  readonly oauth: OAuthBook;
  note(text: string): void;
  /** A list of the server is not what it was. */
  changed(): void;
}

export interface Connection {
  readonly client: Client;
  /** What the server calls itself. */
  readonly version: string;
  readonly protocol: string;
  /** Resolves when it is over, whoever ended it. */
  readonly closed: Promise<void>;
  lastWords(): string;
  close(): Promise<void>;
}

/** Throws `tool-failed` with the server's last words, `authentication`, `denied`, `sandbox-unavailable`. */
export async function connect(
  entry: McpEntry,
  hands: ForeignHands,
  parts: ConnectParts,
  signal: AbortSignal,
): Promise<Connection> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(START_MS)]);
  const client = await createClient(entry, parts);
  const closed = Promise.withResolvers<void>();
  client.onclose = () => closed.resolve();
  let server: ServerProcess | undefined;
  try {
    let transport: Transport;
    if (entry.transport === "stdio") {
      server = await hands.serve(orderOf(entry), limit);
      transport = await stdio(server, parts.note);
    } else transport = await http(entry, await hands.dial(dialOf(entry, parts.oauth)), parts.oauth);
    await client.connect(transport, { signal: limit, timeout: START_MS });
  } catch (error) {
    server?.kill();
    await client.close().catch(() => undefined);
    signal.throwIfAborted();
    if (isUnauthorized(error)) throw loginNeeded(entry.name, error);
    const why = limit.aborted ? new Error(`no answer within ${START_MS / 1000} s`) : error;
    throw startFailed(entry, why, server?.lastWords() ?? "");
  }
  const info = client.getServerVersion();
  return {
    client,
    version: oneLine(withoutHidden(`${info?.name ?? "?"} ${info?.version ?? ""}`), 100),
    protocol: client.getNegotiatedProtocolVersion() ?? "?",
    closed: closed.promise,
    lastWords: () => server?.lastWords() ?? "",
    close: () => end(client, server),
  };
}

async function end(client: Client, server: ServerProcess | undefined): Promise<void> {
  await client.close().catch(() => undefined);
  server?.kill();
  await server?.ended.catch(() => undefined);
}

function orderOf({ name, command, args, cwd, env, read, profile, hosts }: StdioEntry): ServerOrder {
  const folder = cwd === undefined ? {} : { cwd };
  return { server: name, words: [command, ...args], env, ...folder, read, profile, hosts };
}

/** The host of its address, and those that its login went to: these were told by the server. */
function dialOf(entry: HttpEntry, oauth: OAuthBook) {
  const hosts = [pairOf(entry.url), ...(oauth.get(entry)?.hosts ?? [])];
  return { server: entry.name, hosts, reachable: hosts.filter((pair) => mayBeNear(entry, pair)) };
}

/** True when `host:port` may lie on this machine or its network: the person named it. What a server tells of is never near. */
export function mayBeNear(entry: HttpEntry, pair: string): boolean {
  return entry.scope === "user" && (pair === pairOf(entry.url) || (entry.oauth.hosts ?? []).includes(pair));
}

/** `host:port` of an address. */
export function pairOf(url: string | URL): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname.toLowerCase()}:${port || (protocol === "https:" ? "443" : "80")}`;
}

async function stdio(server: ServerProcess, note: (text: string) => void): Promise<Transport> {
  const { parseJSONRPCMessage } = await import("@modelcontextprotocol/client");
  return processTransport(server, parseJSONRPCMessage, note);
}

async function http(entry: HttpEntry, fetch: Fetch, oauth: OAuthBook): Promise<Transport> {
  const { sessionProvider } = await import("./oauth.ts");
  const provider = oauth.get(entry)?.tokens ? sessionProvider(entry, oauth) : undefined;
  return httpTransport(entry, fetch, provider);
}

type Provider = NonNullable<
  NonNullable<ConstructorParameters<typeof StreamableHTTPClientTransport>[1]>["authProvider"]
>;

export async function httpTransport(
  entry: HttpEntry,
  fetch: Fetch,
  authProvider: Provider | undefined,
): Promise<StreamableHTTPClientTransport> {
  const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  return new StreamableHTTPClientTransport(new URL(entry.url), {
    fetch,
    requestInit: { headers: { ...entry.headers } },
    ...(authProvider ? { authProvider } : {}),
  });
}

/** The client with its abilities; roots only for processes that see the workspace. */
export async function createClient(entry: McpEntry, parts: ConnectParts): Promise<Client> {
  const { Client } = await import("@modelcontextprotocol/client");
  const seesRoots = entry.transport === "stdio" && entry.profile !== "none";
  const samples = entry.sampling !== "deny" && parts.answers.sample !== undefined;
  const client = new Client(
    { name: "codecrucible", version: parts.version },
    {
      capabilities: {
        elicitation: { form: { applyDefaults: true }, url: {} },
        ...(seesRoots ? { roots: { listChanged: true } } : {}),
        ...(samples ? { sampling: {} } : {}),
      },
    },
  );
  client.setRequestHandler("elicitation/create", (request, context) =>
    elicit(entry.name, request.params, parts.answers.human, context.mcpReq.signal),
  );
  if (seesRoots)
    client.setRequestHandler("roots/list", () => ({
      roots: parts.roots().map((path) => ({ uri: pathToFileURL(path).href, name: path.split("/").at(-1) ?? path })),
    }));
  if (samples)
    client.setRequestHandler("sampling/createMessage", (request, context) =>
      sample(entry, request.params, parts.answers, context.mcpReq.signal),
    );
  client.setNotificationHandler("notifications/message", ({ params }) => {
    parts.note(`${params.level}: ${oneLine(withoutHidden(JSON.stringify(params.data)), 500)}`);
  });
  for (const kind of ["tools", "prompts", "resources"] as const)
    client.setNotificationHandler(`notifications/${kind}/list_changed`, () => parts.changed());
  client.onerror = (error) => parts.note(`error: ${oneLine(error.message, 300)}`);
  return client;
}

/** The server wants other credentials: the SDK's own error, or a status that says so. */
export function isUnauthorized(error: unknown): boolean {
  if (CrucibleError.isInstance(error)) return error.fault.code === "authentication";
  if (!(error instanceof Error)) return false;
  const { status, data } = error as { status?: unknown; data?: { status?: unknown } };
  return error.name === "UnauthorizedError" || status === 401 || data?.status === 401;
}
