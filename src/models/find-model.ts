/** Finds the server and the model that a person means, or the best one when nothing is named. */

import { isAbsolute, resolve } from "node:path";
import { delay } from "../base/async.ts";
import { CrucibleError } from "../base/error.ts";
import { nearest } from "../base/text.ts";
import { nameOf } from "../core/message.ts";
import type { ModelInfo } from "../core/model.ts";
import type { ModelChoice } from "../core/ports/models.ts";
import { findTargets, LOOPBACK_PORTS, lookAt, providerOf, targetAt } from "./discover.ts";
import type { Chosen } from "./open-model.ts";
import type { ModelsContext } from "./options.ts";
import { embeddedTarget } from "./providers/embedded.ts";
import { startHint, titleOf } from "./start-hint.ts";
import type { Detail, Glance, Look, Target } from "./wire.ts";

export async function detailOf(look: Look, glance: Glance, info: ModelInfo): Promise<Detail> {
  const { kind } = glance.target;
  return kind ? providerOf(kind).detail(look, glance.target, info) : { info };
}

interface Wanted {
  /** Absent: any provider. */
  readonly provider?: string;
  readonly model: string;
  /** As the person wrote it. */
  readonly text: string;
}

/** A model file of the person's own, when that is what the choice names: its absolute path. */
function fileNamed({ model, localProvider, baseUrl }: ModelChoice): string | undefined {
  if (baseUrl !== undefined || model === undefined) return undefined;
  const text =
    localProvider === "embedded"
      ? model
      : localProvider === undefined
        ? /^embedded\/(.*)$/s.exec(model)?.[1]
        : undefined;
  return text !== undefined && (/[\\/]/.test(text) || /\.gguf$/i.test(text)) ? resolve(text) : undefined;
}

/** Splits `provider/model` at the first slash; with an address or a provider given the value is the bare name. */
function wantedOf(choice: ModelChoice, fallback: string | undefined): Wanted | undefined {
  const file = fileNamed(choice);
  if (file !== undefined) return { provider: "embedded", model: file, text: file };
  const bare = choice.localProvider !== undefined || choice.baseUrl !== undefined;
  const text = choice.model ?? (bare ? undefined : fallback);
  if (text === undefined) return undefined;
  if (bare) return { model: text, text };
  const slash = text.indexOf("/");
  return slash < 0 ? { model: text, text } : { provider: text.slice(0, slash), model: text.slice(slash + 1), text };
}

export function targetsFor(context: ModelsContext, choice: ModelChoice, wanted: Wanted | undefined): readonly Target[] {
  const { env, servers, embedded } = context;
  const provider = choice.localProvider ?? wanted?.provider;
  if (provider === "embedded" && embedded) {
    if (choice.baseUrl !== undefined)
      throw new CrucibleError("usage", "the embedded engine has no address", { hint: "leave --base-url away" });
    return [embeddedTarget(wanted !== undefined && isAbsolute(wanted.model) ? wanted.model : undefined)];
  }
  if (choice.baseUrl !== undefined) {
    const provider = choice.localProvider ?? "openai";
    const kind =
      choice.localProvider === undefined
        ? undefined
        : choice.localProvider === "ollama"
          ? "ollama"
          : "openai-compatible";
    const target = targetAt(choice.baseUrl, { provider, kind, origin: "--base-url" });
    return [{ ...target, ...(env.OPENAI_API_KEY ? { apiKey: env.OPENAI_API_KEY } : {}) }];
  }
  const all = findTargets({ env, servers, ports: context.ports ?? LOOPBACK_PORTS });
  if (provider === undefined) return embedded?.any ? [...all, embeddedTarget()] : all;
  // What listens on a port is only known by asking; a configured name or variable says it beforehand.
  const possible = all.filter((target) => target.provider === provider || target.kind === undefined);
  const certain = all.filter((target) => target.provider === provider && target.kind !== undefined);
  if (possible.length > 0) return certain.length > 0 ? certain : possible;
  const known = [
    ...new Set([
      ...all.map((target) => target.provider),
      "ollama",
      "lmstudio",
      "llamacpp",
      "vllm",
      "openai",
      "embedded",
    ]),
  ];
  const meant = nearest(provider, known);
  throw new CrucibleError("model-missing", `no provider named ${JSON.stringify(provider)}`, {
    hint: meant
      ? `did you mean ${meant}/${wanted?.model ?? ""}?`
      : `write -m provider/model with one of: ${known.join(", ")}`,
  });
}

/** A server that is loading its only model says so on every route: it is waited for. */
async function lookUntilLoaded(
  context: ModelsContext,
  look: Look,
  targets: readonly Target[],
): Promise<readonly Glance[]> {
  const started = context.clock.monotonic();
  for (;;) {
    const glances = await Promise.all(targets.map((target) => lookAt(look, target)));
    const waiting =
      glances.some((glance) => glance.state === "loading") && !glances.some((glance) => glance.models.length > 0);
    if (!waiting || context.clock.monotonic() - started > context.limits.loadMs) return glances;
    await delay(context.limits.loadingWaitMs, look.signal);
  }
}

interface Candidates {
  readonly choice: ModelChoice;
  readonly wanted: Wanted | undefined;
  readonly glances: readonly Glance[];
}

/** The model that is meant, or the one that serves best when none is named. */
export async function findModel(context: ModelsContext, look: Look, choice: ModelChoice): Promise<Chosen> {
  const wanted = wantedOf(choice, context.defaultModel);
  const glances = await lookUntilLoaded(context, look, targetsFor(context, choice, wanted));
  return pick(look, { choice, wanted, glances });
}

/** The server of `choice`, whatever models it has. Throws `server-unreachable`. */
export async function findServer(
  context: ModelsContext,
  look: Look,
  choice: ModelChoice,
): Promise<{ readonly glance: Glance; readonly model: string }> {
  const wanted = wantedOf(choice, undefined);
  const glances = await lookUntilLoaded(context, look, targetsFor(context, choice, wanted));
  const provider = choice.localProvider ?? wanted?.provider;
  const up = glances.filter(
    (glance) => glance.state === "up" && (provider === undefined || speaksAs(glance, provider)),
  );
  // Ollama fetches models by name; among several servers it is the likely one.
  const glance = up.find(({ target }) => target.kind === "ollama") ?? up[0];
  if (!glance) throw unreachable(glances, provider);
  return { glance, model: wanted?.model ?? "" };
}

async function pick(look: Look, { choice, wanted, glances }: Candidates): Promise<Chosen> {
  const provider = choice.localProvider ?? wanted?.provider;
  const fitting =
    provider === undefined ? glances : glances.filter((glance) => glance.state !== "up" || speaksAs(glance, provider));
  const up = fitting.filter((glance) => glance.state === "up");
  if (up.length === 0) throw unreachable(fitting.length > 0 ? fitting : glances, provider);
  if (wanted) {
    for (const glance of up) {
      // With an address given the name stands bare, or whole as every list of ours shows it.
      const info =
        glance.models.find(({ ref }) => sameModel(ref.model, wanted.model)) ??
        glance.models.find(({ ref }) => sameModel(nameOf(ref), wanted.model));
      if (info) return { choice, glance, info };
    }
    throw missing(wanted, up);
  }
  const all = up.flatMap((glance) => glance.models.map((info) => ({ glance, info })));
  const able = all.filter(({ info }) => info.kind !== "embedding" && info.remote === undefined);
  const ordered = [
    ...able.filter(({ info }) => info.state === "loaded"),
    ...able.filter(({ info }) => info.state !== "loaded"),
  ];
  for (const { glance, info } of ordered) {
    const detail = await detailOf(look, glance, info);
    if (detail.info.kind === "embedding") continue;
    const how = info.state === "loaded" ? "is loaded" : ordered.length === 1 ? "is the only one" : "is the first one";
    const note = `model ${nameOf(info.ref)} chosen: it ${how} (choose with -m)`;
    return { choice, glance, info, detail, note };
  }
  const first = up[0];
  const hint =
    first?.target.kind === "ollama"
      ? "fetch one, for example: ollama pull qwen3:8b"
      : first?.target.kind === "embedded"
        ? "add one: crucible models add ./file.gguf"
        : "load a chat model in the server";
  throw new CrucibleError("model-missing", `${up.map((glance) => glance.target.root).join(", ")} has no chat model`, {
    hint,
  });
}

function speaksAs(glance: Glance, provider: string): boolean {
  return (
    glance.target.provider === provider ||
    (provider === "openai" && glance.target.kind === "openai-compatible" && !glance.target.named)
  );
}

/** Ollama's `:latest` may be left out. */
function sameModel(have: string, want: string): boolean {
  return have === want || have === `${want}:latest`;
}

function missing(wanted: Wanted, up: readonly Glance[]): CrucibleError {
  const names = up.flatMap((glance) => glance.models.map((model) => nameOf(model.ref)));
  const meant =
    nearest(wanted.text, names) ??
    nearest(
      wanted.model,
      names.map((name) => name.slice(name.indexOf("/") + 1)),
    ) ??
    nearest(
      wanted.model,
      names.map((name) => name.slice(name.indexOf("/") + 1).replace(/:latest$/, "")),
    );
  const onlyOllama = up.every((glance) => glance.target.kind === "ollama");
  const fetchIt = onlyOllama ? `fetch it with: ollama pull ${wanted.model}` : "see what there is with: crucible models";
  return new CrucibleError(
    "model-missing",
    `no model ${JSON.stringify(wanted.text)} on ${up.map((glance) => glance.target.root).join(", ")}`,
    {
      hint: meant ? `did you mean ${meant}? Else ${fetchIt}` : fetchIt,
    },
  );
}

/** One line: the addresses, what was looked for there, and the command that starts it. */
function unreachable(glances: readonly Glance[], provider: string | undefined): CrucibleError {
  const locked = glances.find((glance) => glance.state === "locked");
  if (locked) {
    return new CrucibleError(
      "authentication",
      `${locked.target.root} wants an API key (${locked.problem ?? "refused"})`,
      {
        hint: "set OPENAI_API_KEY, or apiKey of the server in the configuration",
      },
    );
  }
  const foreign = glances.find((glance) => glance.state === "foreign");
  const first =
    foreign ?? glances.find((glance) => provider === undefined || glance.target.provider === provider) ?? glances[0];
  if (!first)
    return new CrucibleError("server-unreachable", "no model server is configured", {
      hint: "name one with --base-url",
      retryable: true,
    });
  const seen = glances.map(
    ({ target, problem }) => `${titleOf(target.provider)} at ${target.root} (${problem ?? "no answer"})`,
  );
  return new CrucibleError("server-unreachable", `no model server answers; looked for ${seen.join(", ")}`, {
    hint: startHint(first.target),
    retryable: true,
  });
}
