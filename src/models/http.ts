/** The only sockets of this room: node:http(s) with keep-alive, a connect limit and an abort that closes at once. */
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from "node:http";

/** A request that got no (whole) reply. `connect`: nobody was reached; `stream`: the socket closed before the end. */
export class HttpFailure extends Error {
  readonly phase: "connect" | "stream";
  readonly code: string;

  constructor(phase: "connect" | "stream", code: string, message: string) {
    super(message);
    this.name = "HttpFailure";
    this.phase = phase;
    this.code = code;
  }
}

export interface HttpCall {
  readonly url: string;
  /** Sent as JSON by POST; without it the call is a GET. */
  readonly body?: string;
  readonly apiKey?: string;
  /** Aborting closes the socket. */
  readonly signal: AbortSignal;
  readonly connectMs: number;
}

export interface HttpReply {
  readonly status: number;
  readonly contentType: string;
  /** All bytes that are there, waiting for at least one; undefined at the clean end. Rejects when cut or aborted. */
  read(): Promise<Buffer | undefined>;
  /** Closes the socket of an unfinished reply; a finished one goes back to the pool. */
  release(): void;
}

export type Http = (call: HttpCall) => Promise<HttpReply>;

/** A pool of connections. Idle ones do not keep the process alive. There is no limit on the time to headers. */
export function createHttp(): Http {
  const agents = new Map<string, Agent>();
  const send = async (call: HttpCall, again: boolean): Promise<HttpReply> => {
    call.signal.throwIfAborted();
    const url = new URL(call.url);
    const secure = url.protocol === "https:";
    const node = secure ? process.getBuiltinModule("node:https") : process.getBuiltinModule("node:http");
    let agent = agents.get(url.protocol);
    if (!agent) {
      agent = new node.Agent({ keepAlive: true, scheduling: "lifo" });
      agents.set(url.protocol, agent);
    }
    // The second try gets a connection of its own: the pool may hold more of the same age.
    const request = node.request(url, { ...optionsOf(call), agent: again ? agent : false });
    try {
      return await replyTo(request, call, secure);
    } catch (error) {
      // Race: the server closed an idle pooled connection while we were writing to it.
      const stale = request.reusedSocket && error instanceof HttpFailure && error.phase === "stream";
      if (again && stale && !call.signal.aborted) return send(call, false);
      throw error;
    }
  };
  return (call) => send(call, true);
}

function optionsOf(call: HttpCall): RequestOptions {
  const headers: Record<string, string | number> = { accept: "*/*" };
  if (call.apiKey) headers["authorization"] = `Bearer ${call.apiKey}`;
  if (call.body !== undefined) {
    headers["content-type"] = "application/json";
    headers["content-length"] = Buffer.byteLength(call.body);
  }
  return { method: call.body === undefined ? "GET" : "POST", headers };
}

function replyTo(request: ClientRequest, call: HttpCall, secure: boolean): Promise<HttpReply> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpReply>();
  let connected = false;
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    request.destroy();
    reject(call.signal.reason);
  };
  const fail = (error: NodeJS.ErrnoException) => {
    clearTimeout(timer);
    call.signal.removeEventListener("abort", onAbort);
    const code = error.code ?? "ECONNRESET";
    reject(
      error instanceof HttpFailure
        ? error
        : new HttpFailure(connected ? "stream" : "connect", code, error.message || code),
    );
  };
  call.signal.addEventListener("abort", onAbort, { once: true });
  request.on("error", fail);
  request.on("socket", (socket) => {
    if (!socket.connecting) {
      connected = true;
      return;
    }
    timer = setTimeout(
      () => request.destroy(new HttpFailure("connect", "ETIMEDOUT", "no connection in 2 s")),
      call.connectMs,
    );
    socket.once(secure ? "secureConnect" : "connect", () => {
      connected = true;
      clearTimeout(timer);
    });
  });
  request.on("response", (response) => {
    call.signal.removeEventListener("abort", onAbort);
    resolve(readerOf(response, request, call.signal));
  });
  request.end(call.body);
  return promise;
}

function readerOf(response: IncomingMessage, request: ClientRequest, signal: AbortSignal): HttpReply {
  let ended = false;
  let failure: unknown;
  let wake: (() => void) | undefined;
  const poke = () => {
    const waiting = wake;
    wake = undefined;
    waiting?.();
  };
  const fail = (error: unknown) => {
    failure ??= error;
    poke();
  };
  const onAbort = () => {
    request.destroy();
    fail(signal.reason);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  response.on("readable", poke);
  response.on("end", () => {
    ended = true;
    signal.removeEventListener("abort", onAbort);
    poke();
  });
  response.on("error", (error: NodeJS.ErrnoException) =>
    fail(new HttpFailure("stream", error.code ?? "ECONNRESET", error.message)),
  );
  response.on("close", () => {
    signal.removeEventListener("abort", onAbort);
    if (!ended) fail(new HttpFailure("stream", "ECONNRESET", "the connection closed"));
  });
  const wait = (done: () => void) => {
    wake = done;
  };
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers["content-type"] ?? "",
    async read() {
      for (;;) {
        if (signal.aborted) throw signal.reason;
        const chunk: Buffer | null = response.read();
        if (chunk) return chunk;
        if (ended) return undefined;
        if (failure !== undefined) throw failure;
        await new Promise<void>(wait);
      }
    },
    release() {
      signal.removeEventListener("abort", onAbort);
      if (!ended) request.destroy();
    },
  };
}

/** The whole body as text, cut at `limit` bytes. */
export async function bodyText(reply: HttpReply, limit = 16 * 1024 * 1024): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for (let chunk = await reply.read(); chunk; chunk = await reply.read()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) {
      reply.release();
      break;
    }
  }
  return Buffer.concat(chunks).toString("utf8", 0, limit);
}
