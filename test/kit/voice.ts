/** A voice over a scripted model and a scripted gate: the loop alone, without server, disk or sandbox. */

import { createVoice } from "../../src/agent/loop.ts";
import { systemClock } from "../../src/base/clock.ts";
import { editClock } from "../../src/core/edit-clock.ts";
import type { Event } from "../../src/core/event.ts";
import type { ToolCallPart } from "../../src/core/message.ts";
import type { ModelPart, ModelRequest, Window } from "../../src/core/model.ts";
import type { Gate, ToolOutcome } from "../../src/core/ports/gate.ts";
import type { OpenModel } from "../../src/core/ports/models.ts";
import type { Budget, Outcome } from "../../src/core/task.ts";
import { createBus, createSession } from "../../src/session/session.ts";
import { memoryJournal } from "../../src/store/memory-journal.ts";

export interface Answer {
  readonly text?: string;
  readonly thinking?: string;
  readonly calls?: readonly { tool: string; input?: Record<string, unknown> }[];
  readonly stop?: "stop" | "length";
  readonly failure?: { code: "server-error" | "context-overflow" | "server-stalled"; message: string };
}

export type Script = (request: ModelRequest, index: number) => Answer;
export type Results = (call: ToolCallPart) => Partial<ToolOutcome> & { text?: string };

export interface VoiceKit {
  readonly requests: ModelRequest[];
  readonly calls: ToolCallPart[];
  readonly events: readonly Event[];
  readonly signal: AbortController;
  prompt(text: string, options?: { budget?: Budget; answerSchema?: Record<string, unknown> }): Promise<Outcome>;
}

export interface VoiceKitOptions {
  readonly script: Script;
  readonly results?: Results;
  readonly window?: number;
  /** Ids as the server gives them. */
  readonly ids?: () => string;
  readonly parallel?: readonly string[];
  readonly facts?: { date?: () => string; git?: () => string | undefined; instructions?: () => string | undefined };
}

async function* stream(answer: Answer, index: number, ids?: () => string): AsyncIterable<ModelPart> {
  if (answer.thinking) yield { type: "thinking", text: answer.thinking };
  for (const chunk of answer.text?.match(/[\s\S]{1,5}/g) ?? []) yield { type: "text", text: chunk };
  if (answer.failure) return yield { type: "failure", fault: { ...answer.failure, retryable: false } };
  for (const [at, call] of (answer.calls ?? []).entries()) {
    yield {
      type: "tool-call",
      call: { type: "tool-call", id: ids?.() ?? `r${index}c${at}`, tool: call.tool, input: call.input ?? {} },
      repaired: [],
    };
  }
  yield { type: "usage", usage: { input: 10, output: 5, source: "reported" } };
  yield { type: "finish", reason: answer.stop ?? "stop" };
}

export function voiceKit(options: VoiceKitOptions): VoiceKit {
  const requests: ModelRequest[] = [];
  const calls: ToolCallPart[] = [];
  const journal = memoryJournal("s", systemClock);
  const bus = createBus(journal);
  const window: Window = { tokens: options.window ?? 32_768, source: "loaded" };
  const size = (request: ModelRequest) => Math.ceil(JSON.stringify(request.messages).length / 4);
  const model: OpenModel = {
    ref: { provider: "test", model: "m" },
    info: {
      ref: { provider: "test", model: "m" },
      server: "",
      state: "loaded",
      tools: "yes",
      thinking: "no",
      vision: "no",
      kind: "chat",
    },
    window,
    notes: [],
    sampling: {},
    rates: { answers: 0, validCalls: 0, invalidCalls: 0, outcomes: {} },
    lane: {
      name: "test/m",
      server: "",
      breaker: "closed",
      failures: 0,
      slots: 1,
      slotsSource: "assumed",
      active: 0,
      queued: 0,
    },
    learn: () => undefined,
    warm: async () => false,
    generate(request) {
      requests.push(structuredClone(request) as ModelRequest);
      return stream(options.script(request, requests.length - 1), requests.length - 1, options.ids);
    },
    estimate: (request) => ({ tokens: size(request), calibrated: true }),
  };
  const gate: Gate = {
    declarations: [{ name: "read", description: "", parameters: {} }],
    background: async () => false,
    parallel: (tool) => options.parallel?.includes(tool) ?? false,
    foreignHands: () => {
      throw new Error("no foreign servers here");
    },
    async run(call, context) {
      calls.push(call);
      const { text = `result of ${call.id}`, ...rest } = options.results?.(call) ?? {};
      await new Promise((resolve) => setImmediate(resolve));
      const outcome: ToolOutcome = {
        parts: [{ type: "text", text }],
        failed: false,
        denied: false,
        durationMs: 1,
        readOnly: true,
        verdict: { decision: "allow", check: "", rule: "ok", risk: "low", reason: "" },
        ...rest,
      };
      bus.emit(
        {
          kind: "tool-end",
          callId: call.id,
          tool: call.tool,
          parts: outcome.parts,
          failed: outcome.failed,
          denied: outcome.denied,
          durationMs: 1,
          label: { integrity: "workspace", confidentiality: "workspace" },
        },
        { turn: context.turn },
      );
      return outcome;
    },
  };
  const conductor = createVoice({
    voice: "developer",
    system: "SYSTEM",
    model,
    sampling: {},
    gate,
    journal,
    emit: bus.emit,
    clock: systemClock,
    edits: editClock(),
    surroundings: {
      date: options.facts?.date ?? (() => "2026-01-01"),
      git: async () => (options.facts?.git ? options.facts.git() : "branch main"),
      cwd: () => "/w",
      style: () => "normal",
      mode: () => "default",
      instructions: async () => options.facts?.instructions?.(),
    },
  });
  const session = createSession({ journal, emit: bus.emit, conductor: () => conductor, clock: systemClock });
  const signal = new AbortController();
  return {
    requests,
    calls,
    signal,
    events: journal.events(),
    prompt: (text, given = {}) =>
      session.prompt([{ type: "text", text }], {
        budget: given.budget ?? {},
        signal: signal.signal,
        ...(given.answerSchema ? { answerSchema: given.answerSchema } : {}),
      }),
  };
}
