/** Vectors from both wires: batched, each text once, of length one; anything else is a fault. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createModels } from "../../src/models/models.ts";
import { type RecordedRequest, startModelServer } from "../kit/model-server.ts";
import { options } from "./wire-kit.ts";

const soon = () => AbortSignal.timeout(10_000);
const inputs = ({ body }: RecordedRequest) => body["input"] as string[];
/** A vector that depends on the text alone; its length is not 1. */
const vector = (text: string) => [text.length + 1, 2, [...text].reduce((sum, letter) => sum + letter.charCodeAt(0), 0)];

async function serve(wire: "ollama" | "openai", reply = (texts: readonly string[]) => texts.map(vector)) {
  const override = (request: RecordedRequest) => {
    if (request.path === "/api/embed") return { status: 200, body: { embeddings: reply(inputs(request)) } };
    if (request.path !== "/v1/embeddings") return undefined;
    const data = reply(inputs(request)).map((embedding, index) => ({ index, embedding }));
    return { status: 200, body: { data: data.toReversed() } };
  };
  const ollama = {
    "/api/tags": { models: [{ name: "e:1" }] },
    "/api/version": { version: "0.33" },
    "/api/ps": { models: [] },
  };
  const server = await startModelServer({
    wire: "openai",
    model: "e:1",
    override: (request) => {
      const known = wire === "ollama" ? ollama[request.path as keyof typeof ollama] : undefined;
      return known ? { status: 200, body: known } : override(request);
    },
    script: [],
  });
  const named = {
    name: "s",
    kind: wire === "ollama" ? ("ollama" as const) : ("openai-compatible" as const),
    url: server.url,
  };
  const models = createModels(options({ ports: [], servers: [named], tiers: { embed: "s/e:1" } }));
  const asked = () => server.requests.filter(({ path }) => /embed/.test(path)).map(inputs);
  return { server, asked, embedder: await models.embedder({}, soon()), [Symbol.asyncDispose]: () => server.close() };
}

describe.each(["ollama", "openai"] as const)("%s", (wire) => {
  test("unit vectors in the order of the texts", async () => {
    await using kit = await serve(wire);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string(), { minLength: 1, maxLength: 100 }), async (texts) => {
        const vectors = await kit.embedder.embed(texts, soon());
        for (const [index, text] of texts.entries()) {
          const raw = vector(text);
          const norm = Math.hypot(...raw);
          for (const [at, value] of (vectors[index] ?? []).entries())
            expect(value).toBeCloseTo((raw[at] ?? 0) / norm, 5);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("what is asked for together goes together, each text once, 64 to a request", async () => {
    await using kit = await serve(wire);
    const texts = Array.from({ length: 130 }, (_, n) => `text ${n}`);
    await Promise.all([...texts.map((text) => kit.embedder.embed([text], soon())), kit.embedder.embed(texts, soon())]);
    expect(kit.asked().map(({ length }) => length)).toEqual([64, 64, 2]);
    expect(kit.embedder.counts).toEqual({ texts: 260, sent: 130, requests: 3 });
    await kit.embedder.embed(["text 0"], soon());
    expect(kit.embedder.counts.requests).toBe(4);
  });

  test.each([
    ["too few", (texts: readonly string[]) => texts.slice(1).map(vector)],
    ["not of one length", (texts: readonly string[]) => texts.map((text, n) => (n === 0 ? [1] : vector(text)))],
    ["no numbers", (texts: readonly string[]) => texts.map(() => [Number.NaN, 1, 1])],
    ["without direction", (texts: readonly string[]) => texts.map(() => [0, 0, 0])],
  ])("vectors that are %s are a fault", async (_, reply) => {
    await using kit = await serve(wire, reply);
    await expect(kit.embedder.embed(["a", "b"], soon())).rejects.toMatchObject({ fault: { code: "server-error" } });
  });
});

test("without a model for embeddings the fault names the command that sets one", async () => {
  await expect(createModels(options({ ports: [] })).embedder({}, soon())).rejects.toMatchObject({
    fault: { code: "model-missing", hint: "crucible config set tiers.embed ollama/nomic-embed-text" },
  });
});
