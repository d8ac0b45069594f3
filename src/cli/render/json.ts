/**
 * `json`: one result object. `stream-json`: one object per event, the result last. A line about a stored event
 * appears when the event is on disk: whoever reads it can rely on it, whatever happens to this process.
 */
import type { Fault } from "../../base/error.ts";
import type { CouncilReport } from "../../core/council.ts";
import type { Event } from "../../core/event.ts";
import { type AssistantMessage, nameOf, textOf } from "../../core/message.ts";
import type { Window } from "../../core/model.ts";
import type { LiveSession } from "../../core/ports/app.ts";
import type { ReviewReport } from "../../core/review.ts";
import type { SpiralReport } from "../../core/spiral.ts";
import type { Output } from "../output.ts";
import { createTotals, type Totals } from "../totals.ts";
import type { Renderer, RunResult } from "./renderer.ts";

export function jsonRenderer(output: Output, stream: boolean): Renderer {
  const totals = createTotals();
  const line = (value: object) => output.out(`${JSON.stringify(value)}\n`);
  let session: LiveSession | undefined;
  let window: Window | undefined;
  let council: CouncilReport | undefined;
  let spiral: SpiralReport | undefined;
  let review: ReviewReport | undefined;
  const waiting: { seq: number; message: object }[] = [];
  let onDisk = 0;
  const release = (upTo: number) => {
    onDisk = upTo;
    const held = waiting.findIndex(({ seq }) => seq > upTo);
    for (const { message } of waiting.splice(0, held < 0 ? waiting.length : held)) line(message);
  };
  return {
    start(live) {
      session = live;
      window ??= live.window;
      if (!stream) return;
      const { ref, server } = live.model;
      line({
        type: "init",
        session_id: live.id,
        model: nameOf(ref),
        server,
        window: live.window.tokens,
        window_source: live.window.source,
        cwd: live.workspace,
        tools: live.tools,
        notes: live.notes,
      });
    },
    event(event) {
      totals.take(event);
      if (event.kind === "model-chosen") window = event.window;
      if (event.kind === "decision-made") council = event.report;
      if (event.kind === "review-end") review = event.report;
      if (event.kind === "spiral-end") spiral = event.report;
      const found = stream ? streamLine(event) : undefined;
      if (!found) return;
      const message = { ...found, session_id: event.session, ...(event.voice ? { voice: event.voice } : {}) };
      if (waiting.length === 0 && event.seq <= onDisk) line(message);
      else waiting.push({ seq: event.seq, message });
    },
    flushed: release,
    pause: () => undefined,
    end(result) {
      release(Number.POSITIVE_INFINITY);
      const known = session && { ...session, window: window ?? session.window };
      line({
        ...resultObject(result, totals, known),
        ...(council ? { council } : {}),
        ...(spiral ? { spiral } : {}),
        ...(review ? { review } : {}),
      });
    },
    fault(fault, exitCode) {
      release(Number.POSITIVE_INFINITY);
      if (stream) line({ type: "error", code: fault.code, message: fault.message, hint: fault.hint });
      line({
        type: "result",
        subtype: "error",
        is_error: true,
        result: "",
        error: faultObject(fault),
        exit_code: exitCode,
        session_id: session?.id,
      });
    },
  };
}

function faultObject(fault: Fault): object {
  return { code: fault.code, message: fault.message, ...(fault.hint ? { hint: fault.hint } : {}) };
}

function wholeMessage(message: AssistantMessage): object {
  const { stop, usage } = message;
  return { type: "message", role: "assistant", delta: false, content: textOf(message), stop, usage };
}

/** The event as a stream line, or undefined for what has no place in it. */
function streamLine(event: Event): object | undefined {
  switch (event.kind) {
    case "turn-start":
      return {
        type: "message",
        role: "user",
        content: event.prompt.map((part) =>
          part.type === "text" ? part : { type: "image", media_type: part.mediaType },
        ),
      };
    case "text-delta":
      return { type: "message", role: "assistant", delta: true, content: event.text };
    case "model-end":
      return event.purpose === "turn" ? wholeMessage(event.message) : undefined;
    case "tool-requested":
      return { type: "tool_use", id: event.callId, name: event.tool, input: event.input };
    case "tool-end":
      return {
        type: "tool_result",
        tool_use_id: event.callId,
        name: event.tool,
        is_error: event.failed,
        denied: event.denied,
        content: event.parts.map((part) =>
          part.type === "text" ? part : { type: "image", media_type: part.mediaType },
        ),
        details: event.details,
      };
    case "fault-raised":
      return { type: "error", ...faultObject(event.fault) };
    case "context-compacted":
      return { type: "system", subtype: "context_compacted", before: event.before, after: event.after };
    case "cache-looked": {
      const { hit, because, tier, ageMs, similarity } = event;
      return { type: "system", subtype: "cache", hit, because, tier, age_ms: ageMs, similarity };
    }
    case "model-note":
      return { type: "system", subtype: event.code.replaceAll("-", "_"), text: event.text };
    case "todos-set":
      return { type: "system", subtype: "todos", todos: event.todos };
    case "check-run":
      return {
        type: "system",
        subtype: "check_run",
        check: event.check,
        command: event.command,
        exit_code: event.exitCode,
      };
    default:
      return workLine(event);
  }
}

/** Lines of a council and of a spiral. */
function workLine(event: Event): object | undefined {
  switch (event.kind) {
    case "council-start":
      return { type: "system", subtype: "council", council: event.work, question: event.question };
    case "voice-answered": {
      const { work, stage, asked, status, text, ms } = event;
      return { type: "system", subtype: "voice", council: work, stage, voice: asked, status, text, ms };
    }
    case "evidence-found": {
      const { work, check, proposal, outcome } = event;
      return { type: "system", subtype: "evidence", council: work, check, proposal, outcome };
    }
    case "phase-end":
      return { type: "system", subtype: "phase", phase: event.phase, loop: event.loop, text: event.text };
    case "review-end":
      return { type: "review", report: event.report };
    case "spiral-end":
      return { type: "spiral", report: event.report };
    case "decision-made":
      return { type: "council", report: event.report };
    default:
      return undefined;
  }
}

function resultObject(
  { outcome, exitCode, durationMs }: RunResult,
  totals: Totals,
  session: LiveSession | undefined,
): object {
  const usage = Object.fromEntries(
    [...totals.models].map(([model, { decodeMs, ...sum }]) => [
      model,
      { ...sum, tokens_per_second: decodeMs > 0 ? Math.round((sum.output / decodeMs) * 10_000) / 10 : null },
    ]),
  );
  const { status, runs, text } = outcome.verification;
  return {
    type: "result",
    subtype: exitCode === 0 ? "success" : "error",
    is_error: exitCode !== 0,
    result: outcome.text,
    ...(outcome.fault ? { error: faultObject(outcome.fault) } : {}),
    exit_code: exitCode,
    session_id: session?.id,
    model: session ? nameOf(session.model.ref) : undefined,
    window: session ? { tokens: session.window.tokens, source: session.window.source } : undefined,
    num_turns: outcome.turns,
    num_tool_calls: outcome.toolCalls,
    duration_ms: durationMs,
    usage,
    permission_denials: totals.denials.map(({ tool, callId, reason }) => ({
      tool,
      call_id: callId,
      reason,
      open: outcome.openDenials.some((denial) => denial.callId === callId),
    })),
    verification: {
      status,
      text,
      runs: runs.map((run) => ({ check: run.check, command: run.command, exit_code: run.exitCode })),
    },
  };
}
