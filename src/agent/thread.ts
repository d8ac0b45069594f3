/** The thread: messages as a fold over the journal. The same events always give the same messages. */
import { fenced } from "../base/fenced.ts";
import type { Event } from "../core/event.ts";
import type { ImagePart, Message, TextPart, ToolCallPart, UserMessage } from "../core/message.ts";
import { standing } from "../core/standing.ts";
import { quoteInstructions } from "./context.ts";

/** Messages to send. A later call with more events extends the result, except across `context-compacted`, `turn-undone` and `turn-redone`. */
export function foldThread(events: readonly Event[]): Message[] {
  const state: State = { messages: [], open: new Map(), user: undefined };
  for (const event of standing(events)) step(state, event);
  settleUser(state);
  settleCalls(state);
  return state.messages;
}

interface State {
  messages: Message[];
  /** Calls without a result yet: id -> the name the model used. */
  readonly open: Map<string, string>;
  /** The user message being put together from a prompt and its context. */
  user: { prompt: (TextPart | ImagePart)[]; before: string[]; after: string[] } | undefined;
}

function step(state: State, event: Event): void {
  switch (event.kind) {
    case "turn-start":
      settleUser(state);
      settleCalls(state);
      state.user = { prompt: [...event.prompt], before: [], after: [] };
      return;
    case "context-added":
      if (event.source === "instructions") state.user?.before.push(quoteInstructions(event.text));
      else state.user?.after.push(event.text);
      return;
    case "model-end":
      if (event.purpose !== "turn") return;
      settleUser(state);
      if (event.message.stop === "aborted" || !event.message.parts.some((part) => part.type !== "thinking")) return;
      state.messages.push(event.message);
      for (const part of event.message.parts) if (part.type === "tool-call") state.open.set(part.id, part.tool);
      return;
    case "tool-end":
      return toolResult(state, event);
    case "message-added":
      settleUser(state);
      settleCalls(state);
      state.messages.push(event.message);
      return;
    case "context-compacted":
      settleUser(state);
      state.messages = [summaryMessage(event.summary), ...state.messages.slice(event.keepFrom)];
      return;
    default:
  }
}

function toolResult(state: State, event: Extract<Event, { kind: "tool-end" }>): void {
  const tool = state.open.get(event.callId);
  if (tool === undefined) return;
  state.open.delete(event.callId);
  state.messages.push({ role: "tool", callId: event.callId, tool, parts: event.parts, failed: event.failed });
}

function settleUser(state: State): void {
  const { user } = state;
  if (!user) return;
  state.user = undefined;
  const before: TextPart[] = user.before.length > 0 ? [{ type: "text", text: `${user.before.join("\n\n")}\n` }] : [];
  const after: TextPart[] =
    user.after.length > 0
      ? [{ type: "text", text: `\n<context>\n${fenced(user.after.join("\n"), ["context"])}\n</context>` }]
      : [];
  state.messages.push({ role: "user", parts: [...before, ...user.prompt, ...after] });
}

/** A crash can leave calls without results; a model needs one for each. */
function settleCalls(state: State): void {
  for (const [callId, tool] of state.open) {
    const text = "Interrupted: it is not known whether this ran. Look at the present state before doing it again.";
    state.messages.push({ role: "tool", callId, tool, parts: [{ type: "text", text }], failed: true });
  }
  state.open.clear();
}

function summaryMessage(summary: string): UserMessage {
  return { role: "user", parts: [{ type: "text", text: summary }] };
}

/** Tool calls of a message in order. */
export function callsOf(message: Message): readonly ToolCallPart[] {
  return message.role === "assistant" ? message.parts.filter((part) => part.type === "tool-call") : [];
}
