/** Ollama by its native routes (docs/api.md of Ollama); its /v1 drops the window and thinking and is never used. */

import { CrucibleError, errnoOf } from "../../base/error.ts";
import { isFields } from "../../base/json-schema.ts";
import type { Ability, ModelInfo, ModelRequest } from "../../core/model.ts";
import type { PullStep } from "../../core/ports/models.ts";
import { type FlatMessage, flatten } from "../flatten.ts";
import { bodyText, HttpFailure } from "../http.ts";
import { kvBytes } from "../kv-bytes.ts";
import { createNdjson } from "../ndjson.ts";
import { ask, askGently, countField, listField, order, reasonOf, textField, vectorsIn } from "../probe.ts";
import { readProblem } from "../problem.ts";
import type { Quirks } from "../quirks.ts";
import type { Detail, Glance, Look, Provider, Sink, Target, WireUsage } from "../wire.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Keeps a model loaded between the turns of a session. */
const KEEP_ALIVE = "30m";

const ollama: Provider = {
  kind: "ollama",
  choosesWindow: true,
  look,
  detail,
  async embed(look, target, model, texts) {
    const body = await order(look, target, `${target.root}/api/embed`, {
      body: { model, input: texts, truncate: false, keep_alive: KEEP_ALIVE },
      model,
    });
    return vectorsIn(body["embeddings"], target, texts.length);
  },
  care: {
    pull,
    load: (look, target, info, wish) => keep(look, target, info, { ...wish, keepAlive: wish.keepAlive ?? KEEP_ALIVE }),
    unload: (look, target, info) => keep(look, target, info, { keepAlive: "0" }),
  },
  wire(target, info, _glance, keepAlive = KEEP_ALIVE) {
    return {
      url: `${target.root}/api/chat`,
      encode: (request, quirks, window) => encode({ info, keepAlive, numCtx: window.tokens }, request, quirks),
      decoder,
      // An empty chat loads the model; Ollama has no way to read a prompt without an answer.
      warm: (_request, _quirks, window) =>
        JSON.stringify({
          model: info.ref.model,
          messages: [],
          stream: false,
          keep_alive: durationOf(keepAlive),
          options: { num_ctx: window.tokens },
        }),
    };
  },
};
export default ollama;

async function look(look: Look, target: Target): Promise<Glance> {
  try {
    const askVersion = () => ask(look, target, `${target.root}/api/version`);
    const [asked, tags, running] = await Promise.all([
      look.version ? askVersion() : undefined,
      ask(look, target, `${target.root}/api/tags`),
      askGently(look, target, `${target.root}/api/ps`),
    ]);
    if (tags.status === 401 || tags.status === 403)
      return { target, state: "locked", models: [], problem: `status ${tags.status}` };
    if (!Array.isArray(tags.body["models"]))
      return { target, state: "foreign", models: [], problem: "it does not speak Ollama's protocol" };
    const loaded = new Map(
      listField(running.body, "models").map((model) => [textField(model, "name") ?? textField(model, "model"), model]),
    );
    const models = listField(tags.body, "models").flatMap((model) => infoOf(target, model, loaded));
    const version = asked ?? (models.some((model) => model.ref.digest === undefined) ? await askVersion() : undefined);
    const told = version && textField(version.body, "version");
    return { target, state: "up", models, ...(told === undefined ? {} : { version: told }) };
  } catch (error) {
    if (error instanceof HttpFailure || errnoOf(error) !== undefined) {
      return {
        target,
        state: "down",
        models: [],
        problem: error instanceof HttpFailure ? reasonOf(error) : "unreachable",
      };
    }
    throw error;
  }
}

function infoOf(target: Target, model: Fields, loaded: ReadonlyMap<string | undefined, Fields>): ModelInfo[] {
  const name = textField(model, "name") ?? textField(model, "model");
  if (name === undefined) return [];
  const digest = textField(model, "digest");
  const size = countField(model, "size");
  const running = loaded.get(name);
  const window = running && countField(running, "context_length");
  const remote = textField(model, "remote_host") ?? (textField(model, "remote_model") && "another machine");
  const family = isFields(model["details"]) ? textField(model["details"], "family") : undefined;
  return [
    {
      ref: { provider: target.provider, model: name, ...(digest === undefined ? {} : { digest }) },
      server: target.root,
      state: running ? "loaded" : "cold",
      tools: "unknown",
      thinking: "unknown",
      vision: "unknown",
      kind: family !== undefined && /bert|embed/i.test(family) ? "embedding" : "unknown",
      ...(size === undefined ? {} : { sizeBytes: size }),
      ...(window === undefined ? {} : { loadedWindow: { tokens: window, source: "/api/ps" } }),
      ...(remote === undefined ? {} : { remote }),
    },
  ];
}

async function detail(look: Look, target: Target, info: ModelInfo): Promise<Detail> {
  const { status, body } = await askGently(look, target, `${target.root}/api/show`, { model: info.ref.model });
  if (status !== 200) return { info };
  const capabilities = Array.isArray(body["capabilities"]) ? body["capabilities"] : undefined;
  const able = (name: string): Ability =>
    capabilities === undefined ? "unknown" : capabilities.includes(name) ? "yes" : "no";
  const shape = isFields(body["model_info"]) ? body["model_info"] : {};
  const arch = textField(shape, "general.architecture") ?? "";
  const most = countField(shape, `${arch}.context_length`);
  const remote =
    textField(body, "remote_host") ?? (textField(body, "remote_model") && "another machine") ?? info.remote;
  const baked = /^num_ctx\s+(\d+)/m.exec(textField(body, "parameters") ?? "")?.[1];
  const perToken = kvBytes(shape);
  const chat = able("completion");
  return {
    info: {
      ...info,
      tools: able("tools"),
      thinking: able("thinking"),
      vision: able("vision"),
      kind:
        chat === "yes" ? "chat" : able("embedding") === "yes" || info.kind === "embedding" ? "embedding" : "unknown",
      ...(most === undefined ? {} : { maxWindow: { tokens: most, source: "/api/show" } }),
      ...(remote === undefined ? {} : { remote }),
    },
    ...(perToken === undefined ? {} : { kvBytesPerToken: perToken }),
    ...(baked === undefined ? {} : { bakedWindow: Number(baked) }),
  };
}

interface Own {
  readonly info: ModelInfo;
  readonly keepAlive: string;
  readonly numCtx: number;
}

/** Seconds as a number, anything else as text: `-1` and `0` are no durations to Ollama as text. */
function durationOf(text: string): string | number {
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

/** Loads (an empty chat) or, with a keep-alive of 0, unloads. */
async function keep(
  look: Look,
  target: Target,
  info: ModelInfo,
  wish: { keepAlive: string; window?: number },
): Promise<void> {
  const body = {
    model: info.ref.model,
    messages: [],
    stream: false,
    keep_alive: durationOf(wish.keepAlive),
    ...(wish.window === undefined ? {} : { options: { num_ctx: wish.window } }),
  };
  await order(look, target, `${target.root}/api/chat`, { body, model: info.ref.model });
}

async function* pull(look: Look, target: Target, name: string): AsyncIterable<PullStep> {
  const steps: PullStep[] = [];
  const lines = createNdjson(
    (value) => {
      if (!isFields(value)) return;
      if (value["error"] !== undefined) throw pullFault(target, name, readProblem(200, value).message);
      const done = countField(value, "completed");
      const total = countField(value, "total");
      const status = textField(value, "status") ?? "working";
      steps.push({ status, ...(done === undefined ? {} : { done }), ...(total === undefined ? {} : { total }) });
    },
    (line) => {
      throw pullFault(target, name, line);
    },
  );
  const reply = await look.http({
    url: `${target.root}/api/pull`,
    body: JSON.stringify({ model: name, stream: true }),
    signal: look.signal,
    connectMs: look.timeouts.connectMs,
    ...(target.apiKey ? { apiKey: target.apiKey } : {}),
  });
  if (reply.status !== 200)
    throw pullFault(target, name, readProblem(reply.status, await bodyText(reply, 65_536)).message);
  let last: PullStep | undefined;
  for (let chunk = await reply.read(); chunk; chunk = await reply.read()) {
    lines.push(chunk);
    for (const step of steps.splice(0)) {
      last = step;
      yield step;
    }
  }
  lines.end();
  yield* steps;
  if ((steps.at(-1) ?? last)?.status !== "success") throw pullFault(target, name, "the download broke off");
}

function pullFault(target: Target, name: string, problem: string): CrucibleError {
  return new CrucibleError("model-missing", `${target.root} could not fetch ${name}: ${problem}`, {
    hint: "check the name, the server's way to its registry and its disk; fetching goes on where it stopped",
    retryable: true,
  });
}

/** Volatile parts come first and the messages last, so that bodies of one thread only differ at the end. */
function encode(own: Own, request: ModelRequest, quirks: Quirks): string {
  const { info, keepAlive, numCtx } = own;
  const { temperature, maxTokens, topP, topK, minP, repeatPenalty, seed } = request.sampling;
  // JSON leaves absent values out.
  const options = {
    num_ctx: numCtx,
    temperature,
    num_predict: maxTokens,
    top_p: topP,
    top_k: topK,
    min_p: minP,
    repeat_penalty: repeatPenalty,
    seed,
  };
  const think = thinkOf(info, request, quirks);
  const head = JSON.stringify({
    model: info.ref.model,
    stream: true,
    truncate: false,
    shift: false,
    keep_alive: durationOf(keepAlive),
    options,
    ...(think === undefined ? {} : { think }),
    ...(request.schema && quirks.format !== "none"
      ? { format: quirks.format === "json" ? "json" : request.schema }
      : {}),
    ...(request.tools.length > 0 && !quirks.toolsInText
      ? { tools: request.tools.map((tool) => ({ type: "function", function: tool })) }
      : {}),
  });
  const messages = flatten(request, quirks).map((message) => JSON.stringify(rendered(message)));
  return `${head.slice(0, -1)},"messages":[${messages.join(",")}]}`;
}

function thinkOf(info: ModelInfo, request: ModelRequest, quirks: Quirks): boolean | string | undefined {
  if (info.thinking !== "yes" || quirks.think === "none") return undefined;
  if (request.schema) return false;
  const effort = request.sampling.effort;
  if (effort === undefined) return undefined;
  if (effort === "off") return false;
  return quirks.think === "boolean" ? true : effort;
}

function rendered(message: FlatMessage): unknown {
  return {
    role: message.role,
    content: message.text,
    ...(message.thinking === undefined ? {} : { thinking: message.thinking }),
    ...(message.images.length > 0 ? { images: message.images.map((image) => image.data) } : {}),
    ...(message.calls.length > 0
      ? {
          tool_calls: message.calls.map((call) => ({
            id: call.id,
            type: "function",
            function: { name: call.tool, arguments: call.input },
          })),
        }
      : {}),
    ...(message.role === "tool" ? { tool_name: message.tool, tool_call_id: message.callId } : {}),
  };
}

function decoder(sink: Sink) {
  return createNdjson(
    (value) => {
      if (!isFields(value)) return;
      if (value["error"] !== undefined) {
        sink.problem(readProblem(200, value));
        return;
      }
      const message = value["message"] as Fields | undefined;
      if (message !== undefined && message !== null) {
        const thinking = message["thinking"];
        if (typeof thinking === "string" && thinking !== "") sink.thinking(thinking);
        const content = message["content"];
        if (typeof content === "string" && content !== "") sink.text(content);
        const calls = message["tool_calls"];
        if (Array.isArray(calls)) deliverCalls(calls, sink);
      }
      if (typeof value["remote_host"] === "string" && value["remote_host"] !== "") sink.remote(value["remote_host"]);
      else if (typeof value["remote_model"] === "string" && value["remote_model"] !== "")
        sink.remote("another machine");
      if (value["done"] === true) finish(value, sink);
    },
    (line) => sink.problem(readProblem(200, line)),
  );
}

function deliverCalls(calls: readonly unknown[], sink: Sink): void {
  for (const item of calls) {
    const call = isFields(item) && isFields(item["function"]) ? item["function"] : item;
    if (!isFields(call) || typeof call["name"] !== "string") continue;
    const id = isFields(item) ? (textField(item, "id") ?? textField(call, "id")) : undefined;
    sink.call({ name: call["name"], args: call["arguments"], fromText: false, ...(id === undefined ? {} : { id }) });
  }
}

function finish(value: Fields, sink: Sink): void {
  if (typeof value["model"] === "string") sink.model(value["model"]);
  const usage: { -readonly [Key in keyof WireUsage]: WireUsage[Key] } = {};
  const input = countField(value, "prompt_eval_count");
  const output = countField(value, "eval_count");
  if (input !== undefined) usage.input = input;
  if (output !== undefined) usage.output = output;
  const load = countField(value, "load_duration");
  const prefill = countField(value, "prompt_eval_duration");
  const decode = countField(value, "eval_duration");
  if (load !== undefined) usage.loadMs = load / 1e6;
  if (prefill !== undefined) usage.prefillMs = prefill / 1e6;
  if (decode !== undefined) usage.decodeMs = decode / 1e6;
  sink.usage(usage);
  sink.finish(typeof value["done_reason"] === "string" ? value["done_reason"] : "stop");
}
