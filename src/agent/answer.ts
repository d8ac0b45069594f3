/** The answer in a given form: one constrained request after the work, checked here, repaired once. */
import type { Fault } from "../base/error.ts";
import { parseJson } from "../base/json-answer.ts";
import { type Message, textOf } from "../core/message.ts";
import { askModel } from "./ask-model.ts";
import { foldThread } from "./thread.ts";
import { emitFor, type Run } from "./voice.ts";

/** Leaves the checked JSON in `run.text`, or says why there is none. */
export async function finalAnswer(run: Run, schema: Readonly<Record<string, unknown>>): Promise<Fault | undefined> {
  let complaint = "";
  for (let attempt = 0; attempt < 2; attempt++) {
    const parsed = parseJson(run.text, schema);
    if (parsed.ok) {
      run.text = JSON.stringify(parsed.value);
      return undefined;
    }
    complaint = parsed.problem;
    const text = `Give your final answer now as one JSON value that meets this schema, and nothing else:\n${JSON.stringify(schema)}${attempt > 0 ? `\nYour last answer did not fit: ${complaint}` : ""}`;
    const message: Message = { role: "user", parts: [{ type: "text", text }] };
    emitFor(run)({ kind: "message-added", message, reason: "answer schema" });
    const { system, gate, sampling, journal } = run.options;
    const request = { system, messages: foldThread(journal.events()), tools: gate.declarations, sampling, schema };
    const answer = await askModel(run, request, "turn");
    if (answer.fault) return answer.fault;
    run.text = textOf(answer.message);
  }
  const last = parseJson(run.text, schema);
  if (last.ok) {
    run.text = JSON.stringify(last.value);
    return undefined;
  }
  return {
    code: "schema-unmet",
    message: `the answer does not meet the schema: ${last.problem}`,
    hint: "try again, or use a simpler schema",
    retryable: true,
  };
}
