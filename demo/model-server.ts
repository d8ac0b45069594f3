/** A scripted model server that speaks Ollama's wire format on loopback: for the labelled demo and for tests, never for a real run. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** One scripted answer. Everything absent is left out on the wire. */
export interface Reply {
  readonly text?: string;
  readonly thinking?: string;
  /** `arguments` is usually an object; text is sent as it stands. */
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: unknown; readonly id?: string }[];
  /** Sent as they are instead of a rendered answer. */
  readonly rawChunks?: readonly (string | Uint8Array)[];
  /** With `error`: the status of an answer that fails before it starts. */
  readonly status?: number;
  /** A string, or the whole body. Under status 200 it ends the stream after the text. */
  readonly error?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Wait before the first byte, in milliseconds. */
  readonly delayMs?: number;
  /** Wait between chunks, in milliseconds; `tokensPerSecond` sets it by chunk size. */
  readonly chunkDelayMs?: number;
  readonly tokensPerSecond?: number;
  /** The socket is cut after so many bytes of the body. */
  readonly dieAfterBytes?: number;
  /** After the last byte the stream stays open in silence. */
  readonly hang?: boolean;
  readonly usage?: { readonly input?: number; readonly cached?: number; readonly output?: number };
  /** Leaves all counts out. */
  readonly noUsage?: boolean;
  readonly finish?: string;
  /** Tokens (of about four characters) per chunk; default 1. */
  readonly chunkTokens?: number;
  /** Extra fields of the last chunk. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly raw: Buffer;
  /** The parsed JSON body, or an empty object. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: IncomingMessage["headers"];
}

export type Script = readonly Reply[] | ((request: RecordedRequest, index: number) => Reply | Promise<Reply>);

export interface OllamaOptions {
  readonly model?: string;
  readonly digest?: string;
  /** The model's own limit. */
  readonly maxWindow?: number;
  /** The window in which it is loaded; absent: not loaded. */
  readonly loadedWindow?: number;
  readonly capabilities?: readonly string[];
  readonly version?: string;
  /** Further entries of /api/tags, and fields to add to our own. */
  readonly tags?: readonly Readonly<Record<string, unknown>>[];
  readonly show?: Readonly<Record<string, unknown>>;
  readonly script: Script;
}

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Every request in order; `chats` only those for an answer. */
  readonly requests: RecordedRequest[];
  readonly chats: RecordedRequest[];
  /** Connections that the client closed before the end of an answer. */
  readonly aborted: { count: number };
  close(): Promise<void>;
}

export type Handle = (
  request: RecordedRequest,
  response: ServerResponse,
  server: Pick<ScriptedServer, "chats" | "aborted">,
) => Promise<void> | void;

/** Listens on a free loopback port and records every request before `handle` answers it. */
export async function startRecordingServer(handle: Handle, port = 0): Promise<ScriptedServer> {
  const requests: RecordedRequest[] = [];
  const chats: RecordedRequest[] = [];
  const aborted = { count: 0 };
  const sockets = new Set<Socket>();
  const server: Server = createServer((message, response) => {
    record(message)
      .then((request) => {
        requests.push(request);
        return handle(request, response, { chats, aborted });
      })
      .catch(() => response.destroy());
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    requests,
    chats,
    aborted,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function record(message: IncomingMessage): Promise<RecordedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  let body: Record<string, unknown> = {};
  try {
    body = raw.length > 0 ? (JSON.parse(raw.toString("utf8")) as Record<string, unknown>) : {};
  } catch {
    // A body that is no JSON is kept raw only.
  }
  return {
    method: message.method ?? "GET",
    path: (message.url ?? "/").split("?")[0] ?? "/",
    raw,
    body,
    headers: message.headers,
  };
}

/** Hands out the answers of a script in order; a list that is used up answers with an error. */
export function scriptReader(script: Script): (request: RecordedRequest) => Promise<Reply> {
  let index = 0;
  return async (request) => {
    const at = index++;
    if (typeof script === "function") return script(request, at);
    return script[at] ?? { status: 500, error: `the script has only ${script.length} answers` };
  };
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(text);
}

/** Text cut into pieces of `size` characters, as a model's tokens would come. */
export function pieces(text: string, size: number): string[] {
  const result: string[] = [];
  const characters = [...text];
  for (let at = 0; at < characters.length; at += size) result.push(characters.slice(at, at + size).join(""));
  return result;
}

/** About four bytes per token, the whole body counted: what a real server would roughly report. */
export function countTokens(raw: Uint8Array): number {
  return Math.max(1, Math.ceil(raw.length / 4));
}

/** Writes chunks at the reply's pace and ends as it says. */
export async function sendChunks(
  response: ServerResponse,
  reply: Reply,
  chunks: Iterable<string | Uint8Array>,
  contentType: string,
  state: { aborted: { count: number } },
): Promise<void> {
  let ended = false;
  response.on("close", () => {
    if (!ended) state.aborted.count++;
  });
  if (reply.delayMs) await pause(reply.delayMs);
  response.writeHead(reply.status ?? 200, { "content-type": contentType, ...reply.headers });
  const gap =
    reply.chunkDelayMs ?? (reply.tokensPerSecond ? ((reply.chunkTokens ?? 1) * 1000) / reply.tokensPerSecond : 0);
  let left = reply.dieAfterBytes ?? Number.POSITIVE_INFINITY;
  for (const chunk of chunks) {
    if (response.destroyed) return;
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    if (bytes.length >= left) {
      ended = true;
      response.write(bytes.subarray(0, left), () => response.destroy());
      return;
    }
    left -= bytes.length;
    if (!response.write(bytes)) await drained(response);
    if (gap > 0) await pause(gap);
  }
  if (reply.hang) return;
  ended = true;
  response.end();
}

/** Resolves when the client has read on, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The NDJSON lines of one answer. */
export function ollamaLines(reply: Reply, request: RecordedRequest, model: string): string[] {
  const line = (value: unknown) => `${JSON.stringify(value)}\n`;
  const created_at = "2026-01-01T00:00:00Z";
  const size = 4 * (reply.chunkTokens ?? 1);
  const lines: string[] = [];
  for (const thinking of pieces(reply.thinking ?? "", size))
    lines.push(line({ model, created_at, message: { role: "assistant", content: "", thinking }, done: false }));
  for (const content of pieces(reply.text ?? "", size))
    lines.push(line({ model, created_at, message: { role: "assistant", content }, done: false }));
  for (const call of reply.toolCalls ?? []) {
    const tool = { ...(call.id ? { id: call.id } : {}), function: { name: call.name, arguments: call.arguments } };
    lines.push(
      line({ model, created_at, message: { role: "assistant", content: "", tool_calls: [tool] }, done: false }),
    );
  }
  if (reply.error !== undefined) return [...lines, line({ error: reply.error })];
  const counts = reply.noUsage
    ? {}
    : {
        prompt_eval_count: reply.usage?.input ?? countTokens(request.raw),
        prompt_eval_duration: 20_000_000,
        eval_count: reply.usage?.output ?? Math.max(1, lines.length),
        eval_duration: 10_000_000,
      };
  const last = {
    model,
    created_at,
    message: { role: "assistant", content: "" },
    done: true,
    done_reason: reply.finish ?? "stop",
    total_duration: 40_000_000,
    load_duration: 1_000_000,
  };
  return [...lines, line({ ...last, ...counts, ...reply.extra })];
}

/** Answers the management routes of Ollama; true when the path was one of them. */
export function answerOllamaState(options: OllamaOptions, request: RecordedRequest, response: ServerResponse): boolean {
  const name = options.model ?? "scripted:latest";
  const digest = options.digest ?? "5c".repeat(32);
  const size = 4_000_000;
  if (request.path === "/api/version") sendJson(response, 200, { version: options.version ?? "0.33.0" });
  else if (request.path === "/api/tags") {
    sendJson(response, 200, {
      models: [
        { name, model: name, size, digest, details: { family: "script", parameter_size: "1M" } },
        ...(options.tags ?? []),
      ],
    });
  } else if (request.path === "/api/ps") {
    const entry = { name, model: name, size, digest, size_vram: 0, context_length: options.loadedWindow };
    sendJson(response, 200, { models: options.loadedWindow === undefined ? [] : [entry] });
  } else if (request.path === "/api/show") {
    if (request.body["model"] !== name && !(options.tags ?? []).some((tag) => tag["name"] === request.body["model"])) {
      sendJson(response, 404, { error: `model '${String(request.body["model"])}' not found` });
      return true;
    }
    sendJson(response, 200, {
      capabilities: options.capabilities ?? ["completion", "tools"],
      details: { family: "script" },
      model_info: { "general.architecture": "script", "script.context_length": options.maxWindow ?? 131_072 },
      ...options.show,
    });
  } else return false;
  return true;
}

/** The whole server: state routes and /api/chat by the script. */
export async function startOllamaServer(options: OllamaOptions, port = 0): Promise<ScriptedServer> {
  const next = scriptReader(options.script);
  const model = options.model ?? "scripted:latest";
  return startRecordingServer(async (request, response, state) => {
    if (answerOllamaState(options, request, response)) return;
    if (request.path !== "/api/chat") {
      sendJson(response, 404, "404 page not found");
      return;
    }
    state.chats.push(request);
    const reply = await next(request);
    if (reply.status !== undefined && reply.status !== 200 && !reply.rawChunks) {
      if (reply.delayMs) await pause(reply.delayMs);
      sendJson(
        response,
        reply.status,
        typeof reply.error === "string" ? { error: reply.error } : (reply.error ?? {}),
        reply.headers,
      );
      return;
    }
    await sendChunks(
      response,
      reply,
      reply.rawChunks ?? ollamaLines(reply, request, model),
      "application/x-ndjson",
      state,
    );
  }, port);
}
