/** One small question to a voice, bound to the form in which it hands things in: shows whether a model can play it. */
import { checkSchema } from "../base/json-schema.ts";
import type { ModelRequest } from "../core/model.ts";
import type { OpenModel } from "../core/ports/models.ts";
import type { VoiceTrial } from "../core/ports/voices.ts";
import type { Voice, Yield } from "../core/voice.ts";

const TASK = [
  "Here is a.js: export const mean = (list) => list.reduce((a, b) => a + b) / list.length;",
  "Its task: the mean of a list of numbers, 0 for an empty list.",
].join("\n");
const MOST_TOKENS = 500;

const words = { type: "string" };
const list = (items: object) => ({ type: "array", items, maxItems: 2 });
const row = (...names: string[]) => ({
  type: "object",
  properties: Object.fromEntries(names.map((name) => [name, words])),
  required: names,
  additionalProperties: false,
});
const FORMS: Readonly<Record<Yield, object>> = {
  proposal: words,
  claims: list(row("subject", "claim", "where")),
  checks: list(row("command", "expects")),
};

/** Never throws for what a server does: that is a problem of the trial. */
export async function tryVoice(voice: Voice, model: OpenModel, signal: AbortSignal): Promise<VoiceTrial> {
  const names: readonly Yield[] = voice.yields.length > 0 ? voice.yields : ["proposal"];
  const schema = {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name, FORMS[name]])),
    required: [...names],
    additionalProperties: false,
  };
  const request: ModelRequest = {
    system: "You are one voice of a council. Answer as JSON in the form asked for, briefly.",
    messages: [{ role: "user", parts: [{ type: "text", text: `${TASK}\n\n${voice.prompt}` }] }],
    tools: [],
    sampling: { temperature: voice.temperature, maxTokens: MOST_TOKENS, effort: "off" },
    schema,
  };
  const heard = { text: "", problem: "", inputTokens: 0, outputTokens: 0 };
  const started = performance.now();
  for await (const part of model.generate(request, signal)) {
    if (part.type === "text") heard.text += part.text;
    else if (part.type === "failure") heard.problem = part.fault.message;
    else if (part.type === "finish" && part.reason === "length") heard.problem = `no end after ${MOST_TOKENS} tokens`;
    else if (part.type === "usage") [heard.inputTokens, heard.outputTokens] = [part.usage.input, part.usage.output];
  }
  const { text, inputTokens, outputTokens } = heard;
  const problem = heard.problem || misfit(schema, text);
  const ms = Math.round(performance.now() - started);
  return { ok: problem === "", ...(problem === "" ? {} : { problem }), inputTokens, outputTokens, ms };
}

function misfit(schema: Readonly<Record<string, unknown>>, text: string): string {
  try {
    return checkSchema(schema, JSON.parse(text)).problems[0] ?? "";
  } catch {
    return "the answer is no JSON";
  }
}
