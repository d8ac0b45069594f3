/** The model of the next answer, when there are several: chosen at the start of a turn, after a failure, on a raise. */
import type { Fault, FaultCode } from "../base/error.ts";
import { type AssistantMessage, nameOf, wordsOf } from "../core/message.ts";
import type { ModelRequest } from "../core/model.ts";
import { type Asker, emitFor } from "./voice.ts";

export interface ChoiceReason {
  readonly newTurn?: boolean;
  readonly failed?: Fault;
  readonly raise?: string;
}

/** Faults of a server that another server may not have. */
const MOVES: ReadonlySet<FaultCode> = new Set([
  "server-unreachable",
  "server-error",
  "server-stalled",
  "server-busy",
  "model-missing",
  "model-unfit",
  "authentication",
]);

/** True when another model answers from now on. The decision and the change are on record; with one model nothing is made. */
export async function chooseModel(run: Asker, requestOf: () => ModelRequest, why: ChoiceReason): Promise<boolean> {
  const { model, journal } = run.options;
  if (!model.route) return false;
  // The person's own words: instructions and context stand in the same message of the thread.
  const asked = journal.events().findLast((event) => event.kind === "turn-start");
  const question = { request: requestOf(), prompt: wordsOf(asked?.prompt ?? []), newTurn: false, ...why };
  const routed = await model.route(question, run.signal);
  if (!routed) return false;
  const emit = emitFor(run);
  emit({ kind: "route-decided", ...routed });
  if (!routed.changed) return false;
  emit({ kind: "model-chosen", model: model.ref, window: model.window, server: model.info.server });
  if (!why.failed)
    emit({
      kind: "model-note",
      code: "model-changed",
      text: `${routed.model} answers now: ${why.raise ?? routed.reason}`,
    });
  return true;
}

/** After a failed answer: true when the same request can be asked again elsewhere. What was shown stays, marked as cut off. */
export async function moveOn(
  run: Asker,
  request: ModelRequest,
  fault: Fault,
  shown: AssistantMessage,
): Promise<boolean> {
  if (run.signal.aborted) return false;
  const why =
    fault.code === "tool-call-invalid"
      ? { raise: "an invalid tool call" }
      : MOVES.has(fault.code)
        ? { failed: fault }
        : undefined;
  const { model } = run.options;
  const before = nameOf(model.ref);
  if (!why || !(await chooseModel(run, () => request, why))) return false;
  const cut = shown.parts.length > 0 ? "the answer above is cut off and does not count; " : "";
  if (!why.failed) return true;
  const text = `${before} failed (${fault.message}); ${cut}${nameOf(model.ref)} answers now`;
  emitFor(run)({ kind: "model-note", code: "model-changed", text });
  return true;
}
