/** Compaction: when the window fills, a summary takes the place of old messages; events are kept as they are. */

import { clipMiddle } from "../base/text.ts";
import type { Event } from "../core/event.ts";
import type { Message } from "../core/message.ts";
import { textOf } from "../core/message.ts";
import type { Todo } from "../core/ports/hands.ts";

/** A compaction that saves less than this share of the window is refused. */
export const MIN_GAIN = 0.2;

/** The last message of the one summary request; the thread before it stays byte for byte. */
export const SUMMARY_INSTRUCTION =
  "The context is almost full. Write a summary that lets you go on without the messages above: the task and every constraint the person gave, what was done and decided, what is known about the code (paths, names, line numbers), what failed and why, and the next steps. No tool calls. At most 400 words.";

/** Tokens kept free for the answer, of a window of `tokens`. */
export function answerReserve(tokens: number): number {
  return Math.min(8192, Math.max(512, Math.floor(tokens * 0.2)));
}

/**
 * Index of the first message that stays: the newest messages within `budget` characters,
 * never between a call and its results. At least the messages after the last answer stay.
 */
export function keepFrom(messages: readonly Message[], budget: number): number {
  let kept = messages.length;
  let size = 0;
  for (let index = messages.length - 1; index > 0; index--) {
    const message = messages[index];
    if (!message) break;
    size += JSON.stringify(message.parts).length;
    if (size > budget && kept < messages.length) break;
    if (message.role !== "tool") kept = index;
    if (size > budget) break;
  }
  return kept;
}

/** The summary with what must not depend on a model's memory: plan, last errors, open files. */
export function summaryText(summary: string, events: readonly Event[]): string {
  const todos = events.findLast((event) => event.kind === "todos-set")?.todos ?? [];
  // What failed in a throw-away copy is the council's affair.
  const failures = events
    .filter((event) => event.kind === "tool-end" && event.failed && event.details?.["copy"] !== true)
    .slice(-2);
  const errors = failures.map((event) =>
    event.kind === "tool-end"
      ? `${event.tool}: ${clipMiddle(textOf({ role: "tool", callId: "", tool: "", parts: event.parts, failed: true }), 600)}`
      : "",
  );
  const files = [...new Set(events.flatMap((event) => (event.kind === "file-changed" ? [event.path] : [])))].slice(-12);
  const prompts = events.flatMap((event) =>
    event.kind === "turn-start"
      ? [event.prompt.map((part) => (part.type === "text" ? part.text : "[image]")).join("")]
      : [],
  );
  const blocks = [
    `<summary-of-earlier-work>\n${summary.trim()}\n</summary-of-earlier-work>`,
    `The person's last request: ${clipMiddle(prompts.at(-1) ?? "", 2000)}`,
    todos.length > 0 ? `Plan:\n${todos.map(todoLine).join("\n")}` : "",
    files.length > 0 ? `Changed files: ${files.join(", ")}` : "",
    errors.length > 0 ? `Last errors:\n${errors.join("\n")}` : "",
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function todoLine(todo: Todo): string {
  return `- [${todo.status === "done" ? "x" : todo.status === "in_progress" ? ">" : " "}] ${todo.text}`;
}
