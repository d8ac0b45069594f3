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
  const call = { toolCalls: [{ name: "echo", arguments: { text: "ready" } }] };
  const rest = [{ text: "quartz-5309" }, { text: '{"sorted":true,"size":"small"}' }, { text: "marigold-4172" }];

  it("says fit after a call, its result, a form and a long prompt, each shown", async () => {
    const { code, stdout } = await probe([call, ...rest]);
    expect(code).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(lines[0]).toMatch(/^sending up to four requests to ollama\/m:1, about a minute/);
    expect(lines.slice(1, 5)).toEqual([
      "ok    tool call    native",
      "ok    tool result  read and used",
      "ok    given form   kept",
      expect.stringMatching(/^ok {4}long prompt {2}about \d+ of 16384 tokens \(loaded\): nothing was cut, /),
    ]);
    expect(lines[5]).toMatch(/^fit; window 16384 \(loaded\), /);
  });

  it("says fit when a call had to be read from the text or the form is not kept, and tells both", async () => {
    const printed = { text: '<tool_call>{"name":"echo","arguments":{"text":"ready"}}</tool_call>' };
    const { code, stdout } = await probe([
      printed,
      { text: "quartz-5309" },
      { text: "yes, small" },
      { text: "marigold-4172" },
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ok {4}tool call {4}after repair \(text\)\n/);
    expect(stdout).toMatch(/note {2}given form {3}not kept/);
  });

  it("says unfit, and why, when it only talks, does not read results, loses the start of a prompt, or the server fails", async () => {
    const talk = await probe([{ text: "I would call echo now." }]);
    expect(talk).toMatchObject({
      code: 3,
      stdout: expect.stringMatching(/unfit: tool call: it answered without calling the tool: "I would/) as string,
    });
    const deaf = await probe([call, { text: "done" }, ...rest.slice(1)]);
    expect(deaf).toMatchObject({
      code: 3,
      stdout: expect.stringMatching(/unfit: tool result: it did not name the seal/) as string,
    });
    const short = await probe([call, ...rest.slice(0, 2), { text: "The shelf?" }]);
    expect(short).toMatchObject({
      code: 3,
      stdout: expect.stringMatching(/unfit: long prompt: .*did not find the code word/) as string,
    });
    const refused = { status: 400, error: "does not support tools at all, never" };
    const broken = await probe([refused, { status: 400, error: "no" }, { status: 400, error: "no" }]);
    expect(broken).toMatchObject({ code: 3, stdout: expect.stringMatching(/unfit: /) as string });
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
