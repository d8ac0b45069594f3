/** What stands on the screen when an earlier session is taken up. */
import type { LiveSession } from "../core/ports/app.ts";
import { harmless, type Output } from "./output.ts";

/** Where the conversation was: the last prompt and the end of the last answer. */
export function lastWords(live: LiveSession, style: Output["style"]): string[] {
  const events = live.events();
  const prompt = events.findLast((event) => event.kind === "turn-start");
  const answer = events.findLast((event) => event.kind === "model-end" && event.purpose === "turn");
  const text = (parts: readonly { readonly type: string; readonly text?: string }[]) =>
    parts.map((part) => (part.type === "text" ? (part.text ?? "") : "")).join("");
  return [
    ...(prompt?.kind === "turn-start" ? [`❯ ${harmless(text(prompt.prompt)).split("\n")[0] ?? ""}`] : []),
    ...(answer?.kind === "model-end" ? harmless(text(answer.message.parts)).trim().split("\n").slice(-6) : []),
  ].map((line) => style.dim(line));
}
