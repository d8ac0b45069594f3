/** Runs a compaction: one announced request on the thread's own prefix, a check of its gain, a new view. */
import type { Fault } from "../base/error.ts";
import { type Message, textOf } from "../core/message.ts";
import type { ModelRequest } from "../core/model.ts";
import { askModel } from "./ask-model.ts";
import { answerReserve, keepFrom, MIN_GAIN, SUMMARY_INSTRUCTION, summaryText } from "./compaction.ts";
import { emitFor, type Run } from "./voice.ts";

/** True when the request leaves no room for an answer and there is something to compact. */
export function isFull(run: Run, request: ModelRequest): boolean {
  const { model } = run.options;
  const room = model.window.tokens - answerReserve(model.window.tokens);
  return request.messages.length >= 4 && model.estimate(request).tokens > room;
}

/** Compacts the thread; the fault names why it could not. */
export async function compact(run: Run, request: ModelRequest): Promise<Fault | undefined> {
  const { model, journal, beforeCompaction } = run.options;
  await beforeCompaction?.(run.signal);
  const instruction: Message = { role: "user", parts: [{ type: "text", text: SUMMARY_INSTRUCTION }] };
  const answer = await askModel(run, { ...request, messages: [...request.messages, instruction] }, "compaction");
  const summary = textOf(answer.message);
  if (answer.fault) return stopped(`the summary request failed: ${answer.fault.message}`, answer.fault.code);
  if (summary.trim() === "") return stopped("the summary came back empty");
  const before = model.estimate(request).tokens;
  const cut = keepFrom(request.messages, model.window.tokens);
  const text = summaryText(summary, journal.events());
  const view: Message[] = [{ role: "user", parts: [{ type: "text", text }] }, ...request.messages.slice(cut)];
  const after = model.estimate({ ...request, messages: view }).tokens;
  if (after > before * (1 - MIN_GAIN)) return stopped(`it would only bring ${before} tokens down to ${after}`);
  emitFor(run)({ kind: "context-compacted", summary: text, keepFrom: cut, before, after });
  return undefined;
}

function stopped(why: string, code?: Fault["code"]): Fault {
  return {
    code: code === "context-overflow" ? code : "compaction-failed",
    message: `compaction stopped: ${why}`,
    hint: "go on as it is, or begin anew: /new",
    retryable: false,
  };
}
