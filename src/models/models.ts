/** The door of this room: finds servers, opens models, and hands on what a person orders of a server. */

import { CrucibleError } from "../base/error.ts";
import { nameOf } from "../core/message.ts";
import type { ModelChoice, Models, ServerStatus } from "../core/ports/models.ts";
import { choicesOf } from "./choices.ts";
import { lookAt, providerOf } from "./discover.ts";
import type { Embedded } from "./embedded/transport.ts";
import { detailOf, findModel, findServer, targetsFor } from "./find-model.ts";
import { createHttp, type Http, HttpFailure } from "./http.ts";
import { laneRecord } from "./lanes.ts";
import { openModel, ratesFor } from "./open-model.ts";
import type { EmbeddedOptions, ModelsContext, ModelsOptions } from "./options.ts";
import { reasonOf } from "./probe.ts";
import { embeddedTarget } from "./providers/embedded.ts";
import type { Option } from "./routed.ts";
import { startHint } from "./start-hint.ts";
import { TIMEOUTS } from "./timeouts.ts";
import type { Care, Glance, Look } from "./wire.ts";

export function createModels(options: ModelsOptions): Models {
  const embedded = options.embedded && lazily(options.embedded);
  const context: ModelsContext = {
    ...options,
    limits: { ...TIMEOUTS, ...options.timeouts },
    http: embedded ? eitherOf(createHttp(), embedded) : createHttp(),
    calibrations: new Map(),
    rates: new Map(),
    lanes: new Map(),
    seats: new Map(),
  };
  const lookWith = (signal: AbortSignal): Look => ({ http: context.http, timeouts: context.limits, signal });
  const openOne = async (choice: ModelChoice, signal: AbortSignal) => {
    const look = lookWith(signal);
    return openModel(context, look, await findModel(context, look, choice));
  };
  const optionsOf = (choice: ModelChoice): readonly Option[] =>
    choicesOf(options, choice).map(({ choice: own, ...option }) => ({
      ...option,
      open: (signal) => openOne(own, signal),
    }));
  return {
    async open(choice, signal) {
      const several = optionsOf(choice);
      const [first, ...more] = several;
      if (more.length > 0)
        return (await import("./routed.ts")).openRouted(
          several,
          signal,
          options.clock.now,
          choice.remembered ? choice.model : undefined,
        );
      return first ? first.open(signal) : openOne(choice, signal);
    },
    async *pull(choice, signal) {
      const look = lookWith(signal);
      const { glance, model } = await findServer(context, look, choice);
      try {
        yield* careOf(glance).pull(look, glance.target, model);
      } catch (error) {
        if (!(error instanceof HttpFailure)) throw error;
        throw new CrucibleError(
          "server-unreachable",
          `${glance.target.root} broke off while it fetched ${model}: ${reasonOf(error)}`,
          { hint: "is it still running? The same command goes on where it stopped", retryable: true, cause: error },
        );
      }
    },
    async load(choice, signal, keepAlive) {
      const look = lookWith(signal);
      const chosen = await findModel(context, look, choice);
      const model = await openModel(context, look, chosen);
      const wish = { window: model.window.tokens, ...(keepAlive === undefined ? {} : { keepAlive }) };
      await careOf(chosen.glance).load(look, chosen.glance.target, model.info, wish);
      return model;
    },
    async unload(choice, signal) {
      const look = lookWith(signal);
      const { glance, info } = await findModel(context, look, choice);
      await careOf(glance).unload(look, glance.target, info);
      return info;
    },
    async embedder(choice, signal) {
      const model = choice.model ?? options.tiers?.embed;
      if (model === undefined)
        throw new CrucibleError("model-missing", "no model for embeddings is configured", {
          hint: "crucible config set tiers.embed ollama/nomic-embed-text",
        });
      const { glance, info } = await findModel(context, lookWith(signal), { ...choice, model });
      const { embed } = providerOf(glance.target.kind ?? "openai-compatible");
      const limit = () => AbortSignal.timeout(context.limits.loadMs);
      const { createEmbedder } = await import("./embed.ts");
      return createEmbedder(info, (texts) => embed(lookWith(limit()), glance.target, info.ref.model, texts));
    },
    async *trial(model, signal) {
      yield* (await import("./trial.ts")).tryModel(model, signal);
    },
    known(info) {
      const lane = laneRecord(context, info);
      return { rates: ratesFor(context, info).value, ...(lane ? { lane } : {}) };
    },
    async explain(choice, prompt, signal) {
      const several = optionsOf(choice);
      const { explainRoute } = await import("./routed.ts");
      if (several.length > 0) return explainRoute(several, prompt, signal);
      const model = await openOne(choice, signal);
      const name = nameOf(model.ref);
      return explainRoute([{ name, named: false, fallback: false, open: async () => model }], prompt, signal);
    },
    async add(path, name) {
      const entry = await (await embeddedOf(embedded)).add(path, name);
      const { models } = await providerOf("embedded").look(
        lookWith(AbortSignal.timeout(context.limits.probeMs)),
        embeddedTarget(),
      );
      const info = models.find((one) => one.ref.model === entry.name);
      if (!info) throw new CrucibleError("internal", `embedded/${entry.name} was added and is not there`);
      return info;
    },
    async remove(name) {
      (await embeddedOf(embedded)).remove(name);
    },
    async list(choice, signal) {
      const look = { ...lookWith(signal), version: true, deadline: AbortSignal.timeout(context.limits.probeMs) };
      const glances = await Promise.all(targetsFor(context, choice, undefined).map((target) => lookAt(look, target)));
      const models = await Promise.all(
        glances.flatMap((glance) => glance.models.map((info) => detailOf(look, glance, info))),
      );
      return { models: models.map((detail) => detail.info), servers: glances.map(statusOf) };
    },
  };
}

type LazyEmbedded = () => Promise<Embedded>;

/** Nothing of the engine is read before a model file is asked for. */
function lazily(options: EmbeddedOptions): LazyEmbedded {
  let made: Promise<Embedded> | undefined;
  return () => {
    made ??= import("./embedded/transport.ts").then(({ createEmbedded }) => createEmbedded(options));
    return made;
  };
}

function embeddedOf(embedded: LazyEmbedded | undefined): Promise<Embedded> {
  if (embedded) return embedded();
  throw new CrucibleError("internal", "no place is given for the list of model files");
}

function eitherOf(server: Http, embedded: LazyEmbedded): Http {
  return async (call) => (call.url.startsWith("embedded:") ? (await embedded()).http(call) : server(call));
}

function careOf({ target }: Glance): Care {
  return providerOf(target.kind ?? "openai-compatible").care;
}

function statusOf(glance: Glance): ServerStatus {
  const { target, problem, version } = glance;
  const reachable = glance.state !== "down";
  return {
    provider: target.provider,
    url: target.root,
    reachable,
    ...(version === undefined ? {} : { version }),
    ...(problem === undefined ? {} : { problem }),
    ...(reachable ? {} : { hint: startHint(target) }),
  };
}
