/** Runs a wire fixture through the real adapter, in memory (any chunking) or over loopback. */
import { systemClock } from "../../src/base/clock.ts";
import type { ModelPart, ModelRequest, ToolDeclaration } from "../../src/core/model.ts";
import type { OpenModel } from "../../src/core/ports/models.ts";
import type { Http, HttpCall } from "../../src/models/http.ts";
import { HttpFailure } from "../../src/models/http.ts";
import { createModels } from "../../src/models/models.ts";
import { openModel } from "../../src/models/open-model.ts";
import type { ModelsContext, ModelsOptions } from "../../src/models/options.ts";
import type { Quirks } from "../../src/models/quirks.ts";
import { TIMEOUTS } from "../../src/models/timeouts.ts";
import type { Glance } from "../../src/models/wire.ts";
import { startModelServer } from "../kit/model-server.ts";

/** One reply on the wire. */
export interface WireReply {
  readonly status?: number;
  readonly type?: string;
  readonly body: string;
  /** The socket closes after the body instead of ending the reply. */
  readonly cut?: boolean;
}

export interface Fixture {
  readonly name: string;
  readonly wire: "ollama" | "openai";
  readonly replies: readonly WireReply[];
  /** In the short form of `shorten`. */
  readonly expect: readonly unknown[];
  readonly request?: Partial<ModelRequest>;
  readonly quirks?: Quirks;
  readonly capabilities?: readonly string[];
  /** Further models of the server. */
  readonly others?: readonly string[];
  /** Looks at the bodies that were sent. */
  readonly sent?: (bodies: readonly Readonly<Record<string, unknown>>[]) => void;
}

export const TOOLS: readonly ToolDeclaration[] = [
  {
    name: "read",
    description: "Reads a file.",
    parameters: {
      type: "object",
      properties: { path: { type: "string" }, from: { type: "integer" } },
      required: ["path"],
      additionalProperties: false,
    },
  },
  {
    name: "todo_write",
    description: "Writes the list.",
    parameters: {
      type: "object",
      properties: {
        items: { type: "array", items: { type: "string" } },
        done: { type: "boolean" },
        meta: { type: "object" },
        state: { enum: ["open", "closed"] },
      },
      required: ["items"],
      additionalProperties: false,
    },
  },
];

export function requestWith(changes: Partial<ModelRequest> = {}): ModelRequest {
  return {
    system: "You help.",
    messages: [{ role: "user", parts: [{ type: "text", text: "Go on." }] }],
    tools: TOOLS,
    sampling: {},
    ...changes,
  };
}

/** Parts in a form that does not depend on chunking: adjacent text joined, times and call ids left out. */
export function shorten(parts: readonly ModelPart[]): unknown[] {
  const short: unknown[] = [];
  for (const part of parts) {
    const last = short.at(-1);
    if (part.type === "text" || part.type === "thinking") {
      if (Array.isArray(last) && last[0] === part.type) last[1] = `${String(last[1])}${part.text}`;
      else short.push([part.type, part.text]);
    } else if (part.type === "tool-call") short.push(["call", part.call.tool, part.call.input, ...part.repaired]);
    else if (part.type === "usage")
      short.push([
        "usage",
        part.usage.source === "reported" ? part.usage.input : "estimated",
        part.usage.source === "reported" ? part.usage.output : "",
        ...(part.usage.cached === undefined ? [] : [part.usage.cached]),
      ]);
    else if (part.type === "finish") short.push(["finish", part.reason]);
    else if (part.type === "failure") short.push(["failure", part.fault.code, part.fault.retryable]);
    else if (part.type === "note") short.push(["note", part.code]);
    else if (part.type === "reask") short.push(["reask", part.tool]);
    else if (part.type === "prefill") short.push(["prefill", part.done, part.total]);
    else short.push([part.type]);
  }
  return short;
}

export async function collect(
  model: OpenModel,
  request: ModelRequest,
  signal = AbortSignal.timeout(20_000),
): Promise<ModelPart[]> {
  const parts: ModelPart[] = [];
  for await (const part of model.generate(request, signal)) parts.push(part);
  return parts;
}

const FAST = { ...TIMEOUTS, busyWaitsMs: [0, 0], loadingWaitMs: 0 };

/** Everything a test may want to set; the rest is quiet. */
export function options(changes: Partial<ModelsOptions> = {}): ModelsOptions {
  return {
    env: {},
    servers: [],
    windows: {},
    quirks: { load: () => undefined, save: () => undefined },
    clock: systemClock,
    freeMemoryBytes: () => 64 * 1024 ** 3,
    ports: [],
    timeouts: { busyWaitsMs: [0, 0], loadingWaitMs: 0 },
    ...changes,
  };
}

/** Plays the fixture in memory; `cut` splits the bytes of each reply. */
export async function play(
  fixture: Fixture,
  cut: (body: Buffer) => Buffer[],
): Promise<{ parts: ModelPart[]; bodies: Record<string, unknown>[] }> {
  const bodies: Record<string, unknown>[] = [];
  let at = 0;
  const http: Http = async (call) => {
    if (call.url.endsWith("/api/show"))
      return replyOf(
        { body: JSON.stringify({ capabilities: fixture.capabilities ?? ["completion", "tools"] }) },
        call,
        cut,
      );
    bodies.push(JSON.parse(call.body ?? "{}") as Record<string, unknown>);
    const reply = fixture.replies[at++];
    if (!reply) throw new HttpFailure("connect", "ECONNREFUSED", "the fixture has no more replies");
    return replyOf(reply, call, cut);
  };
  const context: ModelsContext = {
    ...options({ quirks: { load: () => fixture.quirks, save: () => undefined } }),
    limits: FAST,
    http,
    calibrations: new Map(),
    rates: new Map(),
    lanes: new Map(),
    seats: new Map(),
  };
  const kind = fixture.wire === "ollama" ? "ollama" : "openai-compatible";
  const unknown = {
    tools: "unknown",
    thinking: "unknown",
    vision: "unknown",
    kind: "unknown",
    server: "http://127.0.0.1:9",
  } as const;
  const info = {
    ...unknown,
    ref: { provider: "test", model: "m" },
    state: "loaded",
    loadedWindow: { tokens: 32_768, source: "test" },
  } as const;
  const glance: Glance = {
    target: {
      provider: "test",
      kind,
      root: "http://127.0.0.1:9",
      base: "http://127.0.0.1:9/v1",
      origin: "test",
      named: true,
    },
    state: "up",
    models: [info, ...(fixture.others ?? []).map((model) => ({ ...info, ref: { provider: "test", model } }))],
  };
  const model = await openModel(
    context,
    { http, timeouts: FAST, signal: AbortSignal.timeout(20_000) },
    { choice: {}, glance, info },
  );
  return { parts: await collect(model, requestWith(fixture.request)), bodies };
}

function replyOf(reply: WireReply, call: HttpCall, cut: (body: Buffer) => Buffer[]): Awaited<ReturnType<Http>> {
  const chunks = cut(Buffer.from(reply.body));
  return {
    status: reply.status ?? 200,
    contentType: reply.type ?? "",
    async read() {
      call.signal.throwIfAborted();
      const chunk = chunks.shift();
      if (chunk === undefined && reply.cut) throw new HttpFailure("stream", "ECONNRESET", "aborted");
      return chunk;
    },
    release: () => undefined,
  };
}

/** Plays the fixture over a real socket; `cut` splits the bytes of each reply into writes. */
export async function playOverLoopback(fixture: Fixture, cut: (body: Buffer) => Buffer[]): Promise<ModelPart[]> {
  await using server = await startModelServer({
    wire: fixture.wire,
    model: "m",
    window: 32_768,
    loaded: true,
    flavour: "vllm",
    capabilities: fixture.capabilities ?? ["completion", "tools"],
    tags: (fixture.others ?? []).map((name) => ({ name, model: name, id: name })),
    script: fixture.replies.map((reply) => ({
      status: reply.status ?? 200,
      headers: { "content-type": reply.type ?? "text/plain" },
      rawChunks: cut(Buffer.from(reply.body)),
      ...(reply.cut ? { dieAfterBytes: Buffer.byteLength(reply.body) } : {}),
    })),
  });
  const models = createModels(
    options({ ports: [server.port], quirks: { load: () => fixture.quirks, save: () => undefined } }),
  );
  const model = await models.open({ model: "m", baseUrl: server.url }, AbortSignal.timeout(20_000));
  return await collect(model, requestWith(fixture.request));
}
