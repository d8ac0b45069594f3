/** The model layer: routing, requests on their way out and chunks on their way in, embeddings in batches, ten voices on one server. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { systemClock } from "../src/base/clock.ts";
import type { ModelRequest } from "../src/core/model.ts";
import type { OpenModel } from "../src/core/ports/models.ts";
import { complexityOf } from "../src/models/complexity.ts";
import { createModels } from "../src/models/models.ts";
import { decideRoute, type RouteCandidate } from "../src/models/route.ts";
import { startModelServer } from "../test/kit/model-server.ts";
import { median, quantile, type Row } from "./kit.ts";

export async function models(): Promise<Row[]> {
  return [await roomStart(), route(), ...(await onTheWire()), ...(await batches()), ...(await tenVoices())];
}

const quirks = { load: () => undefined, save: () => undefined };
const room = (settings: object) =>
  createModels({
    env: {},
    servers: [],
    windows: {},
    ports: [],
    quirks,
    clock: systemClock,
    freeMemoryBytes: () => 8e9,
    ...settings,
  });
const named = (url: string, slots = 1) => ({
  ports: [],
  servers: [{ name: "s", kind: "openai-compatible" as const, url, slots }],
});
const requestOf = (text: string): ModelRequest => ({
  system: "You help.",
  messages: [{ role: "user", parts: [{ type: "text", text }] }],
  tools: [],
  sampling: {},
});

/** Processor time of loading the room from a bundle of its own, beyond that of an empty module. */
async function roomStart(): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), "crucible-bench-models-"));
  const bundle = await rolldown({
    input: join(import.meta.dirname, "../src/models/models.ts"),
    platform: "node",
    transform: { target: "node24" },
  });
  await bundle.write({ dir: folder, format: "esm", minify: true, entryFileNames: "[name].mjs" });
  const cpu = (code: string) => {
    const all = `const {user, system} = process.cpuUsage(); ${code}; const end = process.cpuUsage(); console.log((end.user + end.system - user - system) / 1000)`;
    const run = () => Number(execFileSync(process.execPath, ["--input-type=module", "-e", all]).toString());
    return median(Array.from({ length: 15 }, run));
  };
  const own = cpu(`await import(${JSON.stringify(join(folder, "models.mjs"))})`);
  const floor = cpu("await 0");
  rmSync(folder, { recursive: true });
  return {
    item: "model room, processor time to load",
    value: own - floor,
    unit: "ms",
    budget: { most: 10 },
    note: "bundled, beyond an empty module",
  };
}

function route(): Row {
  const rates = {
    answers: 9,
    validCalls: 9,
    invalidCalls: 1,
    prefillPerSecond: 900,
    decodePerSecond: 30,
    outcomes: { middle: { good: 9, bad: 2 } },
  };
  const candidates: RouteCandidate[] = Array.from({ length: 10 }, (_, n) => ({
    name: `p/${n}`,
    tier: n % 2 ? "fast" : "quality",
    named: false,
    fallback: n > 6,
    window: 8_192 * (n + 1),
    promptTokens: 6_000,
    cachedTokens: 1_000 * n,
    tools: "yes",
    vision: "no",
    resident: n < 3,
    rates,
    queue: n % 3,
  }));
  const prompt = `fix the failing test\n${"a pasted line of a log\n".repeat(2_000)}`;
  const times: number[] = [];
  for (let n = 0; n < 20_000; n++) {
    const started = performance.now();
    decideRoute({ candidates, complexity: complexityOf(prompt), needs: { tools: true, vision: false } });
    if (n > 2_000) times.push(performance.now() - started);
  }
  return {
    item: "route decision, ten models, p99",
    value: quantile(times, 0.99),
    unit: "ms",
    budget: { most: 1 },
    note: `p50 ${quantile(times, 0.5).toFixed(4)} ms, a prompt of 46 kB`,
  };
}

async function onTheWire(): Promise<Row[]> {
  let arrived = 0;
  const server = await startModelServer({
    wire: "openai",
    flavour: "vllm",
    model: "m",
    script: () => {
      arrived = performance.now();
      return { text: "word ".repeat(40), chunkTokens: 2, chunkDelayMs: 4 };
    },
  });
  const model = await room(named(server.url)).open({ model: "s/m" }, AbortSignal.timeout(10_000));
  const toSocket: number[] = [];
  const thread = requestOf("x".repeat(24_000));
  for (let n = 0; n < 60; n++) {
    const started = performance.now();
    for await (const part of model.generate(thread, AbortSignal.timeout(10_000))) if (part.type === "text") break;
    if (n > 9) toSocket.push(arrived - started);
  }
  await server.close();
  return [
    {
      item: "request built to seen by the server, p95",
      value: quantile(toSocket, 0.95),
      unit: "ms",
      budget: { most: 10 },
      note: "24 kB prompt, server in the same process",
    },
    await chunks(),
    await death(),
  ];
}

/** A server that writes the time into each chunk. */
async function chunks(): Promise<Row> {
  const server = createServer((request, response) => {
    if (request.url === "/v1/models")
      return void response.end(JSON.stringify({ data: [{ id: "m", max_model_len: 32_768 }] }));
    if (request.url !== "/v1/chat/completions") return void response.writeHead(404).end("{}");
    let left = 200;
    const timer = setInterval(() => {
      const delta = (fields: object, finish: string | null = null) =>
        response.write(
          `data: ${JSON.stringify({ model: "m", choices: [{ index: 0, delta: fields, finish_reason: finish }] })}\n\n`,
        );
      if (left-- > 0) return void delta({ content: `${performance.now()} ` });
      clearInterval(timer);
      delta({}, "stop");
      response.end("data: [DONE]\n\n");
    }, 5);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const model = await room(named(`http://127.0.0.1:${port}`)).open({ model: "s/m" }, AbortSignal.timeout(10_000));
  const late: number[] = [];
  for await (const part of model.generate(requestOf("x"), AbortSignal.timeout(20_000)))
    if (part.type === "text") late.push(performance.now() - Number(part.text.trim().split(" ").at(-1)));
  server.close();
  server.closeAllConnections();
  return {
    item: "chunk written to event, p95",
    value: quantile(late, 0.95),
    unit: "ms",
    budget: { most: 2 },
    note: `p50 ${median(late).toFixed(3)} ms, one chunk every 5 ms`,
  };
}

/** A server that dies in mid-answer: from its socket's end to the fault that closes the shown part. */
async function death(): Promise<Row> {
  const late: number[] = [];
  for (let round = 0; round < 20; round++) {
    let died = 0;
    const server = createServer((request, response) => {
      if (request.url === "/v1/models")
        return void response.end(JSON.stringify({ data: [{ id: "m", max_model_len: 32_768 }] }));
      if (request.url !== "/v1/chat/completions") return void response.writeHead(404).end("{}");
      const choices = [{ index: 0, delta: { content: "half of an answer" }, finish_reason: null }];
      response.write(`data: ${JSON.stringify({ model: "m", choices })}\n\n`);
      setTimeout(() => {
        died = performance.now();
        response.destroy();
      }, 20);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const model = await room(named(`http://127.0.0.1:${port}`)).open({ model: "s/m" }, AbortSignal.timeout(10_000));
    for await (const part of model.generate(requestOf("x"), AbortSignal.timeout(20_000)))
      if (part.type === "failure") late.push(performance.now() - died);
    server.close();
    server.closeAllConnections();
  }
  return {
    item: "server died to shown part closed, most of 20",
    value: Math.max(...late),
    unit: "ms",
    budget: { most: 100 },
    note: `p50 ${median(late).toFixed(2)} ms`,
  };
}

/** 200 texts one after the other and all together: what batching saves is transport, the model's time is the same. */
async function batches(): Promise<Row[]> {
  const server = await startModelServer({
    wire: "openai",
    flavour: "vllm",
    model: "e",
    script: [],
    override: ({ path, body }) =>
      path === "/v1/embeddings"
        ? {
            status: 200,
            body: {
              data: (body["input"] as string[]).map((text, index) => ({ index, embedding: [text.length, 1, 2, 3] })),
            },
          }
        : undefined,
  });
  const embedder = await room(named(server.url)).embedder({ model: "s/e" }, AbortSignal.timeout(10_000));
  const texts = (round: number) => Array.from({ length: 200 }, (_, n) => `text ${n} of ${round}`);
  const signal = AbortSignal.timeout(60_000);
  const singles: number[] = [];
  const together: number[] = [];
  for (let round = 0; round < 8; round++) {
    let started = performance.now();
    for (const text of texts(round)) await embedder.embed([text], signal);
    if (round > 0) singles.push(performance.now() - started);
    started = performance.now();
    await embedder.embed(texts(round), signal);
    if (round > 0) together.push(performance.now() - started);
  }
  await server.close();
  return [
    {
      item: "200 embeddings in batches, transport",
      value: median(together),
      unit: "ms",
      floor: median(singles),
      note: `saves ${Math.round((1 - median(together) / median(singles)) * 100)} % of the transport of 200 single requests; a model's own time is not saved`,
    },
  ];
}

const COMMANDS = 12;
const EVERY_MS = 60_000 / 35;
const VOICES = 10;
const TOKENS_PER_SECOND = 50;
const ANSWER_TOKENS = 40;
const SLOTS = 10;

/** 35 commands a minute, each asking ten voices for 40 tokens, on ten slots that write 50 tokens/s. */
async function tenVoices(): Promise<Row[]> {
  const server = await startModelServer({
    wire: "openai",
    flavour: "llamacpp",
    model: "m",
    script: () => ({ text: "abc ".repeat(ANSWER_TOKENS), tokensPerSecond: TOKENS_PER_SECOND }),
  });
  const model = await room(named(server.url, SLOTS)).open({ model: "s/m" }, AbortSignal.timeout(10_000));
  const took: number[] = [];
  const started = performance.now();
  await Promise.all(
    Array.from({ length: COMMANDS }, async (_, n) => {
      await new Promise((resolve) => setTimeout(resolve, n * EVERY_MS));
      const at = performance.now();
      await Promise.all(Array.from({ length: VOICES }, () => whole(model)));
      took.push(performance.now() - at);
    }),
  );
  const minutes = (performance.now() - started) / 60_000;
  await server.close();
  const service = ANSWER_TOKENS / TOKENS_PER_SECOND;
  const load = ((35 / 60) * VOICES * service) / SLOTS;
  return [
    {
      item: "commands a minute, ten voices, 50 tokens/s",
      value: COMMANDS / minutes,
      unit: "/min",
      budget: { least: 31 },
      note: `arrivals 35/min x 10 answers of ${ANSWER_TOKENS} tokens (${service} s each) on ${SLOTS} slots: load ${load.toFixed(2)}, D/D/c without queue while a command's ${VOICES} answers fit ${SLOTS} slots; the first and last command count whole, so ${COMMANDS} of them end at ${((COMMANDS * 60) / ((COMMANDS - 1) * (60 / 35) + service)).toFixed(1)}/min at best`,
    },
    {
      item: "one command of ten voices, p95",
      value: quantile(took, 0.95) / 1_000,
      unit: "s",
      floor: service,
      note: "floor: the writing of one answer",
    },
  ];
}

async function whole(model: OpenModel): Promise<void> {
  for await (const part of model.generate(requestOf("vote"), AbortSignal.timeout(60_000), "council"))
    if (part.type === "failure") throw new Error(part.fault.message);
}
