/** The checked dialler as `fetch`: any method and streamed answers, but only to the hosts it was made for; no redirect is followed. */
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { pipeline, Readable, Transform } from "node:stream";
import { CrucibleError } from "../base/error.ts";
import type { Fetch } from "../core/ports/mcp.ts";
import { hostPairs } from "./egress.ts";
import { addressOf, type Dialling, PUBLIC } from "./net.ts";

/** Until the connection stands; what comes after is bounded by the caller's signal. */
const CONNECT_MS = 20_000;
/** Statuses that have no body (Fetch Standard, null body status). */
const EMPTY = new Set([101, 103, 204, 205, 304]);

/** A longer answer, or a longer event of a stream of them, is cut off (bytes). */
const MAX_ANSWER = 32 * 1024 * 1024;

export interface DiallerOptions {
  /** `host` or `host:port`; a predicate where they are only known on the way (a login). */
  readonly hosts: readonly string[] | ((pair: string) => boolean);
  /** `host:port` that may lie on this machine or its network; a predicate likewise. */
  readonly reachable: readonly string[] | ((pair: string) => boolean);
  /** `host:port` that nothing reaches. */
  readonly closed: readonly string[];
  readonly dialling: Dialling | undefined;
  /** Ends every connection. */
  readonly signal: AbortSignal;
}

/** Rejects with `denied` for a host, scheme or address that it does not open, `tool-failed` when the connection fails. */
export function createDialler(options: DiallerOptions): Fetch {
  const { hosts, closed, reachable, dialling = PUBLIC } = options;
  const isNear = typeof reachable === "function" ? reachable : (pair: string) => reachable.includes(pair);
  const named = typeof hosts === "function" ? hosts : (pair: string) => hostPairs(hosts).includes(pair);
  return async (input, init = {}) => {
    const url = new URL(input);
    const pair = pairOf(url);
    if (!named(pair)) throw new CrucibleError("denied", `${pair} is not named in the server's entry`);
    if (closed.includes(pair)) throw new CrucibleError("denied", `${pair} is a model server`);
    const near = isNear(pair) ? { ...dialling, permits: () => true } : dialling;
    const address = await addressOf(url.hostname.replace(/^\[|\]$/g, ""), near);
    const signal = init.signal ? AbortSignal.any([init.signal, options.signal]) : options.signal;
    return answerOf(await send({ url, address, init, signal }));
  };
}

function pairOf(url: URL): string {
  if (!/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "")
    throw new CrucibleError("denied", "only plain http and https addresses can be reached");
  return `${url.hostname.toLowerCase()}:${url.port || (url.protocol === "https:" ? "443" : "80")}`;
}

interface Sending {
  readonly url: URL;
  readonly address: string;
  readonly init: RequestInit;
  readonly signal: AbortSignal;
}

async function send({ url, address, init, signal }: Sending): Promise<IncomingMessage> {
  signal.throwIfAborted();
  const secure = url.protocol === "https:";
  const { request } = process.getBuiltinModule(secure ? "node:https" : "node:http");
  const name = url.hostname.replace(/^\[|\]$/g, "");
  const body = bodyOf(init.body);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request({
    host: address,
    port: url.port || (secure ? 443 : 80),
    path: url.pathname + url.search,
    method: init.method ?? "GET",
    headers: {
      "user-agent": "codecrucible",
      ...(init.body instanceof URLSearchParams ? { "content-type": "application/x-www-form-urlencoded" } : {}),
      ...Object.fromEntries(new Headers(init.headers)),
      "accept-encoding": "identity",
      host: url.host,
      ...(body === undefined ? {} : { "content-length": body.length }),
    },
    agent: false,
    signal,
    ...(secure && isIP(name) === 0 ? { servername: name } : {}),
  });
  const late = () => sent.destroy(new CrucibleError("tool-failed", `${url.host} did not answer within 20 s`));
  const timer = setTimeout(late, CONNECT_MS);
  sent.once("socket", (socket) => socket.once("connect", () => clearTimeout(timer)));
  sent.once("close", () => clearTimeout(timer));
  sent.on("response", resolve);
  sent.on("error", (error) => reject(faultOf(error, url, signal)));
  sent.end(body);
  return promise;
}

function faultOf(error: Error, url: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (CrucibleError.isInstance(error)) return error;
  return new CrucibleError("tool-failed", `${url.host}: ${error.message}`, { cause: error });
}

function bodyOf(body: RequestInit["body"]): Buffer | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === "string" || body instanceof URLSearchParams) return Buffer.from(String(body));
  if (body instanceof Uint8Array) return Buffer.from(body);
  throw new CrucibleError("internal", "only texts and bytes can be sent");
}

function answerOf(answer: IncomingMessage): Response {
  const headers = new Headers();
  for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2)
    headers.append(answer.rawHeaders[at] ?? "", answer.rawHeaders[at + 1] ?? "");
  const status = answer.statusCode ?? 502;
  if (EMPTY.has(status)) answer.resume();
  const body = EMPTY.has(status) ? null : (Readable.toWeb(bounded(answer)) as ReadableStream<Uint8Array>);
  return new Response(body, { status, statusText: answer.statusMessage ?? "", headers });
}

/** A stream of events may last for as long as it is read; what is gathered before it can be read may not. */
function bounded(answer: IncomingMessage): Readable {
  const events = /^text\/event-stream\b/i.test(answer.headers["content-type"] ?? "");
  let [size, tail] = [0, ""];
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const text = events ? tail + chunk.toString("latin1") : "";
      const end = Math.max(...["\n\n", "\r\r", "\r\n\r\n"].map((mark) => text.lastIndexOf(mark)));
      size = end < 0 ? size + chunk.length : text.length - end;
      tail = text.slice(-3);
      if (size <= MAX_ANSWER) done(null, chunk);
      else done(new CrucibleError("tool-failed", `it sent an answer of more than ${MAX_ANSWER} bytes`));
    },
  });
  // A break on either side ends both.
  pipeline(answer, count, () => undefined);
  return count;
}
