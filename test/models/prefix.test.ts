/** The messages of one request are, byte for byte, the first messages of the next. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Message } from "../../src/core/message.ts";
import type { ModelRequest } from "../../src/core/model.ts";
import ollama from "../../src/models/providers/ollama.ts";
import openAiCompatible from "../../src/models/providers/openai-compatible.ts";
import type { Quirks } from "../../src/models/quirks.ts";
import { requestWith } from "./wire-kit.ts";

const model = { provider: "p", model: "m" };
const usage = { input: 1, output: 1, source: "reported" } as const;
const image = { type: "image", mediaType: "image/png", data: "AAAA" } as const;
const text = fc.string({ unit: "grapheme", maxLength: 20 }).map((value) => ({ type: "text", text: value }) as const);

/** What a thread grows by: the user speaks, or the model calls tools and all their results come. */
const step: fc.Arbitrary<readonly Message[]> = fc.oneof(
  fc
    .array(fc.oneof(text, fc.constant(image)), { minLength: 1, maxLength: 3 })
    .map((parts): Message[] => [{ role: "user", parts }]),
  fc
    .record({ said: text, results: fc.array(fc.oneof(text, fc.constant(image)), { minLength: 1, maxLength: 3 }) })
    .map(({ said, results }): Message[] => [
      {
        role: "assistant",
        voice: "v",
        model,
        usage,
        stop: "tool-calls",
        parts: [
          { type: "thinking", text: "hm" },
          said,
          ...results.map(
            (_, index) => ({ type: "tool-call", id: `c${index}`, tool: "read", input: { b: 1, a: index } }) as const,
          ),
        ],
      },
      ...results.map(
        (part, index): Message => ({ role: "tool", callId: `c${index}`, tool: "read", failed: false, parts: [part] }),
      ),
    ]),
);
const quirkSets: readonly Quirks[] = [
  {},
  { toolsInText: true },
  { systemRole: "user" },
  { assistantAfterTool: true, toolName: true },
  { thinkingBack: "reasoning_content", objectArguments: true },
];

const info = {
  ref: model,
  server: "s",
  state: "loaded",
  tools: "yes",
  thinking: "yes",
  vision: "yes",
  kind: "chat",
} as const;
const target = { provider: "p", kind: undefined, root: "http://h", base: "http://h/v1", origin: "t", named: false };
const window = { tokens: 16_384, source: "chosen" } as const;

describe.each([ollama, openAiCompatible])("$kind", (provider) => {
  const wire = provider.wire(target, info, { target, state: "up", models: [] });
  const encode = (request: ModelRequest, quirks: Quirks) => wire.encode(request, quirks, window);

  test.each(quirkSets)("a longer thread only adds at the end, with quirks %o", (quirks) => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        const first: Message = { role: "user", parts: [{ type: "text", text: "start" }] };
        let before = encode(requestWith({ messages: [first] }), quirks);
        for (let count = 1; count <= steps.length; count++) {
          const messages = [first, ...steps.slice(0, count).flat()];
          const body = encode(requestWith({ messages }), quirks);
          expect(body.startsWith(before.slice(0, -2))).toBe(true);
          expect(encode(requestWith({ messages: structuredClone(messages) }), quirks)).toBe(body);
          before = body;
        }
      }),
      { numRuns: 60 },
    );
  });

  test("thinking is not sent back", () => {
    const messages: Message[] = [
      {
        role: "assistant",
        voice: "v",
        model,
        usage,
        stop: "stop",
        parts: [
          { type: "thinking", text: "secret thought" },
          { type: "text", text: "said" },
        ],
      },
    ];
    expect(encode(requestWith({ messages }), {})).not.toContain("secret thought");
  });

  test("images are sent in the server's form", () => {
    const body = encode(requestWith({ messages: [{ role: "user", parts: [image] }] }), {});
    expect(body).toContain(provider.kind === "ollama" ? '"images":["AAAA"]' : "data:image/png;base64,AAAA");
  });
});

test("Ollama gets one constant window, no truncation, no shift and a long keep-alive", () => {
  const wire = ollama.wire(target, info, { target, state: "up", models: [] });
  for (const sampling of [{}, { temperature: 0.2, maxTokens: 10 }, { effort: "low" as const }]) {
    const body: unknown = JSON.parse(wire.encode(requestWith({ sampling }), {}, window));
    expect(body).toMatchObject({ truncate: false, shift: false, keep_alive: "30m", options: { num_ctx: 16_384 } });
  }
});
