/** The real engine with models of a few hundred kilobytes, written here. */
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { checkSchema } from "../../src/base/json-schema.ts";
import type { Message } from "../../src/core/message.ts";
import type { ModelPart } from "../../src/core/model.ts";
import type { ModelChoice, Models, OpenModel } from "../../src/core/ports/models.ts";
import { readGguf } from "../../src/models/embedded/gguf.ts";
import { createModels } from "../../src/models/models.ts";
import type { Timeouts } from "../../src/models/timeouts.ts";
import { enginesOf } from "../kit/engines.ts";
import { tempFolder } from "../kit/temp.ts";
import { tinyGguf, writeTinyGguf } from "../kit/tiny-gguf.ts";
import { collect, options, requestWith, shorten } from "./wire-kit.ts";

const soon = () => AbortSignal.timeout(30_000);
const folder = tempFolder();
const place = (name: string) => join(folder.path, name);
const used = new Set<() => Promise<unknown>>();

function modelsWith(timeouts: Partial<Timeouts> = {}): Models {
  const embedded = { registry: place("models.json"), any: true, gpu: "off" as const };
  return createModels(options({ embedded, ...(Object.keys(timeouts).length > 0 ? { timeouts } : {}) }));
}

/** Opens a model, and frees its memory after the tests. */
async function open(models: Models, name: string): Promise<OpenModel> {
  const choice: ModelChoice = { model: name };
  used.add(() => models.unload(choice, soon()));
  return models.open(choice, soon());
}

const user = (text: string): Message => ({ role: "user", parts: [{ type: "text", text }] });
const textOf = (parts: readonly ModelPart[]) => parts.map((part) => (part.type === "text" ? part.text : "")).join("");
const usageOf = (parts: readonly ModelPart[]) => parts.find((part) => part.type === "usage")?.usage;
const faultOf = (parts: readonly ModelPart[]) => parts.find((part) => part.type === "failure")?.fault;

const shared = modelsWith();
const path = {
  says: writeTinyGguf(place("says.gguf"), { says: ["Hello ", "from ", "weights."] }),
  random: writeTinyGguf(place("random.gguf")),
  endless: writeTinyGguf(place("endless.gguf"), { endBias: -30 }),
};

beforeAll(async () => {
  for (const file of Object.values(path)) await shared.add(file);
});
afterAll(async () => {
  for (const unload of used) await unload();
  folder[Symbol.dispose]();
});

describe("an answer", () => {
  test("comes in pieces, with counts and the window that the engine loaded", async () => {
    const model = await open(shared, "embedded/says");
    expect(model.window).toMatchObject({ tokens: 32_768, source: "chosen", max: 32_768, maxSource: "GGUF" });
    const parts = await collect(model, requestWith());
    expect(parts).toContainEqual({ type: "loading", progress: 1 });
    expect(textOf(parts)).toBe("Hello from weights.");
    expect(parts.at(-1)).toEqual({ type: "finish", reason: "stop" });
    expect(usageOf(parts)).toMatchObject({ output: 3, cached: 0, source: "reported", loadMs: expect.any(Number) });
    expect(model.window).toMatchObject({ tokens: 32_768, source: "loaded" });
    const listed = await shared.list({ localProvider: "embedded" }, soon());
    expect(listed.models.find(({ ref }) => ref.model === "says")).toMatchObject({
      ref: { provider: "embedded", model: "says", digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      state: "loaded",
      loadedWindow: { tokens: 32_768, source: "engine" },
      sizeBytes: readGguf(path.says).sizeBytes,
    });
  });

  test("holds calls of tools as text, which are read as any server's", async () => {
    const call = '<tool_call>\n{"name": "read", "arguments": {"path": "a.txt"}}\n</tool_call>';
    const model = await open(
      shared,
      writeTinyGguf(place("calls.gguf"), { says: ["I look.\n", call] }).replace(/^/, "embedded/"),
    );
    expect(shorten(await collect(model, requestWith()))).toContainEqual(["call", "read", { path: "a.txt" }, "text"]);
  });

  test("ends at its length limit", async () => {
    const model = await open(shared, "embedded/endless");
    const parts = await collect(model, requestWith({ sampling: { maxTokens: 7 } }));
    expect([usageOf(parts)?.output, parts.at(-1)]).toEqual([7, { type: "finish", reason: "length" }]);
  });

  test("evaluates of the second turn only what is new", async () => {
    const model = await open(shared, "embedded/random");
    const request = requestWith({ messages: [user("Tell me of the sea. ".repeat(40))], sampling: { maxTokens: 20 } });
    const first = await collect(model, request);
    const assistant: Message = {
      role: "assistant",
      parts: [{ type: "text", text: textOf(first) }],
      voice: "",
      model: model.ref,
      usage: { input: 0, output: 0, source: "reported" },
      stop: "stop",
    };
    const second = await collect(model, { ...request, messages: [...request.messages, assistant, user("And more.")] });
    expect(usageOf(second)?.cached).toBeGreaterThanOrEqual((usageOf(first)?.input ?? 0) - 1);
    expect((usageOf(second)?.cached ?? 0) / (usageOf(second)?.input ?? 1)).toBeGreaterThan(0.9);
  });

  test("that would not fit the window is refused with both numbers", async () => {
    const model = await shared.open({ model: "embedded/random", context: 4_096 }, soon());
    const parts = await collect(model, requestWith({ messages: [user("word ".repeat(2_000))] }));
    expect(faultOf(parts)).toMatchObject({
      code: "context-overflow",
      message: expect.stringMatching(/^the prompt has 1\d{4} tokens, the loaded window 4096$/),
    });
  });
});

describe("an answer in a given form", () => {
  const item = {
    type: "object",
    properties: { line: { type: "integer" }, note: { type: "string", maxLength: 20 }, ok: { type: "boolean" } },
    required: ["line", "note"],
    additionalProperties: false,
  };
  test.each<[string, Readonly<Record<string, unknown>>]>([
    ["an object", item],
    [
      "numbers",
      {
        type: "object",
        properties: { a: { type: "number" }, b: { type: "integer", minimum: -3, maximum: 3 } },
        required: ["a", "b"],
      },
    ],
    ["lists", { type: "array", minItems: 1, maxItems: 3, items: item }],
    ["choices", { anyOf: [{ enum: ['a"b', "c\\d", null, 4] }, { type: ["boolean", "null"] }, { const: "z" }] }],
    [
      "nothing required",
      { type: "object", properties: { a: { type: "null" }, b: { enum: [1] }, c: { type: "boolean" } } },
    ],
    [
      "a definition that holds itself",
      {
        $defs: {
          node: {
            type: "object",
            properties: { next: { anyOf: [{ type: "null" }, { $ref: "#/$defs/node" }] } },
            required: ["next"],
          },
        },
        $ref: "#/$defs/node",
      },
    ],
    [
      "parts together",
      {
        allOf: [
          { type: "object", properties: { a: { enum: ["x"] } }, required: ["a"] },
          { properties: { b: { enum: ["y"] } }, required: ["b"] },
        ],
      },
    ],
  ])("%s: every answer fits", async (_, schema) => {
    const model = await open(shared, "embedded/random");
    for (let seed = 0; seed < 12; seed++) {
      const parts = await collect(
        model,
        requestWith({ schema, tools: [], messages: [user(`Go ${seed}.`)], sampling: { temperature: 1.2 } }),
      );
      const text = textOf(parts);
      expect(parts.at(-1), text).toEqual({ type: "finish", reason: "stop" });
      expect(checkSchema(schema, JSON.parse(text)), text).toMatchObject({ problems: [], coerced: false });
    }
  });
});

describe("stopping", () => {
  test("an abort ends the answer at once and the decoding with it; the model stays loaded", async () => {
    const model = await open(shared, "embedded/endless");
    const stop = new AbortController();
    let text = "";
    let last: ModelPart | undefined;
    for await (const part of model.generate(requestWith(), stop.signal)) {
      if (part.type === "text") text += part.text;
      if (text.length > 20) stop.abort();
      last = part;
    }
    expect(last).toMatchObject({ type: "failure", fault: { code: "aborted" } });
    // The engine takes orders one after another: the next one is only answered when the last has ended.
    const [pid] = enginesOf(path.endless);
    const next = await collect(model, requestWith({ sampling: { maxTokens: 3 } }));
    expect(usageOf(next)).toMatchObject({ output: 3 });
    expect(enginesOf(path.endless)).toEqual([pid]);
  });

  test("an engine that hangs is a stall for the watchdog, and is killed; the next request starts another", async () => {
    const models = modelsWith({ firstTokenMinMs: 4_000, firstTokenMaxMs: 4_000, loadMs: 20_000 });
    const file = writeTinyGguf(place("hangs.gguf"), { says: ["Yes."] });
    const model = await open(models, `embedded/${file}`);
    expect(textOf(await collect(model, requestWith()))).toBe("Yes.");
    const [pid = 0] = enginesOf(file);
    process.kill(pid, "SIGSTOP");
    const parts = await collect(model, requestWith());
    expect(faultOf(parts)).toMatchObject({ code: "server-stalled", retryable: true });
    await expect.poll(() => enginesOf(file)).toEqual([]);
    await vi.waitFor(async () => expect(textOf(await collect(model, requestWith()))).toBe("Yes."), { timeout: 20_000 });
  });

  test("an engine that dies is told in one line, and the next request starts another", async () => {
    const file = writeTinyGguf(place("dies.gguf"), { endBias: -30 });
    const model = await open(shared, `embedded/${file}`);
    let killed = false;
    const parts: ModelPart[] = [];
    for await (const part of model.generate(requestWith(), soon())) {
      parts.push(part);
      if (part.type !== "text" || killed) continue;
      killed = true;
      for (const pid of enginesOf(file)) process.kill(pid, "SIGKILL");
    }
    expect(faultOf(parts)).toMatchObject({
      code: "server-error",
      message: expect.stringMatching(/ended \(SIGKILL\)$/),
    });
    expect(usageOf(await collect(model, requestWith({ sampling: { maxTokens: 2 } })))).toMatchObject({ output: 2 });
  });

  test("unloading and idling free the memory", async () => {
    const file = writeTinyGguf(place("idle.gguf"), { says: ["Yes."] });
    const choice = { model: `embedded/${file}` };
    await collect(await open(shared, choice.model), requestWith());
    expect(enginesOf(file)).toHaveLength(1);
    await shared.unload(choice, soon());
    expect(enginesOf(file)).toEqual([]);
    const embedded = { registry: place("models.json"), any: true, gpu: "off" as const };
    const models = createModels(options({ embedded, profiles: { [choice.model]: { keepAlive: "10ms" } } }));
    await collect(await models.open(choice, soon()), requestWith());
    await expect.poll(() => enginesOf(file)).toEqual([]);
  });
});

describe("embeddings", () => {
  test("have the model's length and unit size, and are the same for the same text", async () => {
    const info = await shared.add(writeTinyGguf(place("pooled.gguf"), { pooled: true }));
    expect(info).toMatchObject({ kind: "embedding", state: "cold", maxWindow: { tokens: 32_768, source: "GGUF" } });
    const choice = { model: "embedded/pooled" };
    used.add(() => shared.unload(choice, soon()));
    const embedder = await shared.embedder(choice, soon());
    const [a, b] = await embedder.embed(["the sea", "a stone"], soon());
    const [again] = await embedder.embed(["the sea"], soon());
    expect([a?.length, b?.length]).toEqual([64, 64]);
    for (const vector of [a, b]) expect(Math.hypot(...(vector ?? []))).toBeCloseTo(1, 5);
    expect(again).toEqual(a);
    expect(b).not.toEqual(a);
    await expect(shared.open(choice, soon())).rejects.toMatchObject({ fault: { code: "model-unfit" } });
  });
});

describe("model files", () => {
  const refused = (file: string) => expect(shared.open({ localProvider: "embedded", model: file }, soon())).rejects;

  test("what is no whole GGUF is refused in one line, wherever it was cut or spoilt", () => {
    const whole = tinyGguf();
    const last = whole.length - 1;
    fc.assert(
      fc.property(fc.nat(last), fc.nat(255), fc.boolean(), (at, value, cut) => {
        const bytes = Buffer.from(cut ? whole.subarray(0, at) : whole);
        if (!cut) bytes[at % 8_000] = value;
        const file = place("fuzz.gguf");
        writeFileSync(file, bytes);
        let fault: unknown;
        try {
          readGguf(file);
        } catch (error) {
          fault = (error as { fault?: unknown }).fault;
          expect(fault).toMatchObject({ code: "model-unfit", message: expect.stringMatching(/^[^\n]+$/) });
        }
        if (cut) expect(fault).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });

  test("a file that only the engine finds damaged is one plain fault", async () => {
    const bytes = tinyGguf();
    bytes.write("nxrm", bytes.indexOf("output_norm") + 7);
    writeFileSync(place("spoilt.gguf"), bytes);
    const model = await open(shared, `embedded/${place("spoilt.gguf")}`);
    const fault = faultOf(await collect(model, requestWith()));
    expect(fault).toMatchObject({
      code: "model-unfit",
      retryable: false,
      message: expect.stringContaining("spoilt.gguf"),
    });
    expect(fault?.message).not.toContain("\n");
  });

  test("no file, no model in it, a folder", async () => {
    await refused("./nowhere.gguf").toMatchObject({ fault: { code: "model-missing" } });
    await refused(folder.path).toMatchObject({ fault: { code: "model-unfit" } });
    const bytes = tinyGguf();
    bytes.write("tokenizer.ggml.mxdel", bytes.indexOf("tokenizer.ggml.model"));
    writeFileSync(place("part.gguf"), bytes);
    await refused(place("part.gguf")).toMatchObject({
      fault: { code: "model-unfit", message: expect.stringContaining("no language model") },
    });
  });

  test("names are the person's: kept apart, renewed, forgotten", async () => {
    const file = writeTinyGguf(place("one.gguf"));
    const other = writeTinyGguf(place("two.gguf"), { seed: 2 });
    await shared.add(file, "mine");
    await expect(shared.add(other, "mine")).rejects.toMatchObject({
      fault: { code: "usage", hint: "give another name with --name" },
    });
    truncateSync(file, 0);
    writeFileSync(file, tinyGguf({ seed: 3 }));
    const changed = await shared.open({ model: "embedded/mine" }, soon());
    expect(faultOf(await collect(changed, requestWith()))).toMatchObject({
      code: "model-missing",
      hint: expect.stringContaining("crucible models add"),
    });
    await shared.add(file, "mine");
    await shared.remove("mine");
    await expect(shared.open({ model: "embedded/mine" }, soon())).rejects.toMatchObject({
      fault: { code: "model-missing" },
    });
    await expect(shared.remove("mine")).rejects.toMatchObject({ fault: { code: "model-missing" } });
  });

  test("the engine fetches and preloads nothing, and has no address", async () => {
    await expect(shared.load({ model: "embedded/says" }, soon())).rejects.toMatchObject({
      fault: { code: "model-unfit" },
    });
    const pull = shared.pull({ model: "embedded/says" }, soon());
    await expect(pull[Symbol.asyncIterator]().next()).rejects.toMatchObject({ fault: { code: "model-unfit" } });
    const choice = { localProvider: "embedded", model: "says", baseUrl: "http://127.0.0.1:1" } as const;
    await expect(shared.open(choice, soon())).rejects.toMatchObject({ fault: { code: "usage" } });
  });
});
