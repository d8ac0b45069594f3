/** Time and failure: limits, cancelling, dying servers, learning that stays. */
import { describe, expect, test } from "vitest";
import type { ModelPart } from "../../src/core/model.ts";
import type { OpenModel } from "../../src/core/ports/models.ts";
import { createModels } from "../../src/models/models.ts";
import { createWatchdog, firstTokenLimit, TIMEOUTS } from "../../src/models/timeouts.ts";
import { type ModelServerOptions, startModelServer } from "../kit/model-server.ts";
import { collect, options, requestWith, shorten } from "./wire-kit.ts";

const soon = () => AbortSignal.timeout(10_000);
const wires = ["ollama", "openai"] as const;

async function opened(
  server: { port: number },
  timeouts: NonNullable<Parameters<typeof options>[0]>["timeouts"] = {},
): Promise<OpenModel> {
  return createModels(
    options({ ports: [server.port], timeouts: { busyWaitsMs: [0, 0], loadingWaitMs: 0, ...timeouts } }),
  ).open({}, soon());
}
const scripted = (wire: "ollama" | "openai", script: ModelServerOptions["script"]) =>
  startModelServer({ wire, flavour: "vllm", loaded: true, script });

describe.each(wires)("%s", (wire) => {
  test("cancelling closes the socket while the server still speaks", async () => {
    await using server = await scripted(wire, [{ text: "word ".repeat(1_000), chunkDelayMs: 5 }]);
    const model = await opened(server);
    const stop = new AbortController();
    const parts: ModelPart[] = [];
    for await (const part of model.generate(requestWith(), stop.signal)) {
      parts.push(part);
      if (part.type === "text") stop.abort();
    }
    expect(parts.at(-1)).toMatchObject({ type: "failure", fault: { code: "aborted" } });
    await expect.poll(() => server.aborted.count, { interval: 5 }).toBe(1);
  });

  test("cancelling before the first byte closes the socket too", async () => {
    await using server = await scripted(wire, [{ text: "late", delayMs: 60_000 }]);
    const model = await opened(server);
    const stop = new AbortController();
    const answer = collect(model, requestWith(), stop.signal);
    await expect.poll(() => server.chats.length, { interval: 5 }).toBe(1);
    stop.abort();
    expect((await answer).at(-1)).toMatchObject({ type: "failure", fault: { code: "aborted" } });
    await expect.poll(() => server.aborted.count, { interval: 5 }).toBe(1);
  });

  test("leaving the loop closes the socket", async () => {
    await using server = await scripted(wire, [{ text: "word ".repeat(1_000), chunkDelayMs: 5 }]);
    for await (const part of (await opened(server)).generate(requestWith(), soon())) if (part.type === "text") break;
    await expect.poll(() => server.aborted.count, { interval: 5 }).toBe(1);
  });

  test("silence between tokens is a stall, and what came is kept", async () => {
    await using server = await scripted(wire, [{ rawChunks: [firstOf(wire)], hang: true }]);
    const parts = await collect(await opened(server, { stallMs: 60 }), requestWith());
    expect(shorten(parts)).toEqual([
      ["text", "Hi"],
      ["failure", "server-stalled", true],
    ]);
  });

  test("no first token in time", async () => {
    await using server = await scripted(wire, [{ text: "late", delayMs: 5_000 }]);
    const parts = await collect(await opened(server, { firstTokenMinMs: 60, firstTokenMaxMs: 60 }), requestWith());
    expect(shorten(parts)).toEqual([["failure", "server-stalled", true]]);
  });

  test("a slow prompt is no stall: only tokens start that clock", async () => {
    await using server = await scripted(wire, [{ text: "slow", delayMs: 600 }]);
    const parts = await collect(await opened(server, { stallMs: 300 }), requestWith());
    expect(parts.at(-1)).toMatchObject({ type: "finish" });
  });

  test("a reader that takes its time is no stall", async () => {
    await using server = await scripted(wire, [{ text: "abcdefgh" }]);
    const model = await opened(server, { stallMs: 300 });
    const parts: ModelPart[] = [];
    for await (const part of model.generate(requestWith(), soon())) {
      parts.push(part);
      if (parts.length === 1) await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect(parts.at(-1)).toMatchObject({ type: "finish" });
  });

  test("a server that dies in mid-stream is told at once, nothing is sent twice", async () => {
    await using server = await scripted(wire, [{ text: "word ".repeat(200), dieAfterBytes: 3_000 }, { text: "again" }]);
    const parts = await collect(await opened(server), requestWith());
    expect(parts.at(-1)).toMatchObject({ type: "failure", fault: { code: "server-error", retryable: true } });
    expect(parts[0]).toMatchObject({ type: "text" });
    expect(server.chats).toHaveLength(1);
  });

  test("a call of a reply that dies is never delivered", async () => {
    await using server = await scripted(wire, [
      { text: "I read", toolCalls: [{ name: "read", arguments: { path: "a" } }], error: "out of memory", status: 200 },
    ]);
    const parts = await collect(await opened(server), requestWith());
    expect(parts.map((part) => part.type)).toEqual(["text", "failure"]);
  });

  test("20,000 tokens arrive whole and in order", async () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `${index % 1000}`.padStart(3, "0")).join(" ");
    await using server = await scripted(wire, [{ text }]);
    const parts = await collect(await opened(server), requestWith());
    expect(parts.map((part) => (part.type === "text" ? part.text : "")).join("")).toBe(text);
  });

  test("what was learned is stored, and read again by the next process", async () => {
    const refuse =
      wire === "ollama"
        ? { status: 400, error: "m does not support tools" }
        : { status: 400, error: "unknown field stream_options" };
    await using server = await scripted(wire, [refuse, { text: "one" }, { text: "two" }]);
    const kept = new Map<string, unknown>();
    const quirks = {
      load: (key: string) => kept.get(key),
      save: (key: string, value: unknown) => void kept.set(key, structuredClone(value)),
    };
    const first = await createModels(options({ ports: [server.port], quirks })).open({}, soon());
    expect(
      (await collect(first, requestWith())).some((part) => part.type === "note" && part.code === "quirk-learned"),
    ).toBe(true);
    expect([...kept.keys()].filter((key) => !key.startsWith("rates "))).toHaveLength(1);
    const second = await createModels(options({ ports: [server.port], quirks })).open({}, soon());
    expect(
      (await collect(second, requestWith())).some((part) => part.type === "note" && part.code === "quirk-learned"),
    ).toBe(false);
    expect(server.chats).toHaveLength(3);
  });
});

const firstOf = (wire: "ollama" | "openai") =>
  wire === "ollama"
    ? `${JSON.stringify({ model: "m", message: { content: "Hi" }, done: false })}\n`
    : `data: ${JSON.stringify({ choices: [{ delta: { content: "Hi" } }] })}\n\n`;

test("a ping is no progress, prompt progress is", async () => {
  const progress = (processed: number) =>
    `data: ${JSON.stringify({ choices: [], prompt_progress: { total: 9, cache: 0, processed } })}\n\n`;
  const limits = { stallMs: 300, firstTokenMinMs: 300, firstTokenMaxMs: 300 };
  await using pinging = await scripted("openai", [
    { rawChunks: [firstOf("openai"), ...Array.from({ length: 40 }, () => ": ping\n\n")], chunkDelayMs: 15, hang: true },
  ]);
  expect(shorten(await collect(await opened(pinging, limits), requestWith()))).toEqual([
    ["text", "Hi"],
    ["failure", "server-stalled", true],
  ]);
  await using working = await scripted("openai", [
    { rawChunks: [...[1, 3, 5, 7, 9].map(progress), firstOf("openai"), "data: [DONE]\n\n"], chunkDelayMs: 100 },
  ]);
  const parts = await collect(await opened(working, { ...limits, stallMs: 1_000 }), requestWith());
  expect(parts.filter((part) => part.type === "prefill")).toHaveLength(5);
  expect(parts.at(-1)).toMatchObject({ type: "finish" });
});

test("a cold model is announced as loading and has its own, longer limit", async () => {
  await using server = await startModelServer({
    wire: "ollama",
    script: [
      { text: "up", delayMs: 150 },
      { text: "late", delayMs: 5_000 },
    ],
  });
  const model = await opened(server, { firstTokenMinMs: 60, firstTokenMaxMs: 60, loadMs: 5_000 });
  expect(shorten(await collect(model, requestWith()))[0]).toEqual(["loading"]);
  expect(shorten(await collect(model, requestWith()))).toEqual([["failure", "server-stalled", true]]);
});

test("loading that never ends is told under the load limit", async () => {
  await using server = await scripted("openai", () => ({
    status: 503,
    error: { error: { message: "Loading model", code: 503 } },
  }));
  const parts = await collect(await opened(server, { loadMs: 1_000, loadingWaitMs: 5 }), requestWith());
  expect(parts.at(-1)).toMatchObject({ type: "failure", fault: { code: "server-stalled" } });
  expect(parts.filter((part) => part.type === "loading").length).toBeGreaterThan(1);
});

test("ids of calls are new in the thread, whatever the server says", async () => {
  await using server = await scripted("openai", [
    {
      toolCalls: [
        { id: "c1", name: "read", arguments: { path: "a" } },
        { id: "c9", name: "read", arguments: { path: "b" } },
      ],
    },
  ]);
  const parts = await collect(
    await opened(server),
    requestWith({
      messages: [
        { role: "user", parts: [{ type: "text", text: "x" }] },
        {
          role: "assistant",
          voice: "v",
          model: { provider: "p", model: "m" },
          usage: { input: 1, output: 1, source: "reported" },
          stop: "tool-calls",
          parts: [{ type: "tool-call", id: "c1", tool: "read", input: {} }],
        },
        { role: "tool", callId: "c1", tool: "read", failed: false, parts: [] },
      ],
    }),
  );
  const ids = parts.flatMap((part) => (part.type === "tool-call" ? [part.call.id] : []));
  expect(ids).toEqual(["call_300", "c9"]);
});

test("the limit to the first token grows with the prompt and is bounded", () => {
  expect(firstTokenLimit(TIMEOUTS, 10)).toBe(TIMEOUTS.firstTokenMinMs);
  expect(firstTokenLimit(TIMEOUTS, 3_000)).toBe(305_000);
  expect(firstTokenLimit(TIMEOUTS, 30_000, 300)).toBe(305_000);
  expect(firstTokenLimit(TIMEOUTS, 1e9)).toBe(TIMEOUTS.firstTokenMaxMs);
});

test("the watchdog counts waiting only, and sets one timer for many tokens", async () => {
  let late = 0;
  const clock = { now: () => 0, monotonic: () => performance.now() };
  const dog = createWatchdog(clock, () => late++);
  dog.allow(40);
  dog.waiting(true);
  await expect.poll(() => late, { interval: 5 }).toBe(1);
  dog.stop();
});
