/** Several servers behind one model: what a dead, dying or mended server does to the answers. */
import { expect, test, vi } from "vitest";
import type { ModelRequest } from "../../src/core/model.ts";
import type { OpenModel, QuirkStore } from "../../src/core/ports/models.ts";
import { createModels } from "../../src/models/models.ts";
import { startModelServer } from "../kit/model-server.ts";
import { collect, options, requestWith, shorten } from "./wire-kit.ts";

const soon = () => AbortSignal.timeout(20_000);
const server = (name: string, port: number) => ({
  name,
  kind: "openai-compatible" as const,
  url: `http://127.0.0.1:${port}`,
});
const answering = (text: string, model: string) =>
  startModelServer({ wire: "openai", flavour: "vllm", model, script: () => ({ text }) });

function memoryStore(): QuirkStore & { readonly kept: Map<string, unknown> } {
  const kept = new Map<string, unknown>();
  return { kept, load: (key) => kept.get(key), save: (key, value) => void kept.set(key, value) };
}

/** A port on which nobody listens. */
async function deadPort(): Promise<number> {
  const gone = await answering("", "gone");
  await gone.close();
  return gone.port;
}

const QUICK = { busyWaitsMs: [0, 0], loadingWaitMs: 0 };

test("a thousand calls to a dead server cost no more connections than the breaker lets fail", async () => {
  let connects = 0;
  const dying = await startModelServer({
    wire: "openai",
    flavour: "vllm",
    script: () => ({ rawChunks: [], dieAfterBytes: 0 }),
  });
  const kept = memoryStore();
  const model = await createModels(
    options({
      ports: [dying.port],
      quirks: kept,
      timeouts: QUICK,
      servers: [{ ...server("s", dying.port), slots: 64 }],
    }),
  ).open({}, soon());
  const before = dying.chats.length;
  const calls = Array.from({ length: 1_000 }, () => collect(model, requestWith(), soon()));
  const answers = await Promise.all(calls);
  connects = dying.chats.length - before;
  expect(answers.every((parts) => parts.at(-1)?.type === "failure")).toBe(true);
  // A call whose stream broke before the first token is sent once more.
  expect(connects).toBeLessThanOrEqual(2 * 5);
  expect(model.lane).toMatchObject({ breaker: "open", failures: 5 });
  expect([...kept.kept.keys()]).toContain(`lane ${dying.url} s/scripted`);
  await dying.close();
});

test("a thousand calls to nobody: five connections", async () => {
  const living = await answering("here", "m");
  const model = await createModels(
    options({ ports: [], servers: [{ ...server("s", living.port), slots: 64 }], timeouts: QUICK }),
  ).open({}, soon());
  await living.close();
  const faults = await Promise.all(
    Array.from({ length: 1_000 }, async () => (await collect(model, requestWith(), soon())).at(-1)),
  );
  const refused = faults.filter((part) => part?.type === "failure" && /connection refused/.test(part.fault.message));
  const spared = faults.filter((part) => part?.type === "failure" && /left alone for \d+ s/.test(part.fault.message));
  expect([refused.length, spared.length]).toEqual([5, 995]);
});

test("a server that is up again is tried by one probe and one call, then serves as before", async () => {
  const first = await answering("here", "m");
  const { port } = first;
  const model = await createModels(options({ ports: [], servers: [server("s", port)], timeouts: QUICK })).open(
    {},
    soon(),
  );
  await first.close();
  for (let n = 0; n < 5; n++) await collect(model, requestWith(), soon());
  await vi.waitFor(() => expect(model.lane.breaker).toBe("open"));
  await using again = await startModelServer({
    wire: "openai",
    flavour: "vllm",
    model: "m",
    script: () => ({ text: "back" }),
    port,
  });
  expect(shorten(await collect(model, requestWith(), soon())).at(-1)).toMatchObject([
    "failure",
    "server-unreachable",
    true,
  ]);
  expect(again.chats).toHaveLength(0);
  vi.useFakeTimers({ toFake: ["Date"], now: (model.lane.until ?? 0) + 1 });
  try {
    const parts = await collect(model, requestWith(), soon());
    expect(shorten(parts)).toContainEqual(["text", "back"]);
    // The breaker hears of the end one turn of the event loop later.
    while (model.lane.breaker !== "closed") await new Promise((resolve) => setImmediate(resolve));
    expect(model.lane).toMatchObject({ breaker: "closed", failures: 0 });
    expect(again.chats).toHaveLength(1);
  } finally {
    vi.useRealTimers();
  }
});

/** Asks as the loop does: moves on when the router has another model. */
async function talk(model: OpenModel, request: ModelRequest, signal: AbortSignal) {
  const shown: string[] = [];
  let text = "";
  for (;;) {
    text = "";
    let failed: unknown;
    for await (const part of model.generate(request, signal)) {
      if (part.type === "text") text += part.text;
      if (part.type === "failure") failed = part.fault;
    }
    if (failed === undefined) return { shown, text };
    if (text !== "") shown.push(text);
    const routed = await model.route?.({ request, prompt: "go on", newTurn: false, failed: failed as never }, signal);
    if (!routed?.changed) return { shown, text, failed };
  }
}

test("a server killed at any of fifty points: unseen before the first token, cut off and answered anew after it", async () => {
  const words = "one two three four five six seven eight nine ten eleven twelve";
  await using spare = await answering("the spare answers", "spare");
  for (let point = 0; point < 50; point++) {
    await using dying = await startModelServer({
      wire: "openai",
      flavour: "vllm",
      model: "main",
      script: () => ({ text: words, dieAfterBytes: point * 60 }),
    });
    const models = createModels(
      options({ ports: [], servers: [server("main", dying.port), server("spare", spare.port)], timeouts: QUICK }),
    );
    const model = await models.open({ model: "main/main", fallback: ["spare/spare"] }, soon());
    const before = spare.chats.length;
    const { shown, text, failed } = await talk(model, requestWith(), soon());
    expect(failed).toBeUndefined();
    expect(text).toBe("the spare answers");
    expect(spare.chats.length - before).toBe(1);
    // What was shown is the true beginning of the first answer, never repeated and never joined to the second.
    expect(shown.length).toBeLessThanOrEqual(1);
    expect(words.startsWith(shown[0] ?? "")).toBe(true);
    // Until a token was delivered the same server is asked a second time; after it, never.
    expect(dying.chats).toHaveLength(shown.length === 0 ? 2 : 1);
    expect(model.ref).toMatchObject({ provider: "spare", model: "spare" });
  }
});

test("the first model that answers is opened; the ones that do not are named", async () => {
  const gone = await deadPort();
  await using spare = await answering("here", "spare");
  const models = createModels(options({ ports: [], servers: [server("main", gone), server("spare", spare.port)] }));
  const model = await models.open({ model: "main/m", fallback: ["spare/spare"] }, soon());
  expect(model.ref.model).toBe("spare");
  expect(model.notes.join("\n")).toMatch(/main\/m is not used: no model server answers/);
  await expect(models.open({ model: "main/m" }, soon())).rejects.toMatchObject({
    fault: { code: "server-unreachable" },
  });
});

test("in a trace of light and hard prompts a thread changes its model at most once", async () => {
  await using small = await answering("small", "small");
  await using large = await answering("large", "large");
  const servers = [server("a", small.port), server("b", large.port)];
  const models = createModels(options({ ports: [], servers, tiers: { fast: "a/small", quality: "b/large" } }));
  const model = await models.open({}, soon());
  const prompts = [
    "format this",
    "sort imports",
    "review the design",
    "format this",
    "fix the bug",
    "find vulnerabilities",
  ];
  const used: string[] = [];
  for (let turn = 0; turn < 60; turn++) {
    const prompt = prompts[(turn * 7 + Math.floor(turn / 5)) % prompts.length] ?? "";
    const routed = await model.route?.({ request: requestWith(), prompt, newTurn: true }, soon());
    used.push(routed?.model ?? "");
    await collect(model, requestWith(), soon());
  }
  expect(used[0]).toBe("a/small");
  expect(used.filter((name, turn) => turn > 0 && name !== used[turn - 1])).toEqual(["b/large"]);
});

test("rates are learned from answers, kept, and known to the next process", async () => {
  const reply = { text: "word ".repeat(20), usage: { input: 900, cached: 300, output: 40 }, chunkDelayMs: 2 };
  await using living = await startModelServer({ wire: "openai", flavour: "vllm", model: "m", script: () => reply });
  const quirks = memoryStore();
  const open = () => createModels(options({ ports: [], servers: [server("s", living.port)], quirks })).open({}, soon());
  const model = await open();
  await collect(model, requestWith(), soon());
  await collect(model, requestWith(), soon());
  expect(model.rates).toMatchObject({ answers: 2, reuse: 1 / 3, validCalls: 0 });
  expect(model.rates.decodePerSecond).toBeGreaterThan(0);
  model.learn("fix the bug", true);
  const later = await open();
  expect(later.rates).toEqual(model.rates);
  expect(later.rates.outcomes).toEqual({ middle: { good: 1, bad: 0 } });
});

test("a server that does not tell what it had cached shows it by the time of reading; the rate stays that of new text", async () => {
  const reply = (input: number, ms: number) => ({
    text: "ok",
    usage: { input, output: 9 },
    extra: { prompt_eval_duration: ms * 1e6 },
  });
  await using living = await startModelServer({
    wire: "ollama",
    loaded: true,
    script: [reply(4_000, 4_000), reply(4_200, 400), reply(4_400, 4_400)],
  });
  const model = await createModels(options({ ports: [living.port] })).open({}, soon());
  const usages: unknown[] = [];
  for (let n = 0; n < 3; n++)
    for (const part of await collect(model, requestWith(), soon())) if (part.type === "usage") usages.push(part.usage);
  expect(usages).toMatchObject([
    { cached: 0, cachedSource: "estimated" },
    { cached: 3_800, cachedSource: "estimated" },
    { cached: 0, cachedSource: "estimated" },
  ]);
  expect(model.rates.prefillPerSecond).toBeCloseTo(1_000, 0);
});

test("one tier alone, or both with one model, is the model that answers", async () => {
  await using other = await answering("other", "other");
  await using meant = await answering("meant", "meant");
  const servers = [server("a", other.port), server("b", meant.port)];
  for (const tiers of [{ quality: "b/meant" }, { fast: "b/meant", quality: "b/meant" }]) {
    const model = await createModels(options({ ports: [], servers, tiers })).open({}, soon());
    expect(model.ref).toMatchObject({ provider: "b", model: "meant" });
  }
});

test("fallbacks stand behind the model that is found when none is named", async () => {
  const found = await answering("found", "found");
  await using spare = await answering("the spare answers", "spare");
  await using last = await answering("the last answers", "last");
  const models = createModels(
    options({
      ports: [],
      servers: [server("first", found.port), server("spare", spare.port), server("last", last.port)],
      timeouts: QUICK,
    }),
  );
  for (const fallback of [["spare/spare"], ["spare/spare", "last/last"]])
    for (const choice of [{ baseUrl: `http://127.0.0.1:${found.port}`, fallback }, { fallback }])
      expect((await models.open(choice, soon())).ref.model).toBe("found");
  const model = await models.open({ baseUrl: `http://127.0.0.1:${found.port}`, fallback: ["spare/spare"] }, soon());
  await found.close();
  expect(await talk(model, requestWith(), soon())).toMatchObject({ text: "the spare answers" });
});

test("a resumed thread stays with its model; one that a fallback had taken over goes back when it can", async () => {
  await using small = await answering("small", "small");
  await using large = await answering("large", "large");
  await using spare = await answering("spare", "spare");
  const servers = [server("a", small.port), server("b", large.port), server("c", spare.port)];
  const tiers = { fast: "a/small", quality: "b/large" };
  const models = createModels(options({ ports: [], servers, tiers, fallback: ["c/spare"] }));
  const light = { request: requestWith(), prompt: "format this", newTurn: true };
  const raised = await models.open({ model: "b/large", remembered: true }, soon());
  expect(await raised.route?.(light, soon())).toMatchObject({ model: "b/large", changed: false });
  const single = createModels(options({ ports: [], servers, defaultModel: "b/large", fallback: ["c/spare"] }));
  const back = await single.open({ model: "c/spare", remembered: true }, soon());
  expect(back.ref.model).toBe("large");
});

test("a fallback whose window is smaller than the prompt is not asked", async () => {
  const dying = await answering("", "main");
  await using spare = await answering("never", "spare");
  const models = createModels(
    options({
      ports: [],
      servers: [server("main", dying.port), server("spare", spare.port)],
      windows: { "spare/spare": 4_096 },
      timeouts: QUICK,
    }),
  );
  const model = await models.open({ model: "main/main", context: 65_536, fallback: ["spare/spare"] }, soon());
  await dying.close();
  const long = requestWith({ messages: [{ role: "user", parts: [{ type: "text", text: "word ".repeat(8_000) }] }] });
  expect(await talk(model, long, soon())).toMatchObject({ failed: { code: "server-unreachable" } });
  expect(spare.chats).toHaveLength(0);
  expect(model.ref.model).toBe("main");
});

test("a reader that leaves while it waits for a seat gives the seat back", async () => {
  await using living = await startModelServer({
    wire: "openai",
    flavour: "vllm",
    model: "m",
    script: () => ({ text: "word ".repeat(20), chunkDelayMs: 2 }),
  });
  const servers = [{ ...server("s", living.port), slots: 1 }];
  const model = await createModels(options({ ports: [], servers })).open({}, soon());
  await collect(model, requestWith(), soon());
  const first = collect(model, requestWith(), soon());
  await vi.waitFor(() => expect(model.lane.active).toBe(1));
  for await (const part of model.generate(requestWith(), soon())) {
    expect(part).toEqual({ type: "queued", ahead: 1 });
    break;
  }
  await first;
  await vi.waitFor(() => expect(model.lane).toMatchObject({ active: 0, queued: 0 }));
});

test("a tier that does not answer is looked at again after half a minute, not at every turn", async () => {
  await using small = await answering("small", "small");
  const { createServer } = await import("node:http");
  let looks = 0;
  const strange = createServer((_, response) => {
    looks++;
    response.writeHead(404).end("{}");
  });
  await new Promise<void>((resolve) => strange.listen(0, "127.0.0.1", resolve));
  const servers = [server("a", small.port), server("b", (strange.address() as { port: number }).port)];
  let at = 0;
  const clock = { now: () => at, monotonic: () => at };
  const tiers = { fast: "a/small", quality: "b/large" };
  const model = await createModels(options({ ports: [], servers, tiers, clock })).open({}, soon());
  const before = looks;
  expect(before).toBeGreaterThan(0);
  const turn = () => model.route?.({ request: requestWith(), prompt: "review the design", newTurn: true }, soon());
  for (let n = 0; n < 5; n++) expect((await turn())?.model).toBe("a/small");
  expect(looks).toBe(before);
  at += 30_000;
  await turn();
  expect(looks).toBeGreaterThan(before);
  strange.close();
});

test("rates of another form are none", async () => {
  await using living = await answering("here", "m");
  const whole = { answers: 3, validCalls: 1, invalidCalls: 0, outcomes: { low: { good: 1, bad: 0 } }, ttftMs: 20 };
  const known = async (stored: unknown) => {
    const quirks = { load: (key: string) => (key.startsWith("rates ") ? stored : undefined), save: () => undefined };
    return (await createModels(options({ ports: [], servers: [server("s", living.port)], quirks })).open({}, soon()))
      .rates;
  };
  expect(await known({ ...whole, stranger: 1 })).toEqual(whole);
  for (const wrong of [
    undefined,
    [],
    5,
    { ...whole, answers: "3" },
    { ...whole, ttftMs: null },
    { ...whole, outcomes: { low: 1 } },
    { answers: 1 },
  ])
    expect(await known(wrong)).toEqual({ answers: 0, validCalls: 0, invalidCalls: 0, outcomes: {} });
});
