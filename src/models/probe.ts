/** One question to a server's management routes. */

import { CrucibleError } from "../base/error.ts";
import { isFields } from "../base/json-schema.ts";
import { bodyText, HttpFailure } from "./http.ts";
import { faultOf, readProblem } from "./problem.ts";
import { startHint } from "./start-hint.ts";
import type { Look, Target } from "./wire.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  /** The parsed body when it is a JSON object, else empty. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** Throws HttpFailure when nobody answers; an answer that is no JSON object has an empty body. */
export async function ask(look: Look, target: Target, url: string, body?: unknown): Promise<Answer> {
  const { probeMs, namedProbeMs } = look.timeouts;
  const patience = look.deadline || target.origin.startsWith("port ") ? probeMs : namedProbeMs;
  const deadline = look.deadline ?? AbortSignal.timeout(patience);
  try {
    const reply = await look.http({
      url,
      signal: AbortSignal.any([look.signal, deadline]),
      connectMs: look.timeouts.connectMs,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(target.apiKey ? { apiKey: target.apiKey } : {}),
    });
    const text = await bodyText(reply);
    return { status: reply.status, body: fieldsIn(text) };
  } catch (error) {
    if (look.signal.aborted) throw look.signal.reason;
    if (deadline.aborted) throw new HttpFailure("connect", "ETIMEDOUT", `no answer in ${Math.ceil(patience / 1000)} s`);
    throw error;
  }
}

/** A request that the person gave; it may take as long as loading a model takes. Throws `CrucibleError`. */
export async function order(
  look: Look,
  target: Target,
  url: string,
  wish: { readonly body: unknown; readonly model: string },
): Promise<Fields> {
  const { body, model } = wish;
  const place = { model, url: target.root, kind: target.kind ?? "openai-compatible" };
  try {
    const reply = await look.http({
      url,
      signal: look.signal,
      connectMs: look.timeouts.connectMs,
      body: JSON.stringify(body),
      ...(target.apiKey ? { apiKey: target.apiKey } : {}),
    });
    const text = await bodyText(reply, 65_536);
    if (reply.status === 200) return fieldsIn(text);
    const { code, message, hint, retryable } = faultOf(readProblem(reply.status, text), place);
    throw new CrucibleError(code, message, { retryable, ...(hint === undefined ? {} : { hint }) });
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
    throw new CrucibleError("server-unreachable", `no server at ${target.root} (${reasonOf(error)})`, {
      hint: startHint(target),
      retryable: true,
    });
  }
}

/** The vectors of an embedding reply. Throws `server-error` unless there are `count` of one length, all finite. */
export function vectorsIn(value: unknown, target: Target, count: number): readonly (readonly number[])[] {
  const rows = Array.isArray(value) ? value : [];
  const size = Array.isArray(rows[0]) ? rows[0].length : 0;
  const good = rows.every((row) => Array.isArray(row) && row.length === size && row.every(Number.isFinite));
  if (good && size > 0 && rows.length === count) return rows as number[][];
  throw new CrucibleError("server-error", `${target.root} gave no ${count} vectors of one length`, {
    hint: "look at the server's log; is this a model for embeddings?",
  });
}

/** As `ask`, but silence counts as an empty answer: for routes that only some servers have. */
export async function askGently(look: Look, target: Target, url: string, body?: unknown): Promise<Answer> {
  try {
    return await ask(look, target, url, body);
  } catch (error) {
    if (error instanceof HttpFailure) return { status: 0, body: {} };
    throw error;
  }
}

function fieldsIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : {};
  } catch {
    return {};
  }
}

/** Why a server was not reached, in a few words. */
export function reasonOf(error: HttpFailure): string {
  switch (error.code) {
    case "ECONNREFUSED":
      return "connection refused";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the name is unknown";
    case "ETIMEDOUT":
      return /^no /.test(error.message) ? error.message : "no answer in 2 s";
    default:
      return error.message || error.code;
  }
}

export function textField(fields: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = fields[key];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A positive finite number. */
export function countField(fields: Readonly<Record<string, unknown>>, key: string): number | undefined {
  const value = fields[key];
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined;
}

export function listField(
  fields: Readonly<Record<string, unknown>>,
  key: string,
): readonly Readonly<Record<string, unknown>>[] {
  const value = fields[key];
  return Array.isArray(value) ? value.filter(isFields) : [];
}
