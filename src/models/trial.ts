/** A trial of one model: a few announced requests that show whether it can do an agent's work here, and how fast. */
import { checkSchema } from "../base/json-schema.ts";
import type { Message, ToolCallPart } from "../core/message.ts";
import type { ModelPart, ModelRequest } from "../core/model.ts";
import type { OpenModel, TrialStep } from "../core/ports/models.ts";

const ECHO = {
  name: "echo",
  description: "Gives the text back, sealed with a code.",
  parameters: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
};
const SEAL = "quartz-5309";
const CODE_WORD = "marigold-4172";
const FORM = {
  type: "object",
  properties: { sorted: { type: "boolean" }, size: { enum: ["small", "large"] } },
  required: ["sorted", "size"],
  additionalProperties: false,
};
/** The long prompt: at most what the model reads in this time, and never more than this many tokens. */
const READING_MS = 20_000;
const LONGEST = 24_000;
const SHORTEST = 2_000;
/** Left of the window for the answer and the rest of the prompt. */
const RESERVE = 1_500;
const BYTES_PER_TOKEN = 4;

/** Yields each step as it is done; the work of an agent needs the ones marked `needed`. */
export async function* tryModel(model: OpenModel, signal: AbortSignal): AsyncGenerator<TrialStep, void> {
  const talk = (request: ModelRequest) => listen(model, request, signal);
  const asked = user('Call the tool echo with the text "ready". Do nothing else.');
  const first = await talk(requestOf([asked], [ECHO]));
  yield* first.notes.map((text) => ({ name: "learned", ok: true, needed: false, text }));
  yield toolStep(first);
  if (!first.call) return;
  yield await resultStep(model, { asked, call: first.call.call, talk });
  const form = await talk({
    ...requestOf([user("Is the list 1, 2, 3 sorted, and is it small or large? Answer in the given form.")]),
    schema: FORM,
  });
  yield formStep(form);
  yield await windowStep(model, talk);
}

interface Heard {
  text: string;
  call: Extract<ModelPart, { type: "tool-call" }> | undefined;
  problem: string;
  notes: string[];
  ms: number;
}

type Talk = (request: ModelRequest) => Promise<Heard>;

async function listen(model: OpenModel, request: ModelRequest, signal: AbortSignal): Promise<Heard> {
  const heard: Heard = { text: "", call: undefined, problem: "", notes: [], ms: 0 };
  const started = performance.now();
  for await (const part of model.generate(request, signal)) {
    if (part.type === "text") heard.text += part.text;
    else if (part.type === "tool-call") heard.call ??= part;
    else if (part.type === "note") heard.notes.push(part.text);
    else if (part.type === "failure") heard.problem = part.fault.message;
  }
  heard.ms = performance.now() - started;
  return heard;
}

function toolStep({ call, problem, text }: Heard): TrialStep {
  const name = "tool call";
  if (call) {
    const how = call.repaired.length === 0 ? "native" : `after repair (${call.repaired.join(", ")})`;
    return { name, ok: true, needed: true, text: how };
  }
  return {
    name,
    ok: false,
    needed: true,
    text: problem || `it answered without calling the tool: ${JSON.stringify(text.slice(0, 80))}`,
  };
}

async function resultStep(
  model: OpenModel,
  { asked, call, talk }: { asked: Message; call: ToolCallPart; talk: Talk },
): Promise<TrialStep> {
  const thread: Message[] = [
    asked,
    {
      role: "assistant",
      parts: [call],
      voice: "",
      model: model.ref,
      usage: { input: 0, output: 0, source: "estimated" },
      stop: "tool-calls",
    },
    {
      role: "tool",
      callId: call.id,
      tool: "echo",
      parts: [{ type: "text", text: `ready, sealed ${SEAL}` }],
      failed: false,
    },
    user("Which seal did the tool give? Answer with the seal alone."),
  ];
  const heard = await talk(requestOf(thread, [ECHO]));
  const ok = heard.text.includes(SEAL);
  return {
    name: "tool result",
    ok,
    needed: true,
    text: ok
      ? "read and used"
      : heard.problem || `it did not name the seal: ${JSON.stringify(heard.text.slice(0, 80))}`,
  };
}

function formStep({ text, problem }: Heard): TrialStep {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const ok = problem === "" && checkSchema(FORM, value).problems.length === 0;
  return {
    name: "given form",
    ok,
    needed: false,
    text: ok ? "kept" : problem || "not kept: answers by schema are asked for in words",
  };
}

/** A code word at the start of a long prompt is only found when nothing was cut away. */
async function windowStep(model: OpenModel, talk: Talk): Promise<TrialStep> {
  const readable = ((model.rates.prefillPerSecond ?? SHORTEST / 10) * READING_MS) / 1_000;
  const tokens = Math.floor(Math.max(SHORTEST, Math.min(model.window.tokens - RESERVE, readable, LONGEST)));
  const lines: string[] = [];
  for (let bytes = 0, n = 1; bytes < tokens * (model.rates.bytesPerToken ?? BYTES_PER_TOKEN); n++) {
    const line = `${n}. The shelf holds ${(n * 37) % 91} boxes, and box ${(n * 13) % 97} is closed.`;
    lines.push(line);
    bytes += line.length + 1;
  }
  const text = `The code word is ${CODE_WORD}.\n${lines.join("\n")}\nWhich code word stood at the start? Answer with the code word alone.`;
  const heard = await talk(requestOf([user(text)]));
  const name = "long prompt";
  const size = `about ${tokens} of ${model.window.tokens} tokens (${model.window.source})`;
  if (heard.text.includes(CODE_WORD))
    return { name, ok: true, needed: true, text: `${size}: nothing was cut, ${(heard.ms / 1_000).toFixed(1)} s` };
  const why = heard.problem || `it did not find the code word: ${JSON.stringify(heard.text.slice(0, 80))}`;
  return { name, ok: false, needed: true, text: `${size}: ${why}` };
}

function user(text: string): Message {
  return { role: "user", parts: [{ type: "text", text }] };
}

function requestOf(messages: readonly Message[], tools: ModelRequest["tools"] = []): ModelRequest {
  return { system: "You act through tools and answer briefly.", messages, tools, sampling: { temperature: 0 } };
}
