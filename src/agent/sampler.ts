/** An answer of the session's model to somebody else's text: no tools, no thread, counted like every request. */
import { CrucibleError } from "../base/error.ts";
import type { EventContext } from "../core/event.ts";
import { nameOf, textOf } from "../core/message.ts";
import type { McpAnswers } from "../core/ports/mcp.ts";
import { askModel } from "./ask-model.ts";
import type { Asker } from "./voice.ts";

/** Throws the model's own fault. */
export function createSampler(options: Asker["options"], where: EventContext): NonNullable<McpAnswers["sample"]> {
  return async ({ system, messages, maxTokens, temperature }, signal) => {
    const task = { turn: where.turn ?? 0 };
    // Its words are the server's to use: they are not shown as an answer.
    const aside = { onFirst: () => undefined };
    const asker: Asker = { options, task, signal, callIds: new Set(), requests: 0, tokens: 0, aside };
    const [only] = messages;
    const whole =
      messages.length === 1 ? only?.text : messages.map(({ role, text }) => `${role}: ${text}`).join("\n\n");
    const sampling = { maxTokens, ...(temperature === undefined ? {} : { temperature }) };
    const message = { role: "user" as const, parts: [{ type: "text" as const, text: whole ?? "" }] };
    const request = { system, messages: [message], tools: [], sampling };
    const { message: answer, fault } = await askModel(asker, request, "sampling");
    if (fault) throw new CrucibleError(fault.code, fault.message, fault);
    return { text: textOf(answer), model: nameOf(options.model.ref) };
  };
}
