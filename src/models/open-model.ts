/** Opens one model: looks closely, settles its window, and gives the stream of answers. */

import { CrucibleError } from "../base/error.ts";
import { nameOf } from "../core/message.ts";
import type { ModelInfo, ModelRequest, Profile, Window } from "../core/model.ts";
import type { ModelChoice, OpenModel } from "../core/ports/models.ts";
import { type Calibration, createCalibration } from "./calibrate.ts";
import { complexityOf } from "./complexity.ts";
import { isLoopback, lookAt, providerOf } from "./discover.ts";
import { type Link, remoteModel } from "./exchange.ts";
import { promptOf } from "./generate.ts";
import { laneFor } from "./lanes.ts";
import { generateMeasured } from "./measured.ts";
import type { ModelsContext } from "./options.ts";
import { openQuirks } from "./quirks.ts";
import { openRates, type RateBook } from "./rates.ts";
import { warm } from "./warm.ts";
import { settleWindow, type WindowAnswer } from "./window.ts";
import { type Detail, encodeOnce, type Glance, type Look, type Wire } from "./wire.ts";

export interface Chosen {
  readonly choice: ModelChoice;
  readonly glance: Glance;
  readonly info: ModelInfo;
  /** The close look at it, when it was had already. */
  readonly detail?: Detail;
  /** Why this model, when the person named none. */
  readonly note?: string;
}

/** Throws `model-unfit` for a model that cannot chat, is too small, or runs on another machine. */
export async function openModel(context: ModelsContext, look: Look, chosen: Chosen): Promise<OpenModel> {
  const { glance, choice } = chosen;
  const { kind } = glance.target;
  if (!kind) throw new CrucibleError("internal", `the kind of ${glance.target.root} is unknown`);
  const provider = providerOf(kind);
  const detail = chosen.detail ?? (await provider.detail(look, glance.target, chosen.info));
  const { info } = detail;
  if (info.remote !== undefined) throw remoteModel(info.ref.model, info.remote);
  if (info.kind === "embedding") {
    throw new CrucibleError("model-unfit", `${info.ref.model} makes embeddings, it does not chat`, {
      hint: "choose a chat model: crucible models",
    });
  }
  const { keepAlive, context: _, ...own } = profileOf(context, info);
  const preset = { ...context.sampling, ...own };
  const settled = windowFor(context, choice, { glance, detail, choosesWindow: provider.choosesWindow });
  const rates = ratesFor(context, info);
  const lane = laneFor(context, glance, info);
  const wire = provider.wire(glance.target, info, glance, keepAlive);
  const link = linkTo(context, { glance, info, wire, rates, window: settled.window });
  const sampled = (request: ModelRequest) => ({ ...request, sampling: { ...preset, ...request.sampling } });
  return {
    ref: info.ref,
    info,
    sampling: preset,
    get rates() {
      return rates.value;
    },
    get lane() {
      return lane.state();
    },
    get window() {
      return link.state.window;
    },
    notes: [...(chosen.note === undefined ? [] : [chosen.note]), ...settled.notes],
    generate: (request, signal, priority = "user") =>
      generateMeasured({ link, lane, rates }, sampled(request), signal, priority),
    warm: (request, signal) => warm({ link, lane }, sampled(request), signal),
    learn: (prompt, good) => rates.outcome(complexityOf(prompt).band, good),
    estimate: (request) => link.calibration.estimate(promptOf(link, request)),
  };
}

interface LinkParts {
  readonly glance: Glance;
  readonly info: ModelInfo;
  readonly wire: Wire;
  readonly rates: RateBook;
  readonly window: Window;
}

/** What every exchange with the model shares. */
function linkTo(context: ModelsContext, { glance, info, wire, rates, window }: LinkParts): Link {
  const { target } = glance;
  const look = { http: context.http, timeouts: context.limits, signal: new AbortController().signal };
  const readLoadedWindow = async () => {
    const seen = await lookAt(look, target);
    return seen.models.find((model) => model.ref.model === info.ref.model)?.loadedWindow?.tokens;
  };
  const toBeRead = window.source === "chosen" || (window.source === "assumed" && info.state === "cold");
  return {
    http: context.http,
    clock: context.clock,
    timeouts: context.limits,
    target,
    info,
    wire: encodeOnce(wire),
    quirks: openQuirks(context.quirks, target.root, info.ref.model, info.ref.digest ?? glance.version),
    calibration: calibrationFor(context, info, rates.value.bytesPerToken),
    sentWindow: window,
    others: new Set(glance.models.map((model) => model.ref.model).filter((name) => name !== info.ref.model)),
    state: {
      window,
      cold: info.state === "cold",
      prefillRate: rates.value.prefillPerSecond,
      unverifiedTold: false,
      readLoadedWindow: toBeRead ? readLoadedWindow : undefined,
    },
  };
}

interface WindowCase {
  readonly glance: Glance;
  readonly detail: Detail;
  readonly choosesWindow: boolean;
}

function windowFor(
  context: ModelsContext,
  choice: ModelChoice,
  { glance, detail, choosesWindow }: WindowCase,
): WindowAnswer {
  const { info, kvBytesPerToken, bakedWindow } = detail;
  const configured =
    choice.context ??
    profileOf(context, info).context ??
    context.windows[nameOf(info.ref)] ??
    context.windows[`${info.ref.provider}/${info.ref.model.replace(/:latest$/, "")}`];
  const kept: Window | undefined = choice.window;
  return settleWindow({
    info,
    ...(configured === undefined ? {} : { configured }),
    ...(kept === undefined ? {} : { kept }),
    ...(choosesWindow
      ? {
          choice: {
            loopback: isLoopback(glance.target.root),
            freeMemoryBytes: context.freeMemoryBytes(),
            ...(kvBytesPerToken === undefined ? {} : { kvBytesPerToken }),
            ...(bakedWindow === undefined ? {} : { baked: bakedWindow }),
          },
        }
      : {}),
  });
}

/** What the person settled for this model; Ollama's `:latest` may be left out. */
function profileOf(context: ModelsContext, { ref }: ModelInfo): Profile {
  const name = nameOf(ref);
  return context.profiles?.[name] ?? context.profiles?.[name.replace(/:latest$/, "")] ?? {};
}

/** What is one model to us: its digest, or its name on its server. */
function identityOf(info: ModelInfo): string {
  return info.ref.digest ?? `${info.server} ${info.ref.model}`;
}

function calibrationFor(context: ModelsContext, info: ModelInfo, known: number | undefined): Calibration {
  const key = identityOf(info);
  let calibration = context.calibrations.get(key);
  if (!calibration) {
    calibration = createCalibration(known);
    context.calibrations.set(key, calibration);
  }
  return calibration;
}

export function ratesFor(context: ModelsContext, info: ModelInfo): RateBook {
  const key = identityOf(info);
  let rates = context.rates.get(key);
  if (!rates) {
    rates = openRates(context.quirks, key);
    context.rates.set(key, rates);
  }
  return rates;
}
