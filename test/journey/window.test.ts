/** The context window as the program tells it: where the number comes from, and when it is not to be believed. */
import { describe, expect, test } from "vitest";
import { call, journey, resultOf, streamLines } from "../kit/journey.ts";
import type { ModelServerOptions } from "../kit/model-server.ts";

const hello = () => ({ text: "Hello." });

describe.concurrent("window and its source in init and result", () => {
  const cases: readonly (readonly [
    string,
    ModelServerOptions["wire"],
    Partial<ModelServerOptions>,
    readonly string[],
    number,
    string,
  ])[] = [
    ["Ollama, loaded", "ollama", { window: 32_768 }, [], 32_768, "loaded"],
    [
      "Ollama, cold: one bucket within the maximum",
      "ollama",
      { loaded: false, maxWindow: 20_000 },
      [],
      16_384,
      "chosen",
    ],
    ["configured beats loaded", "ollama", { window: 32_768 }, ["--context", "24k"], 24_576, "configured"],
    ["LM Studio", "openai", { flavour: "lmstudio", window: 12_000 }, [], 12_000, "loaded"],
    ["llama.cpp", "openai", { flavour: "llamacpp", window: 12_000 }, [], 12_000, "loaded"],
    ["vLLM", "openai", { flavour: "vllm", window: 12_000 }, [], 12_000, "loaded"],
    ["a server that tells nothing", "openai", { flavour: "plain" }, [], 8192, "assumed"],
  ];
  test.each(cases)("%s", async (_name, wire, server, flags, tokens, source) => {
    await using setting = await journey({ wire, server, script: hello });
    const run = await setting.ask(["-o", "stream-json", ...flags, "hi"]);
    expect(streamLines(run.stdout)[0]).toMatchObject({ type: "init", window: tokens, window_source: source });
    expect(resultOf(run)).toMatchObject({ exit_code: 0, window: { tokens, source } });
    if (wire === "ollama") expect(setting.server.chats[0]?.body).toMatchObject({ options: { num_ctx: tokens } });
    const again = await setting.run(["-c", "-o", "json", "more"]);
    expect(resultOf(again)).toMatchObject({ exit_code: 0, window: { tokens } });
  });

  test("a small loaded window is chosen anew; a server that keeps it all the same is believed", async () => {
    await using setting = await journey({ server: { window: 4096, maxWindow: 20_000 }, script: hello });
    const run = await setting.ask(["-o", "stream-json", "hi"]);
    expect(streamLines(run.stdout)[0]).toMatchObject({ window: 16_384, window_source: "chosen" });
    expect(setting.server.chats[0]?.body).toMatchObject({ options: { num_ctx: 16_384 } });
    expect(resultOf(run)).toMatchObject({ window: { tokens: 4096, source: "loaded" } });
  });

  test("a configured window per model is used and named", async () => {
    await using setting = await journey({ wire: "openai", server: { flavour: "plain" }, script: hello });
    await setting.run(["config", "set", "windows", JSON.stringify({ "openai/scripted": 16_000 })]);
    expect(resultOf(await setting.ask(["-o", "json", "hi"]))).toMatchObject({
      window: { tokens: 16_000, source: "configured" },
    });
  });
});

describe.concurrent("the alarm", () => {
  const big = { "big.txt": "a line of the big file\n".repeat(1100) };
  const reads = [1, 300, 600, 900].map((offset) => call("read", { path: "big.txt", offset, limit: 280 }));

  test("counts that never change: one note that the window is unverified, no fault", async () => {
    await using setting = await journey({
      files: big,
      server: { window: 16_384, maxWindow: 16_384 },
      script: [
        ...reads.map((reply) => ({ ...reply, usage: { input: 4096, output: 5 } })),
        { text: "Done.", usage: { input: 4096, output: 5 } },
      ],
    });
    const run = await setting.ask(["-o", "stream-json", "--context", "16384", "read it"]);
    const notes = streamLines(run.stdout).filter((line) => line["subtype"] === "window_unverified");
    expect(notes).toHaveLength(1);
    expect(resultOf(run)).toMatchObject({ exit_code: 0, result: "Done." });
  });

  test("a server without counts: the same note", async () => {
    await using setting = await journey({
      wire: "openai",
      files: big,
      script: [...reads, { text: "Done." }].map((reply) => ({ ...reply, noUsage: true })),
    });
    const run = await setting.ask(["-o", "stream-json", "read it"]);
    expect(streamLines(run.stdout).filter((line) => line["subtype"] === "window_unverified")).toHaveLength(1);
    expect(resultOf(run)).toMatchObject({ exit_code: 0 });
  });

  test("a count that shows a cut prompt is exit 61", async () => {
    const counted = (_request: { raw: Uint8Array }, index: number) => {
      const tokens = Math.ceil(_request.raw.length / 4);
      const reply = reads[index] ?? { text: "Done." };
      return { ...reply, usage: { input: tokens > 8000 ? 4000 + index : tokens, output: 5 } };
    };
    await using setting = await journey({ files: big, server: { window: 16_384, maxWindow: 16_384 }, script: counted });
    const run = await setting.ask(["-p", "--context", "16384", "read it"]);
    expect(run.code).toBe(61);
    expect(
      run.stderr
        .trimEnd()
        .split("\n")
        .filter((line) => line.startsWith("crucible:")),
    ).toHaveLength(1);
  });
});
