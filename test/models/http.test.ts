/** The sockets: what an abort, a cut, a stale connection and an unreachable place do. */
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { bodyText, createHttp, type HttpCall, HttpFailure } from "../../src/models/http.ts";

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(
  handle: Parameters<typeof createServer>[1],
): Promise<{ url: string; server: Server; sockets: Set<Socket> }> {
  const server = handle ? createServer(handle) : createServer();
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(server);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, sockets };
}

const call = (url: string, changes: Partial<HttpCall> = {}): HttpCall => ({
  url,
  signal: AbortSignal.timeout(5_000),
  connectMs: 500,
  ...changes,
});

test("an abort while reading closes the socket and rejects with its reason", async () => {
  const { url, sockets } = await listen((_request, response) => void response.write("first"));
  const stop = new AbortController();
  const reply = await createHttp()(call(url, { signal: stop.signal }));
  expect(String(await reply.read())).toBe("first");
  const next = reply.read();
  stop.abort(new Error("enough"));
  await expect(next).rejects.toThrow("enough");
  await expect.poll(() => sockets.size, { interval: 2 }).toBe(0);
});

test("an abort before the headers closes the socket", async () => {
  const { url, sockets } = await listen(() => undefined);
  const stop = new AbortController();
  const reply = createHttp()(call(url, { signal: stop.signal }));
  await expect.poll(() => sockets.size, { interval: 2 }).toBe(1);
  stop.abort(new Error("enough"));
  await expect(reply).rejects.toThrow("enough");
  await expect.poll(() => sockets.size, { interval: 2 }).toBe(0);
});

test("a whole reply leaves its connection for the next call", async () => {
  let connections = 0;
  const { url, server } = await listen((_request, response) => void response.end("ok"));
  server.on("connection", () => connections++);
  const http = createHttp();
  for (let n = 0; n < 3; n++) expect(await bodyText(await http(call(url)))).toBe("ok");
  expect(connections).toBe(1);
});

test("a connection that the server closed meanwhile is replaced, the call is sent once more", async () => {
  let requests = 0;
  const { url, sockets } = await listen((_request, response) => {
    requests++;
    response.end("ok");
  });
  const http = createHttp();
  // Several idle connections: the second try must not meet another dead one.
  await Promise.all([1, 2, 3].map(async () => bodyText(await http(call(url, { body: "{}" })))));
  for (const socket of sockets) socket.destroy();
  expect(await bodyText(await http(call(url, { body: "{}" })))).toBe("ok");
  expect(requests).toBe(4);
});

test("a reply that is cut rejects after the bytes that came", async () => {
  const { url } = await listen((_request, response) => {
    response.write("part", () => setImmediate(() => response.destroy()));
  });
  const reply = await createHttp()(call(url));
  expect(String(await reply.read())).toBe("part");
  await expect(reply.read()).rejects.toMatchObject({ name: "HttpFailure", phase: "stream" });
});

test("nobody there, an unknown name, and a port that is none", async () => {
  const { url, server } = await listen(() => undefined);
  await new Promise((resolve) => server.close(resolve));
  await expect(createHttp()(call(url))).rejects.toMatchObject({ phase: "connect", code: "ECONNREFUSED" });
  const failure: unknown = await createHttp()(call("http://no-such-host.invalid:1")).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(HttpFailure);
  expect(failure).toMatchObject({ phase: "connect" });
});

test("a place that does not answer the handshake fails at the connect limit", async () => {
  const { url, server } = await listen(undefined);
  server.removeAllListeners("request");
  // TLS towards a plain server that stays silent: connected, never secured.
  const silent = url.replace("http:", "https:");
  await expect(createHttp()(call(silent, { connectMs: 80 }))).rejects.toMatchObject({ phase: "connect" });
});

test("a body is cut at the limit", async () => {
  const { url } = await listen((_request, response) => void response.end("x".repeat(100_000)));
  expect(await bodyText(await createHttp()(call(url)), 10)).toBe("x".repeat(10));
});

test("the key travels in the header only", async () => {
  const seen: unknown[] = [];
  const { url } = await listen((request, response) => {
    seen.push(request.headers.authorization, request.url);
    response.end("ok");
  });
  await bodyText(await createHttp()(call(`${url}/x`, { apiKey: "k" })));
  expect(seen).toEqual(["Bearer k", "/x"]);
});
