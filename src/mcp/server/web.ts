/** Between node:http and the Request and Response of the Fetch Standard. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";

/** Its signal aborts when the client goes away before the answer is whole. */
export function requestOf(incoming: IncomingMessage, outgoing: ServerResponse): Request {
  const { method = "GET", url = "/", headers } = incoming;
  const gone = new AbortController();
  outgoing.once("close", () => outgoing.writableFinished || gone.abort());
  const own = new Headers();
  for (const [name, value] of Object.entries(headers)) for (const each of [value ?? []].flat()) own.append(name, each);
  const body = method === "GET" || method === "HEAD" ? {} : { body: bodyOf(incoming), duplex: "half" as const };
  // The host that was asked for is checked as a header: it is no part of what is routed.
  return new Request(new URL(url, "http://127.0.0.1"), { method, headers: own, signal: gone.signal, ...body });
}

function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  return Readable.toWeb(incoming) as ReadableStream<Uint8Array>;
}

/** Waits for a slow client; stops the source when it goes away. */
export async function sendResponse(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, [...response.headers].flat());
  if (!response.body) return void outgoing.end();
  outgoing.flushHeaders();
  const reader = response.body.getReader();
  const gone = () => void reader.cancel().catch(() => undefined);
  outgoing.once("close", gone);
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(next.value)) await drained(outgoing);
  }
  outgoing.off("close", gone);
  outgoing.end();
}

async function drained(outgoing: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const name of ["drain", "close"]) outgoing.once(name, () => resolve());
  });
}
