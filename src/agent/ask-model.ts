/** One request to the model: streams deltas out and hands the whole message back. */
import type { Fault } from "../base/error.ts";
import type { Purpose } from "../core/events/agent.ts";
import type { AssistantMessage, StopReason, TextPart, ThinkingPart, ToolCallPart, Usage } from "../core/message.ts";
import type { ModelPart, ModelRequest } from "../core/model.ts";
import { moveOn } from "./choose-model.ts";
import { type Asker, emitFor } from "./voice.ts";

export interface Answer {
  readonly message: AssistantMessage;
  readonly fault?: Fault;
}

interface Collected {
  parts: (TextPart | ThinkingPart | ToolCallPart)[];
  text: string[];
  thinking: string[];
  usage: Usage | undefined;
  stop: StopReason;
  fault: Fault | undefined;
  firstAt: number | undefined;
}

/** Sends `request`; when its model fails and another may answer, that one is asked the same. */
export async function askModel(run: Asker, request: ModelRequest, purpose: Purpose): Promise<Answer> {
  for (;;) {
    const answer = await askOnce(run, request, purpose);
    if (!answer.fault || !(await moveOn(run, request, answer.fault, answer.message))) return answer;
  }
}

/** A cut stream gives the text so far with stop `aborted`, and the fault. */
async function askOnce(run: Asker, request: ModelRequest, purpose: Purpose): Promise<Answer> {
  const { model, clock } = run.options;
  const emit = emitFor(run);
  const number = ++run.requests;
  const estimate = model.estimate(request).tokens;
  const expectedMs = expectedWait(run, estimate);
  emit({
    kind: "model-start",
    request: number,
    model: model.ref,
    purpose,
    estimate,
    ...(expectedMs === undefined ? {} : { expectedMs }),
  });
  const started = clock.monotonic();
  const got: Collected = {
    parts: [],
    text: [],
    thinking: [],
    usage: undefined,
    stop: "stop",
    fault: undefined,
    firstAt: undefined,
  };
  for await (const part of model.generate(request, run.signal, run.aside ? "council" : "user")) {
    if (got.firstAt === undefined && ["text", "thinking", "tool-call"].includes(part.type)) {
      got.firstAt = clock.monotonic();
      run.aside?.onFirst();
    }
    take(run, part, got);
  }
  flush(got);
  noteWindow(run);
  const output = Math.ceil(
    got.parts.reduce(
      (sum, part) => sum + (part.type === "tool-call" ? JSON.stringify(part.input).length : part.text.length),
      0,
    ) / 4,
  );
  const usage: Usage = got.usage ?? { input: estimate, output, source: "estimated" };
  run.tokens += usage.input + usage.output;
  const message: AssistantMessage = {
    role: "assistant",
    parts: got.parts,
    voice: run.options.voice,
    model: model.ref,
    usage,
    stop: got.fault ? "aborted" : got.stop,
  };
  const durationMs = Math.round(clock.monotonic() - started);
  emit({
    kind: "model-end",
    request: number,
    message,
    ttftMs: Math.round((got.firstAt ?? clock.monotonic()) - started),
    durationMs,
    purpose,
  });
  return { message, ...(got.fault ? { fault: got.fault } : {}) };
}

/** The server reads what it has not read for the last answer, at the rate it had until now. */
function expectedWait(run: Asker, estimate: number): number | undefined {
  const { model, journal } = run.options;
  const rate = model.rates.prefillPerSecond;
  if (rate === undefined) return undefined;
  const last = journal.events().findLast((event) => event.kind === "model-end");
  const same = last?.kind === "model-end" && last.message.model.model === model.ref.model;
  const known = same ? last.message.usage.input + last.message.usage.output : 0;
  return Math.round((Math.max(estimate - known, 0) * 1_000) / rate);
}

/** The server's loaded window may only be known after its first answer. */
function noteWindow(run: Asker): void {
  const { model, journal } = run.options;
  const known = journal.events().findLast((event) => event.kind === "model-chosen");
  if (!known || (known.window.tokens === model.window.tokens && known.window.source === model.window.source)) return;
  emitFor(run)({ kind: "model-chosen", model: model.ref, window: model.window, server: model.info.server });
}

function take(run: Asker, part: ModelPart, got: Collected): void {
  const emit = run.options.emit;
  const context = { turn: run.task.turn, voice: run.options.voice };
  switch (part.type) {
    case "text":
      if (got.thinking.length > 0) flush(got);
      got.text.push(part.text);
      if (!run.aside) emit({ kind: "text-delta", text: part.text }, context);
      return;
    case "thinking":
      if (got.text.length > 0) flush(got);
      got.thinking.push(part.text);
      if (!run.aside) emit({ kind: "thinking-delta", text: part.text }, context);
      return;
    case "tool-call":
      flush(got);
      got.parts.push({ ...part.call, id: freshId(run, part.call.id) });
      return;
    case "usage":
      got.usage = part.usage;
      return;
    case "finish":
      got.stop = part.reason;
      return;
    case "failure":
      got.fault = part.fault;
      return;
    case "note":
      emit({ kind: "model-note", code: part.code, text: part.text }, context);
      return;
    case "reask":
      emit({ kind: "model-progress", state: "reask", text: `${part.tool}: ${part.problem}` }, context);
      return;
    default: {
      const { type, ...rest } = part;
      emit({ kind: "model-progress", state: type, ...rest }, context);
    }
  }
}

/** The server's id, or one made from it when this session has used it before. */
function freshId(run: Asker, id: string): string {
  let fresh = id;
  for (let n = 2; run.callIds.has(fresh); n++) fresh = `${id}.${n}`;
  run.callIds.add(fresh);
  return fresh;
}

/** Joins the chunks so far into one part. */
function flush(got: Collected): void {
  if (got.thinking.length > 0) got.parts.push({ type: "thinking", text: got.thinking.join("") });
  if (got.text.length > 0) got.parts.push({ type: "text", text: got.text.join("") });
  got.thinking = [];
  got.text = [];
}
