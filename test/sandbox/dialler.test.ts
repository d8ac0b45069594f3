/** The dialler as fetch: named hosts at public addresses, no redirect, streams, and an end with its lease. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createDialler } from "../../src/sandbox/dialler.ts";
import { openLoopback } from "../../src/sandbox/loopback.ts";

async function server(listener: RequestListener) {
  const made = createServer(listener);
  await new Promise<void>((done) => made.listen(0, "127.0.0.1", done));
  const { port } = made.address() as AddressInfo;
  return {
    pair: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      made.closeAllConnections();
      await new Promise((done) => made.close(done));
    },
  };
}

const dialler = (hosts: readonly string[], more: object = {}) =>
  createDialler({
    hosts,
    reachable: hosts,
    closed: [],
    dialling: undefined,
    signal: new AbortController().signal,
    ...more,
  });

test("method, headers and body go out; status, headers and body come back", async () => {
  await using far = await server((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += String(chunk)));
    request.on("end", () => {
      response.writeHead(201, { "x-a": ["1", "2"] });
      response.end(JSON.stringify([request.method, request.headers["x-b"], request.headers["content-type"], text]));
    });
  });
  const fetch = dialler([far.pair]);
  const url = `http://${far.pair}/a?b`;
  const posted = await fetch(url, { method: "POST", headers: { "X-B": "c" }, body: new URLSearchParams({ d: "e" }) });
  expect(posted.status).toBe(201);
  expect(posted.headers.get("x-a")).toBe("1, 2");
  expect(await posted.json()).toEqual(["POST", "c", "application/x-www-form-urlencoded", "d=e"]);
  expect(await (await fetch(new URL(url))).json()).toEqual(["GET", null, null, ""]);
  expect(await (await fetch(url, { method: "PUT", body: new Uint8Array([65]) })).json()).toEqual([
    "PUT",
    null,
    null,
    "A",
  ]);
  await expect(fetch(url, { method: "POST", body: new Blob(["x"]) })).rejects.toThrow("only texts and bytes");
});

test("only named hosts, no model server, no inner address unless it is meant, no redirect", async () => {
  await using far = await server((request, response) =>
    request.url === "/none"
      ? response.writeHead(204).end()
      : response.writeHead(302, { location: "http://example.com/" }).end(),
  );
  const url = `http://${far.pair}/`;
  await expect(dialler(["example.com"])(url)).rejects.toThrow(`${far.pair} is not named in the server's entry`);
  await expect(dialler([far.pair], { closed: [far.pair] })(url)).rejects.toThrow("is a model server");
  await expect(dialler([far.pair], { reachable: [] })(url)).rejects.toThrow("not a public address");
  await expect(dialler([far.pair])("file:///etc/passwd")).rejects.toThrow("only plain http and https");
  await expect(dialler([far.pair])(`http://a:b@${far.pair}/`)).rejects.toThrow("only plain http and https");
  expect((await dialler([far.pair])(url)).status).toBe(302);
  expect((await dialler([far.pair])(`${url}none`)).status).toBe(204);
  await expect(dialler(["127.0.0.1:1"])("http://127.0.0.1:1/")).rejects.toThrow(/127\.0\.0\.1:1: .*ECONNREFUSED/);
});

test("an open stream ends with the lease, and with the caller's signal", async () => {
  await using far = await server((_request, response) => void response.writeHead(200).write("first"));
  const lease = new AbortController();
  const answer = await dialler([far.pair], { signal: lease.signal })(`http://${far.pair}/`);
  const reader = answer.body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first");
  lease.abort(new Error("over"));
  await expect(reader?.read()).rejects.toThrow();
  await expect(
    dialler([far.pair])(`http://${far.pair}/`, { signal: AbortSignal.abort(new Error("mine")) }),
  ).rejects.toThrow("mine");
});

test.each([
  ["an answer", "application/json", '{"a":1}'],
  ["one event of a stream", "text/event-stream", "data: a\n"],
])("%s without end is cut off; events without end are not", async (_what, type, piece) => {
  const chunk = Buffer.from(piece.repeat(20_000));
  await using far = await server((request, response) => {
    response.writeHead(200, { "content-type": type });
    const body = request.url === "/events" ? Buffer.concat([chunk, Buffer.from("\n\n")]) : chunk;
    let left = 400;
    const more = () => {
      while (left-- > 0) if (!response.write(body)) return void response.once("drain", more);
      response.end();
    };
    more();
  });
  const fetch = dialler([far.pair]);
  const read = async (path: string) => {
    let bytes = 0;
    for await (const part of (await fetch(`http://${far.pair}${path}`)).body ?? []) bytes += part.length;
    return bytes;
  };
  await expect(read("/")).rejects.toThrow(/more than 33554432 bytes/);
  if (type === "text/event-stream") expect(await read("/events")).toBe(400 * (chunk.length + 2));
});

test("the way back from a login: one answer at its path, and nothing else", async () => {
  const stop = new AbortController();
  const loopback = await openLoopback(0, stop.signal);
  const fetch = dialler([new URL(loopback.url).host]);
  expect((await fetch(new URL("/other?code=1", loopback.url))).status).toBe(404);
  expect((await fetch(loopback.url)).status).toBe(404);
  const back = loopback.answer("2");
  expect((await fetch(`${loopback.url}?code=1&state=3`)).status).toBe(404);
  expect(await (await fetch(`${loopback.url}?code=1&state=2`)).text()).toContain("close this page");
  expect(String(await back)).toBe("code=1&state=2");
  const taken = Number(new URL(loopback.url).port);
  await expect(openLoopback(taken, stop.signal)).rejects.toThrow(/EADDRINUSE/);
  loopback.close();
  const other = await openLoopback(0, stop.signal);
  stop.abort(new Error("stopped"));
  await expect(other.answer("4")).rejects.toThrow("stopped");
  other.close();
});
