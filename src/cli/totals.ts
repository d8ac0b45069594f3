/** What a run used, counted from its events. */

import type { Event } from "../core/event.ts";
import { nameOf } from "../core/message.ts";

export interface ModelTotals {
  requests: number;
  input: number;
  cached: number;
  output: number;
  /** Seconds spent decoding, for tokens per second. */
  decodeMs: number;
  source: "reported" | "estimated";
}

export interface Totals {
  readonly models: ReadonlyMap<string, ModelTotals>;
  readonly toolCalls: number;
  readonly denials: readonly {
    readonly tool: string;
    readonly rule: string;
    readonly reason: string;
    readonly callId: string;
  }[];
  readonly checks: number;
  take(event: Event): void;
}

export function createTotals(): Totals {
  const models = new Map<string, ModelTotals>();
  const denials: { tool: string; rule: string; reason: string; callId: string }[] = [];
  const counts = { toolCalls: 0, checks: 0 };
  return {
    models,
    denials,
    get toolCalls() {
      return counts.toolCalls;
    },
    get checks() {
      return counts.checks;
    },
    take(event) {
      if (event.kind === "tool-end") counts.toolCalls++;
      if (event.kind === "check-run") counts.checks++;
      if (event.kind === "tool-end" && event.denied)
        denials.push({
          tool: event.tool,
          callId: event.callId,
          rule: "",
          reason: event.parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
        });
      if (event.kind !== "model-end") return;
      const { usage, model } = event.message;
      const key = nameOf(model);
      const sum = models.get(key) ?? { requests: 0, input: 0, cached: 0, output: 0, decodeMs: 0, source: "reported" };
      models.set(key, {
        requests: sum.requests + 1,
        input: sum.input + usage.input,
        cached: sum.cached + (usage.cached ?? 0),
        output: sum.output + usage.output,
        decodeMs: sum.decodeMs + (usage.decodeMs ?? Math.max(1, event.durationMs - event.ttftMs)),
        source: usage.source === "estimated" ? "estimated" : sum.source,
      });
    },
  };
}
