import { describe, expect, it } from "vitest";
import { runBinary } from "../kit/binary.ts";
import { type Reply, startModelServer } from "../kit/model-server.ts";
import { tempFolder } from "../kit/temp.ts";

async function probe(script: readonly Reply[], model = "m:1") {
  using folder = tempFolder();
  await using server = await startModelServer({ wire: "ollama", model: "m:1", loaded: true, window: 16_384, script });
  const options = { cwd: folder.path, home: folder.path, env: { OLLAMA_HOST: server.url } };
  return await runBinary(["models", "probe", model], options);
}

describe("crucible models probe", () => {
  it("says fit when the model calls the tool, and how", async () => {
    const native = await probe([{ toolCalls: [{ name: "echo", arguments: { text: "ready" } }] }]);
    expect(native).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/fit: tool calls native; window 16384 \(loaded\)/) as string,
    });
    const printed = await probe([{ text: '<tool_call>{"name":"echo","arguments":{"text":"ready"}}</tool_call>' }]);
    expect(printed).toMatchObject({ code: 0, stdout: expect.stringMatching(/after repair \(text\)/) as string });
  });

  it("says unfit, and why, when it only talks or the server fails", async () => {
    const talk = await probe([{ text: "I would call echo now." }]);
    expect(talk).toMatchObject({
      code: 3,
      stdout: expect.stringMatching(/unfit: it answered without calling the tool: "I would/) as string,
    });
    const broken = await probe([
      { status: 400, error: "does not support tools at all, never" },
      { status: 400, error: "no" },
      { status: 400, error: "no" },
    ]);
    expect(broken.code).toBe(3);
    expect(broken.stdout).toMatch(/unfit: /);
  });

  it("names the models there are when this one is not there", async () => {
    const missing = await probe([], "m:2");
    expect(missing.code).toBe(61);
    expect(missing.stderr).toMatch(/m:2.*m:1/s);
  });
});

describe("crucible help", () => {
  it("explains a command, and says when there is none", async () => {
    using folder = tempFolder();
    const options = { cwd: folder.path, home: folder.path };
    expect(await runBinary(["help", "models"], options)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("probe") as string,
    });
    expect(await runBinary(["help"], options)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("Exit codes") as string,
    });
    expect(await runBinary(["help", "modles"], options)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Did you mean crucible models") as string,
    });
  });
});
