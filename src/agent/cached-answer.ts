/** The first answer of a turn from the cache, when the same was asked in the same context; and what goes into it. */
import { canonicalJson } from "../base/canonical-json.ts";
import { sha256 } from "../base/hash.ts";
import { type AssistantMessage, type Message, textOf } from "../core/message.ts";
import type { ModelRequest } from "../core/model.ts";
import type { AnswerQuestion } from "../core/ports/cache.ts";
import type { Answer } from "./ask-model.ts";
import { emitFor, type Run } from "./voice.ts";

/** Undefined without a cache, and for prompts that hold more than words. */
export function questionOf(run: Run, request: ModelRequest): AnswerQuestion | undefined {
  const { cache, model, voice } = run.options;
  const [first, ...more] = run.task.prompt;
  if (!cache || run.task.answerSchema || first?.type !== "text" || more.length > 0) return undefined;
  const history = withoutPrompt(request.messages, first.text);
  if (!history) return undefined;
  return {
    text: first.text,
    temperature: request.sampling.temperature ?? model.sampling.temperature,
    parts: {
      model: model.ref.digest ?? "",
      system: sha256(request.system),
      tools: sha256(canonicalJson(request.tools)),
      voice,
      files: {},
      history: sha256(canonicalJson([history, model.sampling, request.sampling])),
    },
  };
}

/** All that is sent but the prompt's own words, which must be the last message. */
function withoutPrompt(messages: readonly Message[], prompt: string): unknown {
  const last = messages.at(-1);
  if (last?.role !== "user") return undefined;
  const rest = last.parts.filter((part) => part.type !== "text" || part.text !== prompt);
  return rest.length === last.parts.length - 1 ? [...messages.slice(0, -1), rest] : undefined;
}

export async function cachedAnswer(run: Run, question: AnswerQuestion): Promise<Answer | undefined> {
  const { cache, clock, model, voice } = run.options;
  if (!cache) return undefined;
  const started = clock.monotonic();
  const look = await cache.answers.lookup(question, run.signal);
  const emit = emitFor(run);
  if (!look.hit) {
    emit({ kind: "cache-looked", hit: false, because: look.because });
    return undefined;
  }
  const { text, ageMs, similarity, tier, label } = look.hit;
  emit({ kind: "cache-looked", hit: true, ageMs, similarity, tier, label });
  emit({ kind: "text-delta", text });
  const message: AssistantMessage = {
    role: "assistant",
    parts: [{ type: "text", text }],
    voice,
    model: model.ref,
    usage: { input: 0, output: 0, source: "estimated" },
    stop: "stop",
  };
  const durationMs = Math.round(clock.monotonic() - started);
  emit({ kind: "model-end", request: 0, message, ttftMs: durationMs, durationMs, purpose: "turn" });
  return { message };
}

export async function offerAnswer(run: Run, question: AnswerQuestion, message: AssistantMessage): Promise<void> {
  const { cache } = run.options;
  const toolCalls = message.parts.some((part) => part.type === "tool-call");
  await cache?.answers.offer(question, { text: textOf(message), stop: message.stop, toolCalls, label: cache.label() });
}
