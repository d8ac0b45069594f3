/** Context truth: which window, who says so, and the alarm when the server cuts. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ModelInfo } from "../../src/core/model.ts";
import { createCalibration } from "../../src/models/calibrate.ts";
import { createModels } from "../../src/models/models.ts";
import { settleWindow } from "../../src/models/window.ts";
import { startModelServer } from "../kit/model-server.ts";
import { collect, options, requestWith } from "./wire-kit.ts";

const soon = () => AbortSignal.timeout(10_000);
const GIB = 1024 ** 3;
const base: ModelInfo = {
  ref: { provider: "p", model: "m" },
  server: "s",
  state: "cold",
  tools: "yes",
  thinking: "no",
  vision: "no",
  kind: "chat",
};
const max = (tokens: number) => ({ maxWindow: { tokens, source: "told" } });
const loaded = (tokens: number) => ({ state: "loaded" as const, loadedWindow: { tokens, source: "told" } });
const local = { loopback: true, freeMemoryBytes: 64 * GIB };

describe("the window", () => {
  test.each([
    ["configured before all", { info: { ...base, ...loaded(32_768) }, configured: 9_000 }, 9_000, "configured"],
    [
      "kept from the session",
      { info: { ...base, ...loaded(32_768) }, kept: { tokens: 16_384, source: "chosen" } },
      16_384,
      "chosen",
    ],
    [
      "an assumption is not kept when the server tells",
      { info: { ...base, ...loaded(32_768) }, kept: { tokens: 8_192, source: "assumed" } },
      32_768,
      "loaded",
    ],
    ["loaded", { info: { ...base, ...loaded(4_096) } }, 4_096, "loaded"],
    ["nothing is told", { info: base }, 8_192, "assumed"],
    ["nothing is told but a smaller maximum", { info: { ...base, ...max(6_000) } }, 6_000, "assumed"],
    [
      "Ollama: loaded and large enough is adopted",
      { info: { ...base, ...loaded(16_384) }, choice: local },
      16_384,
      "loaded",
    ],
    [
      "Ollama: loaded too small, a bucket is chosen",
      { info: { ...base, ...loaded(4_096) }, choice: local },
      65_536,
      "chosen",
    ],
    ["Ollama: within the model's maximum", { info: { ...base, ...max(40_960) }, choice: local }, 32_768, "chosen"],
    [
      "Ollama: a model smaller than the smallest bucket",
      { info: { ...base, ...max(8_192) }, choice: local },
      8_192,
      "chosen",
    ],
    [
      "Ollama: memory for the middle bucket",
      { info: { ...base, ...max(131_072) }, choice: { loopback: true, freeMemoryBytes: 6 * GIB } },
      32_768,
      "chosen",
    ],
    [
      "Ollama: the model's own shape counts",
      {
        info: { ...base, ...max(131_072) },
        choice: { loopback: true, freeMemoryBytes: 6 * GIB, kvBytesPerToken: 10_000 },
      },
      65_536,
      "chosen",
    ],
    [
      "Ollama: a cold model needs room for itself",
      { info: { ...base, sizeBytes: 4 * GIB, ...max(131_072) }, choice: { loopback: true, freeMemoryBytes: 8 * GIB } },
      16_384,
      "chosen",
    ],
    ["Ollama: no memory at all", { info: base, choice: { loopback: true, freeMemoryBytes: 0 } }, 16_384, "chosen"],
    [
      "Ollama: a remote server",
      { info: { ...base, ...max(131_072) }, choice: { loopback: false, freeMemoryBytes: 64 * GIB } },
      16_384,
      "chosen",
    ],
    [
      "Ollama: baked into the model",
      { info: { ...base, ...max(131_072) }, choice: { ...local, baked: 24_576 } },
      24_576,
      "chosen",
    ],
  ] as const)("%s", (_name, question, tokens, source) => {
    const { window, notes } = settleWindow(question);
    expect(window).toMatchObject({ tokens, source });
    if (source === "chosen" && !("kept" in question)) expect(notes.join()).toContain(String(tokens));
    if (source === "assumed") expect(notes.join()).toContain("assumed");
  });

  test("the configured window by name, and the flag above it", async () => {
    await using server = await startModelServer({
      wire: "ollama",
      loaded: true,
      script: [{ text: "a" }, { text: "b" }],
    });
    const models = createModels(options({ ports: [server.port], windows: { "ollama/scripted": 12_000 } }));
    expect((await models.open({}, soon())).window).toMatchObject({ tokens: 12_000, source: "configured" });
    const open = await models.open({ context: 20_000 }, soon());
    await collect(open, requestWith());
    await collect(open, requestWith({ sampling: { maxTokens: 5 } }));
    expect(server.chats.map((chat) => (chat.body["options"] as Record<string, unknown>)["num_ctx"])).toEqual([
      20_000, 20_000,
    ]);
  });

  test("after the first answer the server's word replaces what was chosen or assumed", async () => {
    let loadedYet = false;
    await using studio = await startModelServer({
      wire: "openai",
      override: (request) =>
        request.path === "/api/v0/models"
          ? {
              status: 200,
              body: {
                data: [
                  {
                    id: "scripted",
                    type: "llm",
                    max_context_length: 131_072,
                    ...(loadedYet ? { state: "loaded", loaded_context_length: 4_096 } : { state: "not-loaded" }),
                  },
                ],
              },
            }
          : undefined,
      script: () => {
        loadedYet = true;
        return { text: "hi" };
      },
    });
    const open = await createModels(options({ ports: [studio.port] })).open({}, soon());
    expect(open.window).toMatchObject({ tokens: 8_192, source: "assumed", max: 131_072 });
    const parts = await collect(open, requestWith());
    expect(parts.filter((part) => part.type === "note")).toMatchObject([{ text: expect.stringContaining("4096") }]);
    expect(open.window).toMatchObject({ tokens: 4_096, source: "loaded" });
  });
});

describe("the alarm", () => {
  const user = (text: string) => ({ role: "user", parts: [{ type: "text", text }] }) as const;

  async function run(counts: readonly (number | "true" | undefined)[], window = 16_384) {
    await using server = await startModelServer({
      wire: "ollama",
      loaded: true,
      window,
      script: (request, index) => {
        const count = counts[index];
        if (count === undefined) return { text: "ok", extra: { prompt_eval_count: undefined } };
        return { text: "ok", usage: { input: count === "true" ? Math.ceil(request.raw.length / 4) : count } };
      },
    });
    const open = await createModels(options({ ports: [server.port] })).open({}, soon());
    const messages: ReturnType<typeof user>[] = [];
    const ends: string[] = [];
    for (const _ of counts) {
      messages.push(user("some words of a prompt ".repeat(600)));
      const parts = await collect(open, requestWith({ messages: [...messages] }));
      const last = parts.at(-1);
      ends.push(
        last?.type === "failure"
          ? last.fault.code
          : parts.some((part) => part.type === "note" && part.code === "window-unverified")
            ? "note"
            : (last?.type ?? ""),
      );
    }
    return ends;
  }

  test("honest counts raise nothing", async () =>
    expect(await run(["true", "true", "true", "true"])).toEqual(["finish", "finish", "finish", "finish"]));
  test("a count that falls although the thread grew is a cut", async () =>
    expect(await run(["true", "true", 5_000])).toEqual(["finish", "finish", "context-overflow"]));
  test("far below the window nothing is claimed", async () =>
    expect(await run(["true", "true", 5_000], 131_072)).toEqual(["finish", "finish", "finish"]));
  test("missing counts: one note, no fault", async () =>
    expect(await run(["true", undefined, undefined])).toEqual(["finish", "note", "finish"]));
  test("constant counts: one note, no fault", async () =>
    expect(await run([3_900, 3_900, 3_900])).toEqual(["finish", "note", "finish"]));
  test("a count that no text can have: one note", async () =>
    expect(await run([12, 13, 14])).toEqual(["note", "finish", "finish"]));
});

describe("calibration", () => {
  const prompt = (text: string, images = 0) => ({ text, bytes: Buffer.byteLength(text), images });

  test("an estimate carries a quarter of margin until the server has counted", () => {
    const calibration = createCalibration();
    expect(calibration.estimate(prompt("x".repeat(4_000)))).toEqual({ tokens: 1_250, calibrated: false });
    calibration.report(prompt("x".repeat(4_000)), 1_600, 32_768);
    expect(calibration.estimate(prompt("x".repeat(4_000)))).toEqual({ tokens: 1_600, calibrated: true });
    expect(calibration.estimate(prompt("x".repeat(6_000)))).toEqual({ tokens: 2_400, calibrated: true });
  });

  test("images cost a fixed number, not their bytes", () => {
    const calibration = createCalibration();
    const without = calibration.estimate(prompt("x".repeat(400))).tokens;
    expect(calibration.estimate(prompt("x".repeat(400), 1)).tokens - without).toBe(1_000);
  });

  test("an honest server with any ratio never raises the alarm as a thread grows", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 2.2, max: 5, noNaN: true }),
        fc.array(fc.integer({ min: 200, max: 3_000 }), { minLength: 2, maxLength: 30 }),
        (ratio, growth) => {
          const calibration = createCalibration();
          let text = "start".repeat(200);
          for (const bytes of growth) {
            text += "y".repeat(bytes);
            const { state } = calibration.report(prompt(text), Math.round(text.length / ratio), 8_192);
            expect(state).not.toBe("cut");
          }
        },
      ),
    );
  });
});
