/** Scripted loopback model servers for both wire formats. */
import {
  countTokens,
  type OllamaOptions,
  pieces,
  type RecordedRequest,
  type Reply,
  type ScriptedServer,
  scriptReader,
  sendChunks,
  sendJson,
  startOllamaServer,
  startRecordingServer,
} from "../../demo/model-server.ts";

export type { RecordedRequest, Reply, ScriptedServer } from "../../demo/model-server.ts";

export interface ModelServerOptions extends Omit<OllamaOptions, "loadedWindow"> {
  readonly wire: "ollama" | "openai";
  /** The loaded window in tokens. Ollama: only when `loaded`. */
  readonly window?: number;
  readonly loaded?: boolean;
  /** Which management routes an OpenAI-style server has; default `plain`: none. */
  readonly flavour?: "plain" | "lmstudio" | "llamacpp" | "vllm";
  /** Answers a path before everything else; undefined leaves it to the ordinary routes. */
  readonly override?: (request: RecordedRequest) => { readonly status: number; readonly body: unknown } | undefined;
  readonly port?: number;
}

export async function startModelServer(options: ModelServerOptions): Promise<ScriptedServer> {
  if (options.wire === "ollama" && !options.override) {
    const { window, loaded, ...rest } = options;
    return startOllamaServer({ ...rest, ...(loaded ? { loadedWindow: window ?? 32_768 } : {}) }, options.port);
  }
  const next = scriptReader(options.script);
  const model = options.model ?? "scripted";
  return startRecordingServer(async (request, response, state) => {
    const special = options.override?.(request);
    if (special) return sendJson(response, special.status, special.body);
    const management = stateOf(options, model, request.path);
    if (management !== undefined) return sendJson(response, 200, management);
    if (request.path !== "/v1/chat/completions")
      return sendJson(response, 404, { error: { message: "File Not Found", type: "not_found_error", code: 404 } });
    state.chats.push(request);
    const reply = await next(request);
    if (reply.status !== undefined && reply.status !== 200 && !reply.rawChunks) {
      if (reply.delayMs) await new Promise((resolve) => setTimeout(resolve, reply.delayMs));
      const body =
        typeof reply.error === "string"
          ? { error: { message: reply.error, code: reply.status, type: "server_error" } }
          : (reply.error ?? {});
      return sendJson(response, reply.status, body, reply.headers);
    }
    await sendChunks(
      response,
      reply,
      reply.rawChunks ?? openAiEvents(reply, request, model),
      "text/event-stream",
      state,
    );
  }, options.port);
}

function stateOf(options: ModelServerOptions, model: string, path: string): unknown {
  const window = options.window ?? 32_768;
  const most = options.maxWindow ?? 131_072;
  const flavour = options.flavour ?? "plain";
  if (path === "/v1/models") {
    const extra =
      flavour === "vllm"
        ? { max_model_len: window }
        : flavour === "llamacpp"
          ? { meta: { n_ctx_train: most, size: 4_000_000 } }
          : {};
    return {
      object: "list",
      data: [{ id: model, object: "model", owned_by: flavour, ...extra }, ...(options.tags ?? [])],
    };
  }
  if (flavour === "lmstudio" && path === "/api/v0/models") {
    const loaded =
      options.loaded === false ? { state: "not-loaded" } : { state: "loaded", loaded_context_length: window };
    return {
      object: "list",
      data: [
        {
          id: model,
          object: "model",
          type: "llm",
          arch: "script",
          max_context_length: most,
          capabilities: ["tool_use"],
          ...loaded,
        },
      ],
    };
  }
  if (flavour === "llamacpp" && path === "/props") {
    return {
      default_generation_settings: { n_ctx: window },
      total_slots: 4,
      model_path: model,
      chat_template_caps: { supports_tools: true },
      modalities: { vision: false },
      build_info: "b7000",
    };
  }
  if (flavour === "vllm" && path === "/version") return { version: options.version ?? "0.15.0" };
  return undefined;
}

/** The SSE events of one answer. */
export function openAiEvents(reply: Reply, request: RecordedRequest, model: string): string[] {
  const base = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model };
  const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
  const delta = (value: unknown, finish_reason: string | null = null) =>
    event({ ...base, choices: [{ index: 0, delta: value, finish_reason }] });
  const size = 4 * (reply.chunkTokens ?? 1);
  const events: string[] = [];
  for (const reasoning_content of pieces(reply.thinking ?? "", size)) events.push(delta({ reasoning_content }));
  for (const content of pieces(reply.text ?? "", size)) events.push(delta({ content }));
  for (const [index, call] of (reply.toolCalls ?? []).entries()) {
    const args = typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments);
    events.push(
      delta({
        tool_calls: [
          { index, id: call.id ?? `call${index}`, type: "function", function: { name: call.name, arguments: "" } },
        ],
      }),
    );
    for (const piece of pieces(args, size))
      events.push(delta({ tool_calls: [{ index, function: { arguments: piece } }] }));
  }
  if (reply.error !== undefined)
    return [
      ...events,
      event({ error: typeof reply.error === "string" ? { message: reply.error, code: 500 } : reply.error }),
    ];
  const output = reply.usage?.output ?? Math.max(1, events.length);
  events.push(delta({}, reply.finish ?? (reply.toolCalls?.length ? "tool_calls" : "stop")));
  if (!reply.noUsage) {
    const input = reply.usage?.input ?? countTokens(request.raw);
    const cached =
      reply.usage?.cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: reply.usage.cached } };
    events.push(
      event({
        ...base,
        choices: [],
        usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output, ...cached },
        ...reply.extra,
      }),
    );
  }
  return [...events, "data: [DONE]\n\n"];
}
