/** Model files of the person's own, run by an engine of this program; its wire is that engine's, tools and calls are text. */

import { CrucibleError } from "../../base/error.ts";
import { isFields } from "../../base/json-schema.ts";
import type { ModelInfo, ModelRequest, Window } from "../../core/model.ts";
import { flatten } from "../flatten.ts";
import { createNdjson } from "../ndjson.ts";
import { ask, countField, listField, order, textField, vectorsIn } from "../probe.ts";
import { readProblem } from "../problem.ts";
import type { Quirks } from "../quirks.ts";
import type { Detail, Glance, Look, Provider, Sink, Target, WireUsage } from "../wire.ts";

type Fields = Readonly<Record<string, unknown>>;

const KEEP_ALIVE = "30m";

const embedded: Provider = {
  kind: "embedded",
  choosesWindow: true,
  look,
  detail,
  async embed(look, target, model, texts) {
    const body = await order(look, target, urlOf("embed", model), { body: { input: texts }, model });
    return vectorsIn(body["embeddings"], target, texts.length);
  },
  care: {
    // biome-ignore lint/correctness/useYield: there is nothing to fetch, only something to say
    async *pull(_look, _target, name) {
      throw new CrucibleError("model-unfit", `the embedded engine fetches no models (${name})`, {
        hint: "add a file that you have: crucible models add ./file.gguf",
      });
    },
    async load(_look, _target, { ref }) {
      throw new CrucibleError("model-unfit", "the embedded engine loads a model in the session that uses it", {
        hint: `ask it something: crucible -m embedded/${ref.model} "..."`,
      });
    },
    async unload(look, target, { ref }) {
      await ask(look, target, urlOf("unload", ref.model));
    },
  },
  wire: (_target, info, _glance, keepAlive = KEEP_ALIVE) => ({
    url: `${urlOf("chat", info.ref.model)}?keep=${encodeURIComponent(keepAlive)}`,
    encode,
    decoder,
  }),
};
export default embedded;

/** The place of all added files, or of one that is named by its path. */
export function embeddedTarget(file?: string): Target {
  const base = file === undefined ? "embedded://models" : urlOf("models", file);
  return {
    provider: "embedded",
    kind: "embedded",
    root: "embedded://engine",
    base,
    origin: "this program",
    named: true,
  };
}

function urlOf(what: string, model: string): string {
  return `embedded://${what}/${encodeURIComponent(model)}`;
}

async function look(look: Look, target: Target): Promise<Glance> {
  const { body } = await ask(look, target, target.base);
  const models = listField(body, "models").map((entry) => infoOf(target, entry));
  return { target, state: "up", models, slots: 1 };
}

async function detail(look: Look, target: Target, info: ModelInfo): Promise<Detail> {
  if (info.state === "unknown") return { info };
  const { body } = await ask(look, target, urlOf("models", info.ref.model));
  const perToken = countField(listField(body, "models")[0] ?? {}, "kvBytesPerToken");
  return { info, ...(perToken === undefined ? {} : { kvBytesPerToken: perToken }) };
}

function infoOf(target: Target, entry: Fields): ModelInfo {
  const digest = textField(entry, "digest");
  const size = countField(entry, "sizeBytes");
  const most = countField(entry, "maxWindow");
  const loaded = countField(entry, "loaded");
  return {
    ref: {
      provider: target.provider,
      model: textField(entry, "name") ?? "",
      ...(digest === undefined ? {} : { digest }),
    },
    server: target.root,
    // A file that is gone or changed is listed, and refused when it is used.
    state: entry["unchanged"] !== true ? "unknown" : loaded === undefined ? "cold" : "loaded",
    tools: "unknown",
    thinking: "unknown",
    vision: "no",
    kind: entry["kind"] === "embedding" ? "embedding" : "chat",
    ...(size === undefined ? {} : { sizeBytes: size }),
    ...(loaded === undefined ? {} : { loadedWindow: { tokens: loaded, source: "engine" } }),
    ...(most === undefined ? {} : { maxWindow: { tokens: most, source: "GGUF" } }),
  };
}

/** Volatile parts come first and the messages last, so that bodies of one thread only differ at the end. */
function encode(request: ModelRequest, quirks: Quirks, window: Window): string {
  const { temperature, topP, topK, minP, repeatPenalty, maxTokens, seed } = request.sampling;
  const head = JSON.stringify({
    window: window.tokens,
    options: { temperature, topP, topK, minP, repeatPenalty, maxTokens, seed },
    ...(request.schema && quirks.format !== "none" ? { schema: request.schema } : {}),
  });
  const messages = flatten(request, { ...quirks, toolsInText: true }).map(({ role, text }) =>
    JSON.stringify({ role, content: text }),
  );
  return `${head.slice(0, -1)},"messages":[${messages.join(",")}]}`;
}

function decoder(sink: Sink) {
  return createNdjson(
    (value) => {
      if (!isFields(value)) return;
      if (typeof value["text"] === "string") sink.text(value["text"]);
      if (typeof value["loading"] === "number") sink.loading(value["loading"]);
      const prefill = value["prefill"];
      if (isFields(prefill)) sink.prefill(countField(prefill, "done") ?? 0, countField(prefill, "total") ?? 0);
      if (isFields(value["usage"])) sink.usage(value["usage"] as WireUsage);
      if (typeof value["finish"] === "string") sink.finish(value["finish"]);
    },
    (line) => sink.problem(readProblem(200, line)),
  );
}
