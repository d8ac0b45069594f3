import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { isPublicAddress } from "../../src/sandbox/addresses.ts";
import { htmlToText } from "../../src/sandbox/html-text.ts";
import { type Dialling, netHands } from "../../src/sandbox/net.ts";

const signal = new AbortController().signal;

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(answer: Answering) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const asked: string[] = [];
  const dialling: Dialling = {
    resolve: async (host) => {
      asked.push(host);
      return host === "evil.test" ? ["8.8.8.8", "127.0.0.1"] : ["127.0.0.1"];
    },
    permits: (address) => address === "127.0.0.1",
  };
  return { port, dialling, asked, [Symbol.dispose]: () => void server.close() };
}

const code = (work: Promise<unknown> | undefined) =>
  work?.then(
    () => "fetched",
    (error: { fault?: { code: string } }) => error.fault?.code ?? String(error),
  );

test("only the named host and port, by its checked address; redirects are checked again", async () => {
  using server = await serve((request, response) => {
    if (request.url === "/away") return void response.writeHead(302, { location: "http://other.test/" }).end();
    if (request.url === "/home") return void response.writeHead(301, { location: "/page?x=1" }).end();
    if (request.url === "/round") return void response.writeHead(302, { location: "/round" }).end();
    if (request.url === "/file") return void response.writeHead(302, { location: "file:///etc/passwd" }).end();
    response
      .writeHead(200, { "content-type": "text/html; charset=utf-8" })
      .end(`<h1>${request.headers.host}</h1><p>${request.url}`);
  });
  const host = `site.test:${server.port}`;
  const net = netHands({ hosts: [host] }, server.dialling);
  expect(await net.get(`http://${host}/home`, signal)).toEqual({
    url: `http://${host}/page?x=1`,
    status: 200,
    contentType: "text/html; charset=utf-8",
    body: `${host}\n\n/page?x=1`,
  });
  for (const url of [
    `http://${host}/away`,
    `http://${host}/file`,
    "http://site.test/",
    `https://other.test:${server.port}/`,
  ])
    expect(await code(net.get(url, signal)), url).toBe("denied");
  expect(await code(net.get(`http://${host}/round`, signal))).toBe("tool-failed");
  expect(new Set(server.asked)).toEqual(new Set(["site.test"]));
});

test("odd spellings of hosts never reach a resolver", async () => {
  using server = await serve((_request, response) => void response.end("x"));
  const net = netHands({ hosts: ["site.test:80", "evil.test:80"] }, server.dialling);
  const urls = [
    "ftp://site.test/",
    "file:///etc/passwd",
    "http://user@site.test/",
    "http://site.test\\@x/",
    "http://site.te\u0455t/",
    "http://%73ite.test/",
    "http:site.test",
    "http:///site.test",
    " http://site.test",
    "http://site\n.test/",
    "javascript:0",
  ];
  for (const url of urls) expect(await code(net.get(url, signal)), url).toMatch(/denied|bad-input/);
  expect(server.asked).toEqual([]);
  expect(await code(net.get("http://evil.test/", signal))).toBe("denied");
});

test("bodies are capped, binaries refused, other charsets decoded", async () => {
  using server = await serve((request, response) => {
    if (request.url === "/big")
      return void response.writeHead(200, { "content-type": "text/plain" }).end("x".repeat(3_000_000));
    if (request.url === "/png") return void response.writeHead(200, { "content-type": "image/png" }).end("x");
    if (request.url === "/gzip")
      return void response.writeHead(200, { "content-type": "text/plain", "content-encoding": "gzip" }).end("x");
    response
      .writeHead(404, { "content-type": "application/problem+json; charset=latin1" })
      .end(Buffer.from("caf\xe9", "latin1"));
  });
  const host = `site.test:${server.port}`;
  const net = netHands({ hosts: [host] }, server.dialling);
  expect((await net.get(`http://${host}/big`, signal)).body).toHaveLength(2 * 1024 * 1024);
  for (const path of ["png", "gzip"])
    expect(await code(net.get(`http://${host}/${path}`, signal)), path).toBe("bad-input");
  expect(await net.get(`http://${host}/none`, signal)).toMatchObject({ status: 404, body: "café" });
});

test("an abort ends the request", async () => {
  using server = await serve(() => undefined);
  const host = `site.test:${server.port}`;
  const controller = new AbortController();
  const fetching = netHands({ hosts: [host] }, server.dialling).get(`http://${host}/`, controller.signal);
  setTimeout(() => controller.abort(), 30);
  await expect(fetching).rejects.toMatchObject({ name: "AbortError" });
});

test.each([
  "127.0.0.1",
  "10.1.2.3",
  "169.254.169.254",
  "172.31.0.1",
  "192.168.1.1",
  "100.64.0.1",
  "0.0.0.0",
  "255.255.255.255",
  "224.0.0.1",
  "::1",
  "::",
  "::ffff:127.0.0.1",
  "::ffff:8.8.8.8",
  "fe80::1",
  "fd00::1",
  "64:ff9b::7f00:1",
  "2002:7f00:1::",
  "not an address",
])("%s is not public", (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111"])("%s is public", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test("loopback is refused by the real dialler", async () => {
  expect(
    await code(netHands({ hosts: ["127.0.0.1:9", "[::1]:9", "localhost:9"] }).get("http://127.0.0.1:9/", signal)),
  ).toBe("denied");
  expect(await code(netHands({ hosts: ["[::1]:9"] }).get("http://[::1]:9/", signal))).toBe("denied");
  expect(await code(netHands({ hosts: ["127.0.0.1:9"] }).get("http://0x7f.1:9/", signal))).toBe("denied");
});

test("html becomes readable text", () => {
  expect(
    htmlToText(
      "<head><title>t</title></head><script>x<y</script><h1>A &amp; B</h1><p>one<br>two</p><ul><li>x<li>y</ul><!-- c --><td>1</td><td>&#233;&#x41;&bogus;</td>",
    ),
  ).toBe("A & B\n\none\ntwo\n\n- x\n- y\n1\téA&bogus;");
});
