/** Reads a server's complaint and says what it means. */

import type { Fault } from "../base/error.ts";
import { isFields } from "../base/json-schema.ts";
import { oneLine } from "../base/text.ts";

/** A server's complaint, whatever its shape on the wire. */
export interface Problem {
  readonly status: number;
  readonly message: string;
  readonly type?: string;
  readonly promptTokens?: number;
  readonly windowTokens?: number;
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function numberIn(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/**
 * Understands `{"error":"text"}`, `{"error":{message,type,code}}`, `{"detail":...}`, `{"message":...}`, bare text and
 * JSON inside an error string (Ollama passes its runner's complaint on that way).
 */
export function readProblem(status: number, body: unknown): Problem {
  if (typeof body === "string") {
    const start = body.indexOf("{");
    if (start >= 0) {
      try {
        const inner: unknown = JSON.parse(body.slice(start).trim());
        if (isFields(inner) && ("error" in inner || "message" in inner || "detail" in inner)) {
          return readProblem(status, inner);
        }
      } catch {
        // Not JSON after all: the text itself is the message.
      }
    }
    const plain = body.replace(/<[^>]*>/g, " ");
    return { status, message: oneLine(plain, 400) || `status ${status}` };
  }
  if (!isFields(body)) return { status, message: `status ${status}` };
  const error = body["error"];
  if (error !== undefined && error !== null) {
    return readProblem(status, isFields(error) && !("message" in error) ? JSON.stringify(error) : error);
  }
  const message = textIn(body["message"]) ?? textIn(body["detail"]) ?? JSON.stringify(body["detail"] ?? body);
  const nested = message.includes('{"') ? readProblem(status, message) : undefined;
  const type = textIn(body["type"]) ?? textIn(body["code"]) ?? nested?.type;
  const promptTokens = numberIn(body["n_prompt_tokens"]) ?? nested?.promptTokens;
  const windowTokens = numberIn(body["n_ctx"]) ?? nested?.windowTokens;
  return {
    status: status === 200 ? (numberIn(body["code"]) ?? status) : status,
    message: oneLine(nested?.message ?? message, 400),
    ...(type === undefined ? {} : { type }),
    ...(promptTokens === undefined ? {} : { promptTokens }),
    ...(windowTokens === undefined ? {} : { windowTokens }),
  };
}

export type Meaning = "overflow" | "loading" | "busy" | "missing" | "authentication" | "memory" | "server";

const OVERFLOW =
  /exceed_context_size|context_length_exceeded|exceeds? the (available |model'?s? )?(maximum )?context|maximum (context|model) length|context (length|window|size)[^.]{0,40}exceed|input length exceeds|prompt is too long|context the overflows|context overflow/i;

export function meaningOf(problem: Problem): Meaning {
  const text = `${problem.type ?? ""} ${problem.message}`;
  if (OVERFLOW.test(text)) return "overflow";
  if (problem.status === 401 || problem.status === 403) return "authentication";
  if (/loading model|model is (still |currently )?(being )?load(ing|ed)|still loading/i.test(text)) return "loading";
  if (/(requires|need) more (system )?memory|out of memory|insufficient (system )?(memory|resources)/i.test(text))
    return "memory";
  if (problem.status === 503 || problem.status === 429 || /server busy|too many requests|no slot available/i.test(text))
    return "busy";
  if (
    /no models? loaded|model[^.]{0,80}(not found|does not exist|not exist)|model_not_found|unknown model|try pulling/i.test(
      text,
    )
  ) {
    return "missing";
  }
  return "server";
}

/** The fault a person sees for a complaint that cannot be mended here. */
export function faultOf(
  problem: Problem,
  place: { readonly model: string; readonly url: string; readonly kind: string },
): Fault {
  const said = `${place.url} answered ${problem.status}: ${problem.message}`;
  const pull =
    place.kind === "ollama"
      ? `fetch it with: ollama pull ${place.model}`
      : "see what the server has with: crucible models";
  switch (meaningOf(problem)) {
    case "overflow":
      return {
        code: "context-overflow",
        message: overflowText(problem),
        hint: "start a new session, or give the model a larger window with --context",
        retryable: false,
      };
    case "authentication":
      return {
        code: "authentication",
        message: said,
        hint: "set the server's API key (OPENAI_API_KEY or the server's apiKey in the configuration)",
        retryable: false,
      };
    case "loading":
      return {
        code: "server-stalled",
        message: `${place.model} at ${place.url} did not finish loading in time`,
        hint: "look at the server's log, then try again",
        retryable: true,
      };
    case "memory":
      return {
        code: "model-unfit",
        message: said,
        hint: "choose a smaller model or a smaller window with --context",
        retryable: false,
      };
    case "busy":
      return {
        code: "server-busy",
        message: said,
        hint: "the server is busy with other requests; try again later",
        retryable: true,
      };
    case "missing":
      return { code: "model-missing", message: said, hint: pull, retryable: false };
    case "server":
      return {
        code: "server-error",
        message: said,
        hint: "look at the server's log",
        retryable: problem.status >= 500 || problem.status === 200,
      };
  }
}

function overflowText(problem: Problem): string {
  const { promptTokens, windowTokens } = problem;
  if (promptTokens === undefined || windowTokens === undefined)
    return `the prompt does not fit the model's window: ${problem.message}`;
  return `the prompt has ${promptTokens} tokens, the loaded window ${windowTokens}`;
}
