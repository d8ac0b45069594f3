/** Servers that speak the OpenAI chat format over SSE: LM Studio, llama-server, vLLM and others; quirks are learned, not listed. */

import { delay } from "../../base/async.ts";
import { CrucibleError } from "../../base/error.ts";
import { isFields } from "../../base/json-schema.ts";
import type { ModelInfo, ModelRequest, Sampling } from "../../core/model.ts";
import type { PullStep } from "../../core/ports/models.ts";
import { type FlatMessage, flatten } from "../flatten.ts";
import { HttpFailure } from "../http.ts";
import { createOpenAiDecoder } from "../openai-decoder.ts";
import { type Answer, ask, askGently, countField, listField, order, reasonOf, textField, vectorsIn } from "../probe.ts";
import { meaningOf, readProblem } from "../problem.ts";
import type { Quirks } from "../quirks.ts";
import type { Glance, Look, Provider, Target } from "../wire.ts";

type Fields = Readonly<Record<string, unknown>>;

const openAiCompatible: Provider = {
  kind: "openai-compatible",
  choosesWindow: false,
  look,
  async detail(_look, _target, info) {
    return { info };
  },
  async embed(look, target, model, texts) {
    const body = await order(look, target, `${target.base}/embeddings`, {
      body: { model, input: texts, encoding_format: "float" },
      model,
    });
    const rows = listField(body, "data").toSorted((a, b) => Number(a["index"] ?? 0) - Number(b["index"] ?? 0));
    return vectorsIn(
      rows.map((row) => row["embedding"]),
      target,
      texts.length,
    );
  },
  care: { pull, load, unload },
  wire(target, info, glance) {
    return {
      url: `${target.base}/chat/completions`,
      encode: (request, quirks) => encode(info, request, quirks, glance.extras === true),
      decoder: createOpenAiDecoder,
      ...(glance.extras ? { warm: (request, quirks) => warmed(encode(info, request, quirks, true)) } : {}),
    };
  },
};
export default openAiCompatible;

/** The model list plus the management routes of those servers that have them. */
async function look(look: Look, target: Target): Promise<Glance> {
  try {
    const [models, studio, props, version] = await Promise.all([
      ask(look, target, `${target.base}/models`),
      askGently(look, target, `${target.root}/api/v0/models`),
      askGently(look, target, `${target.root}/props`),
      askGently(look, target, `${target.root}/version`),
    ]);
    if (models.status === 401 || models.status === 403)
      return { target, state: "locked", models: [], problem: `status ${models.status}` };
    if (models.status === 503 && meaningOf(readProblem(503, models.body)) === "loading") {
      return { target, state: "loading", models: [], problem: "loading a model" };
    }
    if (!Array.isArray(models.body["data"]))
      return { target, state: "foreign", models: [], problem: "it does not speak the OpenAI protocol" };
    return sighted(target, { models, studio, props, version });
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
    return { target, state: "down", models: [], problem: reasonOf(error) };
  }
}

interface Answers {
  readonly models: Answer;
  readonly studio: Answer;
  readonly props: Answer;
  readonly version: Answer;
}

function sighted(target: Target, { models, studio, props, version }: Answers): Glance {
  const listed = listField(models.body, "data");
  const studioModels = new Map(listField(studio.body, "data").map((model) => [textField(model, "id"), model]));
  const isStudio = [...studioModels.values()].some((model) => "state" in model || "max_context_length" in model);
  const isLlama =
    props.status === 200 && (isFields(props.body["default_generation_settings"]) || "total_slots" in props.body);
  const isVllm = listed.some((model) => "max_model_len" in model);
  const provider = target.named
    ? target.provider
    : isStudio
      ? "lmstudio"
      : isLlama
        ? "llamacpp"
        : isVllm
          ? "vllm"
          : target.provider;
  const known: Target = { ...target, provider, kind: "openai-compatible" };
  const told = textField(version.body, "version") ?? textField(props.body, "build_info");
  const slots = countField(props.body, "total_slots");
  return {
    target: known,
    state: "up",
    models: listed.flatMap((model) =>
      infoOf(known, model, isStudio ? studioModels : undefined, isLlama ? props.body : undefined),
    ),
    ...(told === undefined ? {} : { version: told }),
    ...(isLlama ? { extras: true } : {}),
    ...(isLlama && slots !== undefined ? { slots } : {}),
  };
}

function infoOf(
  target: Target,
  model: Fields,
  studio: ReadonlyMap<string | undefined, Fields> | undefined,
  props: Fields | undefined,
): ModelInfo[] {
  const id = textField(model, "id");
  if (id === undefined) return [];
  const base: ModelInfo = {
    ref: { provider: target.provider, model: id },
    server: target.root,
    state: "unknown",
    tools: "unknown",
    thinking: "unknown",
    vision: "unknown",
    kind: /embed|rerank|whisper|(^|[-/])tts/i.test(id) ? "embedding" : "unknown",
  };
  if (studio) return [studioInfo(base, studio.get(id) ?? {})];
  if (props) return [llamaInfo(base, model, props)];
  const length = countField(model, "max_model_len");
  if (length === undefined) return [base];
  const window = { tokens: length, source: "max_model_len" };
  return [{ ...base, state: "loaded", loadedWindow: window, maxWindow: window }];
}

function studioInfo(base: ModelInfo, model: Fields): ModelInfo {
  const type = textField(model, "type");
  const state = textField(model, "state");
  const loaded = countField(model, "loaded_context_length");
  const most = countField(model, "max_context_length");
  const abilities = Array.isArray(model["capabilities"]) ? model["capabilities"] : undefined;
  return {
    ...base,
    state: state === "loaded" ? "loaded" : state === "not-loaded" ? "cold" : "unknown",
    kind: type === "embeddings" ? "embedding" : type === "llm" || type === "vlm" ? "chat" : base.kind,
    vision: type === "vlm" ? "yes" : type === "llm" ? "no" : "unknown",
    tools: abilities?.includes("tool_use") ? "yes" : "unknown",
    ...(loaded === undefined ? {} : { loadedWindow: { tokens: loaded, source: "loaded_context_length" } }),
    ...(most === undefined ? {} : { maxWindow: { tokens: most, source: "max_context_length" } }),
  };
}

/** `default_generation_settings.n_ctx` is the window of one slot; `meta.n_ctx_train` the model's own limit. */
function llamaInfo(base: ModelInfo, model: Fields, props: Fields): ModelInfo {
  const settings = isFields(props["default_generation_settings"]) ? props["default_generation_settings"] : {};
  const slot = countField(settings, "n_ctx") ?? countField(props, "n_ctx");
  const meta = isFields(model["meta"]) ? model["meta"] : {};
  const most = countField(meta, "n_ctx_train");
  const size = countField(meta, "size");
  const template = isFields(props["chat_template_caps"]) ? props["chat_template_caps"] : {};
  const modalities = isFields(props["modalities"]) ? props["modalities"] : {};
  return {
    ...base,
    state: props["is_sleeping"] === true ? "cold" : "loaded",
    tools: template["supports_tools"] === true ? "yes" : template["supports_tools"] === false ? "no" : "unknown",
    vision: modalities["vision"] === true ? "yes" : modalities["vision"] === false ? "no" : "unknown",
    ...(size === undefined ? {} : { sizeBytes: size }),
    ...(slot === undefined ? {} : { loadedWindow: { tokens: slot, source: "/props n_ctx per slot" } }),
    ...(most === undefined ? {} : { maxWindow: { tokens: most, source: "n_ctx_train" } }),
  };
}

const isStudio = (target: Target) => target.provider === "lmstudio";

/** Waits between two looks at a download (milliseconds). */
const DOWNLOAD_LOOK_MS = 1_000;

/** LM Studio's native routes (0.4 and newer); llama-server has none for a download. */
async function* pull(look: Look, target: Target, name: string): AsyncIterable<PullStep> {
  if (!isStudio(target))
    throw cannot(target, "fetches no models itself", "put the file where the server looks for models");
  const url = `${target.root}/api/v1/models/download`;
  let state = await order(look, target, url, { body: { model: name }, model: name });
  for (;;) {
    const status = textField(state, "status") ?? "working";
    const done = countField(state, "downloaded_bytes");
    const total = countField(state, "total_size_bytes");
    yield { status, ...(done === undefined ? {} : { done }), ...(total === undefined ? {} : { total }) };
    if (status === "completed" || status === "already_downloaded") return;
    if (status === "failed") throw cannot(target, `could not fetch ${name}`, "look at the server's log");
    const job = textField(state, "job_id");
    if (job === undefined)
      throw cannot(target, `names no job for the download of ${name}`, "look at the server's window");
    await delay(DOWNLOAD_LOOK_MS, look.signal);
    state = (await ask(look, target, `${url}/status/${encodeURIComponent(job)}`)).body;
  }
}

/** LM Studio 0.4 and newer, or llama-server in router mode. */
async function load(
  look: Look,
  target: Target,
  info: ModelInfo,
  { window }: { readonly window: number },
): Promise<void> {
  const { model } = info.ref;
  if (isStudio(target))
    await order(look, target, `${target.root}/api/v1/models/load`, { body: { model, context_length: window }, model });
  else if (target.provider === "llamacpp")
    await order(look, target, `${target.root}/models/load`, { body: { model }, model });
  else throw cannot(target, "has no way to load a model", "it loads its model when it starts");
}

async function unload(look: Look, target: Target, info: ModelInfo): Promise<void> {
  const { model } = info.ref;
  if (target.provider === "llamacpp")
    await order(look, target, `${target.root}/models/unload`, { body: { model }, model });
  else if (isStudio(target)) {
    const { body } = await ask(look, target, `${target.root}/api/v1/models`);
    const held = listField(body, "models").filter((one) => textField(one, "key") === model);
    const ids = held.flatMap((one) =>
      listField(one, "loaded_instances").map((instance) => textField(instance, "id") ?? model),
    );
    for (const id of ids.length > 0 ? ids : [model])
      await order(look, target, `${target.root}/api/v1/models/unload`, { body: { instance_id: id }, model });
  } else throw cannot(target, "has no way to unload a model", "stop the server");
}

function cannot(target: Target, what: string, hint: string): CrucibleError {
  return new CrucibleError("model-unfit", `${target.root} (${target.provider}) ${what}`, { hint });
}

/** llama-server reads the prompt into its cache and writes nothing: the bytes of the prompt are those of the request. */
function warmed(body: string): string {
  return body.replace('"stream":true', '"stream":false,"n_predict":0');
}

/** Volatile parts come first and the messages last, so that bodies of one thread only differ at the end. */
function encode(info: ModelInfo, request: ModelRequest, quirks: Quirks, extras: boolean): string {
  const { sampling, schema } = request;
  const withTools = request.tools.length > 0 && !quirks.toolsInText;
  const head = JSON.stringify({
    model: info.ref.model,
    stream: true,
    ...(quirks.noStreamUsage ? {} : { stream_options: { include_usage: true } }),
    ...(extras && !quirks.noTemplateArguments ? { return_progress: true } : {}),
    ...(quirks.noTemperature ? {} : samplingOf(sampling, quirks)),
    ...(sampling.maxTokens === undefined ? {} : { [quirks.maxTokensName ?? "max_tokens"]: sampling.maxTokens }),
    ...effortOf(request, quirks, extras),
    ...(schema && quirks.format !== "none" ? { response_format: formatOf(schema, quirks) } : {}),
    ...(withTools ? { tools: request.tools.map((tool) => ({ type: "function", function: tool })) } : {}),
    ...(withTools && schema ? { tool_choice: "none" } : {}),
  });
  const messages = flatten(request, quirks).map((message) => JSON.stringify(rendered(message, quirks)));
  return `${head.slice(0, -1)},"messages":[${messages.join(",")}]}`;
}

function formatOf(schema: Fields, quirks: Quirks): unknown {
  if (quirks.format === "json") return { type: "json_object" };
  return { type: "json_schema", json_schema: { name: "answer", strict: true, schema } };
}

/** JSON leaves absent values out; a server that complains of one is asked without any of them. */
function samplingOf({ temperature, topP, topK, minP, repeatPenalty, seed }: Sampling, quirks: Quirks): Fields {
  const plain = { temperature, top_p: topP };
  return quirks.plainSampling ? plain : { ...plain, seed, top_k: topK, min_p: minP, repeat_penalty: repeatPenalty };
}

/** Thinking off is a switch of the template; what the person set for the template is sent as it is. */
function effortOf(request: ModelRequest, quirks: Quirks, extras: boolean): Fields {
  const { templateArguments } = request.sampling;
  const effort = request.schema ? "off" : request.sampling.effort;
  const off = effort === "off" && extras ? { enable_thinking: false } : undefined;
  const template =
    quirks.noTemplateArguments || !(off || templateArguments)
      ? {}
      : { chat_template_kwargs: { ...templateArguments, ...off } };
  const word = effort === undefined || effort === "off" || quirks.noReasoningEffort ? {} : { reasoning_effort: effort };
  return { ...template, ...word };
}

function rendered(message: FlatMessage, quirks: Quirks): unknown {
  const images = message.images.map((image) => ({
    type: "image_url",
    image_url: { url: `data:${image.mediaType};base64,${image.data}` },
  }));
  const calls = message.calls.map((call) => ({
    id: call.id,
    type: "function",
    function: { name: call.tool, arguments: quirks.objectArguments ? call.input : JSON.stringify(call.input) },
  }));
  return {
    role: message.role,
    content: images.length > 0 ? [{ type: "text", text: message.text }, ...images] : message.text,
    ...(message.thinking === undefined || !quirks.thinkingBack ? {} : { [quirks.thinkingBack]: message.thinking }),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(message.role === "tool"
      ? { tool_call_id: message.callId, ...(quirks.toolName ? { name: message.tool } : {}) }
      : {}),
  };
}
