/** Takes an OpenAI-style chat reply apart, streamed or whole, in all the shapes that servers give it. */
import { isFields } from "../base/json-schema.ts";
import type { Lines } from "./lines.ts";
import { countField } from "./probe.ts";
import { readProblem } from "./problem.ts";
import { createSse } from "./sse.ts";
import type { Sink, WireUsage } from "./wire.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A call that is still being written. */
interface Slot {
  index: number | undefined;
  id: string | undefined;
  name: string;
  args: string;
  whole: unknown;
}

export function createOpenAiDecoder(sink: Sink, contentType: string): Lines {
  const decoder = new OpenAiDecoder(sink);
  const onData = (data: string) => decoder.data(data);
  return /application\/json/i.test(contentType) ? wholeBody(onData) : createSse(onData);
}

class OpenAiDecoder {
  readonly #sink: Sink;
  readonly #slots: Slot[] = [];
  #named = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** One event's data, or a whole document. */
  data(data: string): void {
    const text = data.trim();
    if (text === "") return;
    if (text === "[DONE]") {
      this.#deliver();
      this.#sink.finish("");
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.#sink.problem(readProblem(200, text.startsWith("{") ? `unreadable event: ${text}` : text));
      return;
    }
    if (isFields(value)) this.#chunk(value);
    else if (typeof value === "string") this.#sink.problem(readProblem(200, value));
  }

  #chunk(chunk: Fields): void {
    if (chunk["error"] !== undefined && chunk["error"] !== null) {
      this.#sink.problem(readProblem(200, chunk));
      return;
    }
    if (!this.#named && typeof chunk["model"] === "string" && chunk["model"] !== "") {
      this.#named = true;
      this.#sink.model(chunk["model"]);
    }
    const progress = chunk["prompt_progress"];
    if (isFields(progress)) {
      const done = (countField(progress, "cache") ?? 0) + (countField(progress, "processed") ?? 0);
      const total = countField(progress, "total") ?? 0;
      this.#sink.prefill(Math.min(done, total || done), total);
    }
    const choices = chunk["choices"];
    const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
    if (isFields(choice)) this.#choice(choice);
    if (isFields(chunk["usage"]) || isFields(chunk["timings"])) this.#sink.usage(usageOf(chunk));
  }

  #choice(choice: Fields): void {
    const delta = choice["delta"] ?? choice["message"];
    if (isFields(delta)) this.#delta(delta);
    else if (typeof choice["text"] === "string" && choice["text"] !== "") this.#sink.text(choice["text"]);
    if (typeof choice["finish_reason"] === "string" && choice["finish_reason"] !== "") {
      this.#deliver();
      this.#sink.finish(choice["finish_reason"]);
    }
  }

  #delta(delta: Fields): void {
    const thinking = delta["reasoning_content"] ?? delta["reasoning"] ?? delta["thinking"];
    if (typeof thinking === "string" && thinking !== "") this.#sink.thinking(thinking);
    const content = delta["content"];
    if (typeof content === "string") {
      if (content !== "") this.#sink.text(content);
    } else if (Array.isArray(content)) for (const part of content) if (isFields(part)) this.#contentPart(part);
    const calls = delta["tool_calls"];
    if (Array.isArray(calls)) for (const call of calls) if (isFields(call)) this.#call(call);
    const legacy = delta["function_call"];
    if (isFields(legacy)) this.#call({ index: 0, function: legacy });
  }

  #contentPart(part: Fields): void {
    if (typeof part["text"] === "string") this.#sink.text(part["text"]);
    const thinking = part["thinking"];
    if (typeof thinking === "string") this.#sink.thinking(thinking);
    else if (Array.isArray(thinking)) {
      for (const piece of thinking)
        if (isFields(piece) && typeof piece["text"] === "string") this.#sink.thinking(piece["text"]);
    }
  }

  #call(call: Fields): void {
    const inner = isFields(call["function"]) ? call["function"] : call;
    const index = typeof call["index"] === "number" ? call["index"] : undefined;
    const id = typeof call["id"] === "string" && call["id"] !== "" ? call["id"] : undefined;
    const name = typeof inner["name"] === "string" ? inner["name"] : "";
    const slot = slotFor(this.#slots, { index, id, name });
    slot.id ??= id;
    if (slot.name === "") slot.name = name;
    const args = inner["arguments"];
    if (typeof args === "string") slot.args += args;
    else if (args !== undefined && args !== null) slot.whole = args;
  }

  #deliver(): void {
    for (const slot of this.#slots.splice(0)) {
      if (slot.name === "" && slot.args === "" && slot.whole === undefined) continue;
      this.#sink.call({
        name: slot.name,
        args: slot.whole ?? slot.args,
        fromText: false,
        ...(slot.id === undefined ? {} : { id: slot.id }),
      });
    }
  }
}

/** A server that ignores `stream` sends one JSON document, perhaps over many lines. */
function wholeBody(onData: (data: string) => void): Lines {
  const chunks: Buffer[] = [];
  return {
    push(chunk) {
      chunks.push(chunk);
    },
    end() {
      const text = Buffer.concat(chunks).toString("utf8");
      if (text.trimStart().startsWith("data:")) {
        const sse = createSse(onData);
        sse.push(Buffer.from(text));
        sse.end();
      } else onData(text);
    },
  };
}

/** By index; without one by id; else a name starts a new call unless it repeats that of the call being written. */
function slotFor(slots: Slot[], key: { index: number | undefined; id: string | undefined; name: string }): Slot {
  const last = slots.at(-1);
  const same = key.index === undefined ? undefined : slots.findLast((slot) => slot.index === key.index);
  // Some servers give every call index 0 and tell them apart by id only.
  if (same && (key.id === undefined || same.id === undefined || same.id === key.id || key.name === "")) return same;
  if (!same && key.index === undefined && last) {
    if (key.id !== undefined && slots.some((slot) => slot.id === key.id))
      return slots.find((slot) => slot.id === key.id) ?? last;
    if (key.id === undefined && key.name === "") return last;
    if (key.id === undefined && last.name === key.name && last.whole === undefined && !complete(last.args)) return last;
  }
  const slot: Slot = { index: key.index, id: undefined, name: "", args: "", whole: undefined };
  slots.push(slot);
  return slot;
}

function complete(args: string): boolean {
  try {
    JSON.parse(args);
    return true;
  } catch {
    return false;
  }
}

/** `usage` by the OpenAI format; llama-server's `timings` fill what it lacks. */
function usageOf(chunk: Fields): WireUsage {
  const usage = isFields(chunk["usage"]) ? chunk["usage"] : {};
  const timings = isFields(chunk["timings"]) ? chunk["timings"] : {};
  const details = isFields(usage["prompt_tokens_details"]) ? usage["prompt_tokens_details"] : {};
  const cacheN = countField(timings, "cache_n");
  const promptN = countField(timings, "prompt_n");
  const input =
    countField(usage, "prompt_tokens") ??
    (promptN === undefined && cacheN === undefined ? undefined : (promptN ?? 0) + (cacheN ?? 0));
  const output = countField(usage, "completion_tokens") ?? countField(timings, "predicted_n");
  const cached = countField(details, "cached_tokens") ?? cacheN;
  const prefillMs = countField(timings, "prompt_ms");
  const decodeMs = countField(timings, "predicted_ms");
  return {
    ...(input === undefined ? {} : { input }),
    ...(cached === undefined ? {} : { cached }),
    ...(output === undefined ? {} : { output }),
    ...(prefillMs === undefined ? {} : { prefillMs }),
    ...(decodeMs === undefined ? {} : { decodeMs }),
  };
}
