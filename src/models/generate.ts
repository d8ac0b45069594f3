/** One answer of an open model, from the first byte to the checked tool calls; failures are its last part. */
import { CrucibleError, toFault } from "../base/error.ts";
import { byteLength } from "../base/text.ts";
import type { Usage } from "../core/message.ts";
import type { ModelPart, ModelRequest } from "../core/model.ts";
import { Answer } from "./answer.ts";
import type { Prompt } from "./calibrate.ts";
import { Exchange, type Link } from "./exchange.ts";
import { reask } from "./reask.ts";
import { type Repaired, repairCall } from "./repair.ts";
import { plainMarks } from "./template-tokens.ts";
import type { RawCall, WireUsage } from "./wire.ts";

/** Streams one answer. Leaving the loop early closes the socket. */
export async function* generate(
  link: Link,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelPart, void> {
  const answer = answerFor(link, request);
  const exchange = new Exchange(link, request, answer, signal);
  const startedAt = link.clock.monotonic();
  try {
    if (link.state.cold) yield { type: "loading" };
    for (let more = true; more; ) {
      more = await exchange.step();
      for (const part of answer.take()) {
        if (part.type === "text" || part.type === "thinking") answer.delivered = true;
        yield part;
      }
    }
    learnThinking(link, answer);
    const unverified = verify(link, request, answer.usageSeen);
    if (unverified) yield unverified;
    const clamped = await checkLoaded(link);
    if (clamped) yield clamped;
    yield* conclude(link, request, answer, { signal, elapsedMs: link.clock.monotonic() - startedAt });
  } catch (error) {
    // What was held back (a possible call, a half tag) belongs to the text so far.
    answer.end();
    yield* answer.take();
    yield { type: "failure", fault: toFault(error) };
  } finally {
    exchange.close();
  }
}

interface Rest {
  readonly signal: AbortSignal;
  readonly elapsedMs: number;
}

/** Repairs the calls, asks again for those that need it, and ends the stream. */
async function* conclude(
  link: Link,
  request: ModelRequest,
  answer: Answer,
  rest: Rest,
): AsyncGenerator<ModelPart, void> {
  const raws = answer.calls();
  const stop = answer.stop(raws.length > 0);
  const ids = freshIds(request, raws);
  const repaired = raws.map((raw, index) => repairCall(raw, request.tools, ids[index] ?? `call_${index}`));
  let usage = usageOf(link, request, answer, rest.elapsedMs);
  const calls: Extract<Repaired, { ok: true }>[] = [];
  for (const [index, item] of repaired.entries()) {
    if (item.ok) {
      calls.push(item);
      continue;
    }
    // An answer cut by its length limit may hold half a call: asking again would only invent the rest.
    if (stop === "length") throw invalid(item.name, `${item.problem} (the answer was cut at its length limit)`);
    yield { type: "reask", tool: item.name, problem: item.problem };
    const again = await reask(link, request, {
      failed: item,
      raw: raws[index],
      id: ids[index] ?? `call_${index}`,
      signal: rest.signal,
    });
    usage = addUsage(usage, again.usage);
    if (!again.repaired.ok) {
      yield { type: "usage", usage };
      throw invalid(item.name, again.repaired.problem);
    }
    calls.push(again.repaired);
  }
  for (const { call, repaired: stages } of calls)
    yield { type: "tool-call", call: { ...call, input: plainMarks(call.input) }, repaired: stages };
  yield { type: "usage", usage };
  yield { type: "finish", reason: stop };
}

function invalid(tool: string, problem: string): CrucibleError {
  return new CrucibleError("tool-call-invalid", `the model's call of ${tool} could not be repaired: ${problem}`, {
    hint: "try again, or use a model that is better at tool calls",
    retryable: true,
  });
}

export function answerFor(link: Link, request: ModelRequest): Answer {
  return new Answer({
    tools: new Set(request.schema ? [] : request.tools.map((tool) => tool.name)),
    startsInThinking: link.quirks.get().openThink === true && !request.schema,
    verbatim: false,
  });
}

/** The request as the calibration measures it: all that is sent, image data apart. */
export function promptOf(link: Link, request: ModelRequest): Prompt {
  const body = link.wire.encode(request, link.quirks.get(), link.sentWindow);
  let images = 0;
  let data = 0;
  for (const message of request.messages) {
    for (const part of message.parts) {
      if (part.type !== "image") continue;
      images++;
      data += part.data.length;
    }
  }
  // Without the closing `]}` a longer thread's text starts with that of a shorter one.
  return { text: body.slice(0, -2), bytes: byteLength(body) - data, images };
}

/** Holds the reported count against the estimate. Throws `context-overflow` when the server dropped part of the prompt. */
function verify(link: Link, request: ModelRequest, usage: WireUsage): ModelPart | undefined {
  const { window } = link.state;
  const reading = link.calibration.report(
    promptOf(link, request),
    usage.input,
    window.source === "assumed" ? undefined : window.tokens,
  );
  if (reading.state === "cut") {
    throw new CrucibleError(
      "context-overflow",
      `${link.target.root} evaluated ${reading.reported} of about ${reading.expected} prompt tokens: it cut the conversation (window ${window.tokens}, ${window.source})`,
      { hint: "load the model with a larger window, or tell the real one with --context" },
    );
  }
  if (usage.input !== undefined && usage.prefillMs !== undefined && usage.prefillMs > 50) {
    const evaluated = usage.input - (usage.cached ?? cachedByTime(link, usage) ?? 0);
    if (evaluated > 100) link.state.prefillRate = (evaluated * 1000) / usage.prefillMs;
  }
  if (reading.state !== "unverified" || link.state.unverifiedTold) return undefined;
  link.state.unverifiedTold = true;
  return { type: "note", code: "window-unverified", text: `window unverified: ${reading.why}` };
}

/** After the first answer the model is loaded for sure: the server's word replaces a chosen or assumed window. */
async function checkLoaded(link: Link): Promise<ModelPart | undefined> {
  const { state } = link;
  const read = state.readLoadedWindow;
  if (!read) return undefined;
  state.readLoadedWindow = undefined;
  const tokens = await read().catch(() => undefined);
  if (tokens === state.window.tokens) state.window = { ...state.window, source: "loaded" };
  if (tokens === undefined || (state.window.source !== "assumed" && tokens >= state.window.tokens)) return undefined;
  const { tokens: before, source } = state.window;
  state.window = { ...state.window, tokens, source: "loaded" };
  return {
    type: "note",
    code: "window-unverified",
    text: `the server loaded a window of ${tokens} tokens (${before} were ${source})`,
  };
}

function learnThinking(link: Link, answer: Answer): void {
  const learned = answer.learned();
  if (learned === undefined) return;
  const { openThink: _, ...rest } = link.quirks.get();
  link.quirks.set(learned === "opens-inside" ? { ...rest, openThink: true } : rest);
}

/** Below this share of the prompt an estimate of what was cached is noise. */
const LEAST_SHARE = 0.1;

/** Servers that do not tell what they had cached (Ollama) show it in the time: the rest was read at the usual rate. */
function cachedByTime(link: Link, { input, prefillMs }: WireUsage): number | undefined {
  const rate = link.state.prefillRate;
  if (input === undefined || prefillMs === undefined || rate === undefined) return undefined;
  const cached = Math.round(input - (prefillMs * rate) / 1_000);
  return cached < input * LEAST_SHARE ? 0 : cached;
}

function usageOf(link: Link, request: ModelRequest, answer: Answer, elapsedMs: number): Usage {
  const { input, output, loadMs, prefillMs, decodeMs } = answer.usageSeen;
  const reported = input !== undefined && output !== undefined;
  return {
    input: input ?? link.calibration.estimate(promptOf(link, request)).tokens,
    output: output ?? Math.ceil(answer.characters / 4),
    source: reported ? "reported" : "estimated",
    ...cachedOf(link, answer.usageSeen),
    ...(loadMs === undefined ? {} : { loadMs }),
    ...(prefillMs === undefined ? {} : { prefillMs }),
    decodeMs: decodeMs ?? Math.round(elapsedMs),
  };
}

function cachedOf(link: Link, usage: WireUsage): Pick<Usage, "cached" | "cachedSource"> {
  if (usage.cached !== undefined) return { cached: usage.cached, cachedSource: "reported" };
  const cached = cachedByTime(link, usage);
  return cached === undefined ? {} : { cached, cachedSource: "estimated" };
}

function addUsage(a: Usage, b: Usage): Usage {
  return {
    ...a,
    input: a.input + b.input,
    output: a.output + b.output,
    source: a.source === "reported" && b.source === "reported" ? "reported" : "estimated",
    ...(a.cached === undefined && b.cached === undefined ? {} : { cached: (a.cached ?? 0) + (b.cached ?? 0) }),
  };
}

/** The server's ids where they are present and unused in this thread, else ids of our own; always the same for the same thread. */
function freshIds(request: ModelRequest, raws: readonly RawCall[]): readonly string[] {
  const used = new Set<string>();
  for (const message of request.messages) {
    if (message.role === "assistant")
      for (const part of message.parts) if (part.type === "tool-call") used.add(part.id);
  }
  return raws.map((raw, index) => {
    let id = raw.id;
    for (let n = request.messages.length * 100 + index; id === undefined || used.has(id); n++) id = `call_${n}`;
    used.add(id);
    return id;
  });
}
