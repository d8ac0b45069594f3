/** What a person orders of a server: fetching, loading, unloading; and the settings of one model. */
import { describe, expect, test } from "vitest";
import { createModels } from "../../src/models/models.ts";
import { type RecordedRequest, startModelServer } from "../kit/model-server.ts";
import { collect, options, requestWith } from "./wire-kit.ts";

const soon = () => AbortSignal.timeout(10_000);
const lines = (...values: readonly object[]) => values.map((value) => `${JSON.stringify(value)}\n`);

/** Sends one scripted body for a path, in pieces, and answers the rest as an Ollama server with one model. */
async function ollamaWith(path: string, chunks: readonly string[]) {
  const { createServer } = await import("node:http");
  const bodies: unknown[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      if (request.url === path) {
        bodies.push(JSON.parse(Buffer.concat(parts).toString()));
        for (const chunk of chunks) response.write(chunk);
        response.end();
      } else if (request.url === "/api/version") response.end('{"version":"0.33.0"}');
      else if (request.url === "/api/tags") response.end('{"models":[{"name":"m:1","digest":"d"}]}');
      else response.end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return { port, bodies, [Symbol.asyncDispose]: async () => void server.close() };
}

describe("pull", () => {
  const pull = async (port: number) => {
    const steps: unknown[] = [];
    const models = createModels(options({ ports: [port] }));
    for await (const step of models.pull({ model: "ollama/big:1" }, soon())) steps.push(step);
    return steps;
  };

  test("tells bytes as they come, however the reply is cut", async () => {
    const body = lines(
      { status: "pulling manifest" },
      { status: "pulling abc", total: 100, completed: 40 },
      { status: "success" },
    ).join("");
    await using server = await ollamaWith("/api/pull", [body.slice(0, 30), body.slice(30, 61), body.slice(61)]);
    expect(await pull(server.port)).toEqual([
      { status: "pulling manifest" },
      { status: "pulling abc", done: 40, total: 100 },
      { status: "success" },
    ]);
    expect(server.bodies).toEqual([{ model: "big:1", stream: true }]);
  });

  test("an error in the stream and a stream without an end are faults", async () => {
    await using refusing = await ollamaWith(
      "/api/pull",
      lines({ status: "pulling manifest" }, { error: "file does not exist" }),
    );
    await expect(pull(refusing.port)).rejects.toMatchObject({
      fault: { code: "model-missing", message: expect.stringContaining("file does not exist") as string },
    });
    await using broken = await ollamaWith("/api/pull", lines({ status: "pulling abc", total: 9, completed: 1 }));
    await expect(pull(broken.port)).rejects.toMatchObject({
      fault: { message: expect.stringContaining("broke off") as string },
    });
  });

  test("a server that dies while it fetches is a fault of the server", async () => {
    const { createServer } = await import("node:http");
    const server = createServer((request, response) => {
      if (request.url === "/api/version") response.end('{"version":"0.33.0"}');
      else if (request.url === "/api/tags") response.end('{"models":[{"name":"m:1","digest":"d"}]}');
      else response.write(lines({ status: "pulling abc" }).join(""), () => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await expect(pull((server.address() as { port: number }).port)).rejects.toMatchObject({
      fault: { code: "server-unreachable", message: expect.stringContaining("while it fetched big:1") as string },
    });
    server.close();
  });
});

describe("load and unload", () => {
  test("Ollama: an empty chat in the window that will be used; unload is a keep-alive of 0", async () => {
    await using server = await startModelServer({
      wire: "ollama",
      model: "m:1",
      loaded: true,
      window: 16_384,
      script: () => ({}),
    });
    const models = createModels(options({ ports: [server.port] }));
    const opened = await models.load({ model: "m:1", context: 20_000 }, soon(), "24h");
    expect(opened.window).toMatchObject({ tokens: 20_000, source: "configured" });
    await models.load({ model: "m:1" }, soon(), "-1");
    await models.unload({ model: "m:1" }, soon());
    const orders = server.requests.filter(({ path }) => path === "/api/chat").map(({ body }) => body);
    expect(orders).toMatchObject([
      { model: "m:1", messages: [], keep_alive: "24h", options: { num_ctx: 20_000 } },
      { keep_alive: -1, options: { num_ctx: 16_384 } },
      { keep_alive: 0 },
    ]);
    expect(orders[2]).not.toHaveProperty("options");
  });

  const ordered = async (flavour: "lmstudio" | "llamacpp" | "vllm") => {
    const orders: unknown[] = [];
    const override = ({ path, body, method }: RecordedRequest) => {
      if (path === "/api/v1/models" && flavour === "lmstudio")
        return { status: 200, body: { models: [{ key: "m", loaded_instances: [{ id: "m:2" }] }] } };
      if (method !== "POST" || !/load$/.test(path)) return undefined;
      orders.push([path, body]);
      return { status: 200, body: { ok: true } };
    };
    const server = await startModelServer({ wire: "openai", flavour, model: "m", window: 8_192, override, script: [] });
    return { server, orders, models: createModels(options({ ports: [server.port] })) };
  };

  test("LM Studio by its native routes, each loaded instance; llama-server in router mode", async () => {
    const studio = await ordered("lmstudio");
    await studio.models.load({ model: "m" }, soon());
    await studio.models.unload({ model: "m" }, soon());
    expect(studio.orders).toEqual([
      ["/api/v1/models/load", { model: "m", context_length: 8_192 }],
      ["/api/v1/models/unload", { instance_id: "m:2" }],
    ]);
    const llama = await ordered("llamacpp");
    await llama.models.load({ model: "m" }, soon());
    await llama.models.unload({ model: "m" }, soon());
    expect(llama.orders).toEqual([
      ["/models/load", { model: "m" }],
      ["/models/unload", { model: "m" }],
    ]);
    await studio.server.close();
    await llama.server.close();
  });

  test("a server that cannot says so", async () => {
    const { server, models } = await ordered("vllm");
    for (const order of [models.load({ model: "m" }, soon()), models.unload({ model: "m" }, soon())])
      await expect(order).rejects.toMatchObject({
        fault: { code: "model-unfit", message: expect.stringMatching(/has no way to (un)?load a model/) as string },
      });
    await server.close();
  });
});

describe("profiles", () => {
  const profiles = {
    "ollama/m": { temperature: 0.2, topK: 20, minP: 0.05, repeatPenalty: 1.1, keepAlive: "2h", context: 12_000 },
    "vllm/m": { topP: 0.9, topK: 40, effort: "high" as const, templateArguments: { style: "terse" } },
  };

  test("Ollama: every setting is sent; what the request says wins", async () => {
    await using server = await startModelServer({
      wire: "ollama",
      model: "m:latest",
      loaded: true,
      script: () => ({ text: "x" }),
    });
    const models = createModels(options({ ports: [server.port], profiles, sampling: { temperature: 0.9, topP: 0.8 } }));
    const model = await models.open({}, soon());
    expect(model.window).toMatchObject({ tokens: 12_000, source: "configured" });
    await collect(model, requestWith({ sampling: { temperature: 0 } }));
    expect(server.chats[0]?.body).toMatchObject({
      keep_alive: "2h",
      options: { num_ctx: 12_000, temperature: 0, top_p: 0.8, top_k: 20, min_p: 0.05, repeat_penalty: 1.1 },
    });
  });

  test("OpenAI style: a server that knows only temperature and top_p is asked again without the rest, and remembered", async () => {
    const refuse = { status: 400, error: "unexpected field top_k" };
    await using server = await startModelServer({
      wire: "openai",
      flavour: "vllm",
      model: "m",
      script: [refuse, { text: "x" }, { text: "y" }],
    });
    const model = await createModels(options({ ports: [server.port], profiles })).open({}, soon());
    await collect(model, requestWith());
    await collect(model, requestWith());
    const [first, ...later] = server.chats.map(({ body }) => body);
    expect(first).toMatchObject({
      top_p: 0.9,
      top_k: 40,
      reasoning_effort: "high",
      chat_template_kwargs: { style: "terse" },
    });
    expect(later).toHaveLength(2);
    for (const body of later) {
      expect(body).toMatchObject({ top_p: 0.9 });
      expect(body).not.toHaveProperty("top_k");
    }
  });
});

describe("warming", () => {
  const thread = requestWith({ messages: [{ role: "user", parts: [{ type: "text", text: "A long thread." }] }] });

  test("llama-server reads the very bytes of the prompt and writes nothing", async () => {
    await using server = await startModelServer({
      wire: "openai",
      flavour: "llamacpp",
      model: "m",
      script: () => ({ text: "x" }),
    });
    const model = await createModels(options({ ports: [server.port] })).open({}, soon());
    expect(await model.warm(thread, soon())).toBe(true);
    await collect(model, thread);
    const [warmed, asked] = server.chats.map(({ raw }) => raw.toString());
    expect(JSON.parse(warmed ?? "")).toMatchObject({ stream: false, n_predict: 0 });
    const messages = (body = "") => body.slice(body.indexOf('"messages":'));
    expect(messages(warmed)).toBe(messages(asked));
  });

  test("Ollama loads the model in its window; a server without a way says so; a fault is a fault", async () => {
    await using ollama = await startModelServer({
      wire: "ollama",
      model: "m:1",
      loaded: true,
      window: 16_384,
      script: () => ({}),
    });
    const model = await createModels(options({ ports: [ollama.port] })).open({}, soon());
    expect(await model.warm(thread, soon())).toBe(true);
    expect(ollama.chats.at(-1)?.body).toMatchObject({ messages: [], options: { num_ctx: 16_384 } });
    await using plain = await startModelServer({ wire: "openai", flavour: "vllm", model: "m", script: [] });
    expect(await (await createModels(options({ ports: [plain.port] })).open({}, soon())).warm(thread, soon())).toBe(
      false,
    );
    await ollama.close();
    await expect(model.warm(thread, soon())).rejects.toMatchObject({ fault: { code: "server-unreachable" } });
    expect(model.lane.failures).toBe(1);
  });
});
