/** MCP servers over streamable HTTP on the loopback address: who may come in, one server per client, and the end. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  isLegacyRequest,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  type McpServerFactory,
  originValidationResponse,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { CrucibleError, errnoOf } from "../../base/error.ts";
import { uuid } from "../../base/id.ts";
import { createReplay } from "./replay.ts";
import { requestOf, sendResponse } from "./web.ts";

/** Clients that keep a connection; the one that was silent longest makes room. */
const MOST_CLIENTS = 64;
/** A client whose stream broke comes back after this (milliseconds). */
const RETRY_MS = 500;

export interface HttpServing {
  readonly port: number;
  /** What a client must show as bearer token; absent: everybody on this machine may come in. */
  readonly token?: string;
  onError(error: Error): void;
}

export interface HttpServer extends AsyncDisposable {
  readonly url: string;
}

type Client = WebStandardStreamableHTTPServerTransport;
type Clients = Map<string, Client>;

/** Throws `usage` when the port is taken. */
export async function serveHttp(factory: McpServerFactory, serving: HttpServing): Promise<HttpServer> {
  const clients: Clients = new Map();
  // Clients of the newer protocol keep no connection: each request has its own server.
  const single = createMcpHandler(factory, { legacy: "reject", onerror: serving.onError });
  const answer = async (request: Request): Promise<Response> => {
    const refused = refusal(request, serving);
    if (refused) return refused;
    if (!(await isLegacyRequest(request))) return single.fetch(request);
    const id = request.headers.get("mcp-session-id");
    const client = id === null ? await newClient(request, clients, factory) : clients.get(id);
    if (!client || id === null) return client?.handleRequest(request) ?? problem(404, UNKNOWN);
    // The last one to speak is the last one to go.
    clients.delete(id);
    clients.set(id, client);
    return client.handleRequest(request);
  };
  const { createServer } = process.getBuiltinModule("node:http");
  const server = createServer((incoming, outgoing) => void respond(incoming, outgoing, answer, serving.onError));
  const port = await listen(server, serving.port);
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.close();
      await Promise.allSettled([single.close(), ...[...clients.values()].map((client) => client.close())]);
      server.closeAllConnections();
    },
  };
}

/** A page in a browser that found this port by a name of its own (DNS rebinding), or somebody without the token. */
function refusal(request: Request, { token }: HttpServing): Response | undefined {
  const foreign =
    hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
    originValidationResponse(request, localhostAllowedOrigins());
  if (foreign) return foreign;
  if (new URL(request.url).pathname !== "/mcp") return problem(404, "the MCP server is at /mcp");
  if (token === undefined) return undefined;
  const shown = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
  if (same(shown, token)) return undefined;
  return problem(401, "a bearer token is needed: crucible mcp serve printed it", { "www-authenticate": "Bearer" });
}

/** In constant time, whatever the lengths. */
function same(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash("sha256").update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}

function problem(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json({ jsonrpc: "2.0", error: { code: -32_000, message }, id: null }, { status, headers });
}

const UNKNOWN = "this MCP session is not known any more: initialize again";

async function newClient(request: Request, clients: Clients, factory: McpServerFactory): Promise<Client> {
  const [oldest] = clients;
  if (oldest && clients.size >= MOST_CLIENTS) {
    clients.delete(oldest[0]);
    await oldest[1].close();
  }
  const client: Client = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => uuid(Date.now()),
    eventStore: createReplay(),
    retryInterval: RETRY_MS,
    onsessioninitialized: (session) => void clients.set(session, client),
    onsessionclosed: (session) => void clients.delete(session),
  });
  const server = await factory({ era: "legacy", requestInfo: request });
  await server.connect(client);
  return client;
}

async function respond(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: (request: Request) => Promise<Response>,
  onError: (error: Error) => void,
): Promise<void> {
  try {
    await sendResponse(await answer(requestOf(incoming, outgoing)), outgoing);
  } catch (error) {
    onError(error instanceof Error ? error : new Error(String(error)));
    if (!outgoing.headersSent) outgoing.writeHead(400);
    outgoing.end();
  }
}

async function listen(server: Server, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once("error", (error) => {
    const taken = errnoOf(error) === "EADDRINUSE";
    const hint = "choose another one: --http 0 takes any that is free";
    reject(taken ? new CrucibleError("usage", `port ${port} is taken`, { hint, cause: error }) : error);
  });
  server.listen(port, "127.0.0.1", () => {
    const address = server.address();
    resolve(typeof address === "object" && address ? address.port : port);
  });
  return promise;
}
