/** The list of what is to be done, as a terminal shows it. */
import type { EventOf } from "../../core/event.ts";
import { harmless, type Output } from "../output.ts";

export function todoLines({ todos }: EventOf<"todos-set">, style: Output["style"]): string[] {
  const marks = { done: style.green("✔"), in_progress: style.cyan("▸"), pending: style.dim("·") };
  return todos.map(({ text, status }) => `  ${marks[status]} ${harmless(text)}`);
}
