/** An MCP server over HTTP that wants a login (OAuth 2.1 with PKCE and registration): loopback, in memory, strict. */
import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface HttpServer extends AsyncDisposable {
  readonly url: string;
  /** Access tokens given so far stop being good. */
  expire(): void;
  /** What was asked for, in order: `token authorization_code`, `call echo` ... */
  readonly log: string[];
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

function json(response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
}

interface Room {
  readonly log: string[];
  readonly good: Set<string>;
  readonly codes: Map<string, string>;
  readonly open: boolean;
  /** Where it sends its clients to log in; to itself when absent. */
  readonly elsewhere: string | undefined;
  origin: string;
}

/** `open`: no login is wanted. `elsewhere`: the origin of another login server. */
export async function startHttpServer(open = false, elsewhere?: string): Promise<HttpServer> {
  const room: Room = { log: [], good: new Set(), codes: new Map(), open, elsewhere, origin: "" };
  const server = createServer((request, response) => void serve(room, request, response));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  room.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${room.origin}/mcp`,
    log: room.log,
    expire: () => room.good.clear(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function serve(room: Room, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", room.origin);
  const { origin } = room;
  if (url.pathname === "/.well-known/oauth-protected-resource/mcp" && !room.open)
    return json(response, 200, { resource: `${origin}/mcp`, authorization_servers: [room.elsewhere ?? origin] });
  if (url.pathname === "/.well-known/oauth-authorization-server" && !room.open)
    return json(response, 200, {
      ...{ issuer: origin, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token` },
      ...{ registration_endpoint: `${origin}/register`, response_types_supported: ["code"] },
      ...{ code_challenge_methods_supported: ["S256"], token_endpoint_auth_methods_supported: ["none"] },
    });
  if (url.pathname === "/register") {
    room.log.push("register");
    return json(response, 201, { ...(JSON.parse(await bodyOf(request)) as object), client_id: "client-1" });
  }
  if (url.pathname === "/authorize") return authorize(room, url, response);
  if (url.pathname === "/token") return token(room, new URLSearchParams(await bodyOf(request)), response);
  if (url.pathname === "/mcp") return speak(room, request, response);
  return json(response, 404, {});
}

function authorize(room: Room, url: URL, response: ServerResponse): void {
  const code = randomUUID();
  room.codes.set(code, url.searchParams.get("code_challenge") ?? "");
  const back = new URL(url.searchParams.get("redirect_uri") ?? "");
  back.searchParams.set("code", code);
  back.searchParams.set("state", url.searchParams.get("state") ?? "");
  response.writeHead(302, { location: back.href }).end();
}

function token(room: Room, form: URLSearchParams, response: ServerResponse): void {
  const kind = form.get("grant_type") ?? "";
  room.log.push(`token ${kind}`);
  const challenge = room.codes.get(form.get("code") ?? "");
  const verified =
    createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url") === challenge;
  if (kind === "authorization_code" ? !verified : form.get("refresh_token") !== "refresh-1")
    return json(response, 400, { error: "invalid_grant" });
  const access = `access-${randomUUID()}`;
  room.good.add(access);
  json(response, 200, { access_token: access, token_type: "Bearer", expires_in: 3600, refresh_token: "refresh-1" });
}

async function speak(room: Room, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  if (!room.open && !room.good.has(bearer)) {
    const metadata = `${room.origin}/.well-known/oauth-protected-resource/mcp`;
    return json(
      response,
      401,
      { error: "invalid_token" },
      { "www-authenticate": `Bearer resource_metadata="${metadata}"` },
    );
  }
  if (request.method !== "POST") return void response.writeHead(405).end();
  const message = JSON.parse(await bodyOf(request)) as { id?: number; method: string; params: Record<string, unknown> };
  const answer = (result: unknown) => json(response, 200, { jsonrpc: "2.0", id: message.id, result });
  if (message.id === undefined) return void response.writeHead(202).end();
  if (message.method === "initialize")
    return answer({
      protocolVersion: message.params["protocolVersion"],
      capabilities: { tools: {} },
      serverInfo: { name: "far", version: "1" },
    });
  if (message.method === "tools/list")
    return answer({
      tools: [
        {
          name: "echo",
          description: "Gives back.",
          inputSchema: { type: "object", properties: { text: { type: "string" } } },
        },
      ],
    });
  const { text = "" } = (message.params["arguments"] ?? {}) as { text?: string };
  room.log.push(`call ${String(message.params["name"])} ${request.headers["x-key"] ?? ""}`.trim());
  return answer({ content: [{ type: "text", text: `far: ${text}` }] });
}
