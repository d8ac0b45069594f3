/** Finding servers and models: addresses, names, choices, and what is said when nobody answers. */

import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { CrucibleError } from "../../src/base/error.ts";
import { findTargets, LOOPBACK_PORTS, ollamaUrl, targetAt } from "../../src/models/discover.ts";
import { createModels } from "../../src/models/models.ts";
import { startModelServer } from "../kit/model-server.ts";
import { collect, options, requestWith } from "./wire-kit.ts";

const soon = () => AbortSignal.timeout(10_000);

/** A loopback port on which nobody listens: below the range that other tests' `listen(0)` draws from. */
async function deadPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

async function faultOf(work: Promise<unknown>) {
  const error: unknown = await work.then(
    () => expect.fail("it should have failed"),
    (reason: unknown) => reason,
  );
  if (!CrucibleError.isInstance(error)) throw error;
  return error.fault;
}

describe("addresses", () => {
  test.each([
    ["127.0.0.1", "http://127.0.0.1:11434"],
    ["myhost:9", "http://myhost:9"],
    [":9", "http://127.0.0.1:9"],
    ["http://myhost:9", "http://myhost:9"],
    ["https://myhost", "https://myhost"],
    ["http://myhost", "http://myhost"],
    ["[::1]:9", "http://[::1]:9"],
    ["[::1]", "http://[::1]:11434"],
    ["::1", "http://[::1]:11434"],
    ["myhost:9/sub", "http://myhost:9/sub"],
    ['"myhost"', "http://myhost:11434"],
  ])("OLLAMA_HOST=%s is %s", (text, url) => expect(ollamaUrl(text)).toBe(url));

  test.each([
    ["http://h:1", "http://h:1", "http://h:1/v1"],
    ["http://h:1/v1/", "http://h:1", "http://h:1/v1"],
    ["https://h/api/v1", "https://h/api", "https://h/api/v1"],
    ["h:1/v1/chat/completions", "http://h:1", "http://h:1/v1"],
    ["http://0.0.0.0:1", "http://127.0.0.1:1", "http://127.0.0.1:1/v1"],
  ])("%s has root %s and base %s", (text, root, base) => {
    expect(targetAt(text, { provider: "p", kind: undefined, origin: "test" })).toMatchObject({ root, base });
  });

  test.each(["", "http://", "ftp://h", "http://h:x"])("%j is refused", (text) => {
    expect(() => targetAt(text, { provider: "p", kind: undefined, origin: "--base-url" })).toThrow(/--base-url/);
  });

  test("configuration, environment and the usual ports, none twice", () => {
    const targets = findTargets({
      env: { OLLAMA_HOST: "localhost:11434", OPENAI_BASE_URL: "http://box:8000/v1", OPENAI_API_KEY: "key" },
      servers: [{ name: "box", kind: "openai-compatible", url: "http://box:7000" }],
      ports: LOOPBACK_PORTS,
    });
    expect(targets.map((target) => target.root)).toEqual([
      "http://box:7000",
      "http://localhost:11434",
      "http://box:8000",
      "http://127.0.0.1:1234",
      "http://127.0.0.1:8080",
      "http://127.0.0.1:8000",
    ]);
    expect(targets.map((target) => target.apiKey)).toEqual([
      undefined,
      undefined,
      "key",
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("what listens on a port", () => {
  test.each(["lmstudio", "llamacpp", "vllm"] as const)("%s is known by its routes", async (flavour) => {
    await using server = await startModelServer({ wire: "openai", flavour, window: 20_480, script: [] });
    const { models, servers } = await createModels(options({ ports: [server.port] })).list({}, soon());
    expect(servers).toMatchObject([{ provider: flavour, reachable: true }]);
    expect(models).toMatchObject([{ ref: { provider: flavour }, loadedWindow: { tokens: 20_480 }, state: "loaded" }]);
  });

  test("a server that only speaks the format is openai, its window unknown", async () => {
    await using server = await startModelServer({ wire: "openai", script: [] });
    const models = createModels(options({ ports: [server.port] }));
    const listed = await models.list({}, soon());
    expect(listed.models[0]).not.toHaveProperty("loadedWindow");
    const open = await models.open({}, soon());
    expect(open.ref.provider).toBe("openai");
    expect(open.window).toMatchObject({ tokens: 8192, source: "assumed" });
    expect(open.notes.join()).toContain("--context");
  });

  test("Ollama by an address that ends in /v1 is spoken to natively", async () => {
    await using server = await startModelServer({ wire: "ollama", script: [{ text: "hi" }] });
    const open = await createModels(options()).open({ baseUrl: `${server.url}/v1` }, soon());
    await collect(open, requestWith());
    expect(server.chats.map((chat) => chat.path)).toEqual(["/api/chat"]);
    expect(server.requests.every((request) => !request.path.startsWith("/v1"))).toBe(true);
  });

  test("Ollama's list tells size, state, windows and abilities with their sources", async () => {
    await using server = await startModelServer({
      wire: "ollama",
      loaded: true,
      window: 20_480,
      maxWindow: 40_960,
      capabilities: ["completion", "tools", "thinking"],
      script: [],
    });
    const { models } = await createModels(options({ ports: [server.port] })).list({}, soon());
    expect(models).toMatchObject([
      {
        ref: { provider: "ollama", model: "scripted:latest", digest: "5c".repeat(32) },
        state: "loaded",
        sizeBytes: 4_000_000,
        loadedWindow: { tokens: 20_480, source: "/api/ps" },
        maxWindow: { tokens: 40_960, source: "/api/show" },
        tools: "yes",
        thinking: "yes",
        vision: "no",
        kind: "chat",
      },
    ]);
  });
});

describe("choosing a model", () => {
  const two = {
    tags: [
      { name: "b:7b", model: "b:7b", size: 1 },
      { name: "nomic-embed:latest", model: "nomic-embed:latest", details: { family: "nomic-bert" } },
    ],
  };

  test("by provider and name, the tag may be left out", async () => {
    await using server = await startModelServer({ wire: "ollama", ...two, script: [] });
    const models = createModels(options({ ports: [server.port] }));
    expect((await models.open({ model: "ollama/b:7b" }, soon())).ref.model).toBe("b:7b");
    expect((await models.open({ model: "ollama/scripted" }, soon())).ref.model).toBe("scripted:latest");
    expect((await models.open({ model: "b:7b", localProvider: "ollama" }, soon())).ref.model).toBe("b:7b");
  });

  test("the configured default, else the loaded one, else the first; the note says which", async () => {
    await using server = await startModelServer({ wire: "ollama", model: "z", loaded: true, ...two, script: [] });
    await using cold = await startModelServer({ wire: "ollama", model: "a", script: [] });
    const preset = await createModels(options({ ports: [server.port], defaultModel: "ollama/b:7b" })).open({}, soon());
    expect(preset.ref.model).toBe("b:7b");
    const loaded = await createModels(options({ ports: [cold.port, server.port] })).open({}, soon());
    expect(loaded.ref.model).toBe("z");
    expect(loaded.notes.join()).toContain("is loaded");
    const first = await createModels(options({ ports: [cold.port] })).open({}, soon());
    expect(first.notes.join()).toContain("ollama/a chosen");
  });

  test("a name that is not there: what is meant, and how to fetch it", async () => {
    await using server = await startModelServer({ wire: "ollama", ...two, script: [] });
    const models = createModels(options({ ports: [server.port] }));
    expect(await faultOf(models.open({ model: "ollama/script" }, soon()))).toMatchObject({
      code: "model-missing",
      hint: expect.stringContaining("ollama pull script"),
    });
    expect(await faultOf(models.open({ model: "ollama/scriptd:latest" }, soon()))).toMatchObject({
      hint: expect.stringContaining("did you mean ollama/scripted:latest"),
    });
    expect(
      await faultOf(createModels(options({ env: { OLLAMA_HOST: server.url } })).open({ model: "olama/x" }, soon())),
    ).toMatchObject({ code: "model-missing", hint: expect.stringContaining("ollama/x") });
  });

  test("models that embed, are too small or run elsewhere are unfit", async () => {
    await using small = await startModelServer({ wire: "ollama", maxWindow: 2048, ...two, script: [] });
    const models = createModels(options({ ports: [small.port] }));
    expect(await faultOf(models.open({ model: "ollama/scripted" }, soon()))).toMatchObject({
      code: "model-unfit",
      message: expect.stringContaining("2048"),
    });
    await using embedder = await startModelServer({ wire: "ollama", capabilities: ["embedding"], script: [] });
    expect(
      await faultOf(createModels(options({ ports: [embedder.port] })).open({ model: "ollama/scripted" }, soon())),
    ).toMatchObject({ code: "model-unfit" });
    expect(await faultOf(createModels(options({ ports: [embedder.port] })).open({}, soon()))).toMatchObject({
      code: "model-missing",
    });
    await using cloud = await startModelServer({
      wire: "ollama",
      show: { remote_host: "https://ollama.com" },
      script: [{ text: "leak" }],
    });
    expect(await faultOf(createModels(options({ ports: [cloud.port] })).open({}, soon()))).toMatchObject({
      code: "model-unfit",
      message: expect.stringContaining("ollama.com"),
    });
    expect(cloud.chats).toEqual([]);
  });

  test("a server that wants a key says so; with the key it answers", async () => {
    await using server = await startModelServer({
      wire: "openai",
      override: (request) =>
        request.headers.authorization === "Bearer k1"
          ? undefined
          : { status: 401, body: { error: { message: "no key" } } },
      script: [{ text: "hi" }],
    });
    const env = { OPENAI_BASE_URL: server.url };
    expect(await faultOf(createModels(options({ env })).open({}, soon()))).toMatchObject({
      code: "authentication",
      hint: expect.stringContaining("OPENAI_API_KEY"),
    });
    const open = await createModels(options({ env: { ...env, OPENAI_API_KEY: "k1" } })).open(
      { model: "openai/scripted" },
      soon(),
    );
    expect((await collect(open, requestWith())).at(-1)).toMatchObject({ type: "finish" });
  });

  test("a server that is still loading its model is waited for", async () => {
    let left = 3;
    await using server = await startModelServer({
      wire: "openai",
      flavour: "llamacpp",
      override: () =>
        left-- > 0 ? { status: 503, body: { error: { message: "Loading model", code: 503 } } } : undefined,
      script: [],
    });
    expect((await createModels(options({ env: { LLAMA_BASE_URL: server.url } })).open({}, soon())).ref.provider).toBe(
      "llamacpp",
    );
  });
});

describe("nobody answers", () => {
  test("one line with the address, what was looked for, and the command that starts it", async () => {
    const port = await deadPort();
    const fault = await faultOf(createModels(options({ env: { OLLAMA_HOST: `127.0.0.1:${port}` } })).open({}, soon()));
    expect(fault).toMatchObject({ code: "server-unreachable", retryable: true, hint: "start it with: ollama serve" });
    expect(fault.message).toBe(
      `no model server answers; looked for Ollama at http://127.0.0.1:${port} (connection refused)`,
    );
  });

  test.each([
    ["lmstudio", "lms server start"],
    ["llamacpp", "llama-server"],
  ] as const)("%s is started its own way", async (localProvider, command) => {
    const fault = await faultOf(
      createModels(options()).open({ localProvider, baseUrl: `http://127.0.0.1:${await deadPort()}` }, soon()),
    );
    expect(fault.hint).toContain(command);
  });

  test("silent servers are left at the probe limit, side by side, and the living one is listed", async () => {
    await using server = await startModelServer({ wire: "ollama", script: [] });
    const silent = [createServer(), createServer()];
    for (const one of silent) await new Promise<void>((resolve) => one.listen(0, "127.0.0.1", resolve));
    const ports = [...silent.map((one) => (one.address() as AddressInfo).port), server.port];
    const sockets = new Set<{ destroy(): void }>();
    for (const one of silent) one.on("connection", (socket) => sockets.add(socket));
    const { models, servers } = await createModels(options({ ports, timeouts: { probeMs: 300 } })).list({}, soon());
    expect(servers.map((status) => status.reachable)).toEqual([false, false, true]);
    expect(models).toHaveLength(1);
    for (const socket of sockets) socket.destroy();
    for (const one of silent) one.close();
  });

  test("the server goes away between two turns", async () => {
    const server = await startModelServer({ wire: "ollama", loaded: true, script: [{ text: "hi" }] });
    const open = await createModels(options({ ports: [server.port] })).open({}, soon());
    await collect(open, requestWith());
    await server.close();
    expect((await collect(open, requestWith())).at(-1)).toMatchObject({
      type: "failure",
      fault: {
        code: "server-unreachable",
        message: expect.stringContaining(server.url),
        hint: "start it with: ollama serve",
      },
    });
  });

  test("something that is no model server", async () => {
    await using server = await startModelServer({
      wire: "openai",
      override: () => ({ status: 404, body: "nothing here" }),
      script: [],
    });
    expect(await faultOf(createModels(options()).open({ baseUrl: server.url }, soon()))).toMatchObject({
      code: "server-unreachable",
      message: expect.stringContaining("does not speak"),
    });
  });
});
