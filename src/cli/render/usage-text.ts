/** What the last answer used, in the words of the status line. */
import type { Usage } from "../../core/message.ts";
import type { Window } from "../../core/model.ts";

/** Window used and loaded, tokens per second, share that was cached: those that are known. */
export function usageTexts(usage: Usage | undefined, window: Window | undefined): readonly string[] {
  const used = usage ? usage.input + usage.output : 0;
  const rate = usage?.decodeMs ? `${Math.round((usage.output / usage.decodeMs) * 1000)} tok/s` : "";
  const share =
    usage?.cached !== undefined && usage.input > 0 ? Math.round((usage.cached / usage.input) * 100) : undefined;
  const cached = share === undefined ? "" : `${usage?.cachedSource === "estimated" ? "about " : ""}${share} % cached`;
  const room = window ? `${short(used)}/${short(window.tokens)} ${window.source}` : "";
  return [room, rate, cached].filter((text) => text !== "");
}

/** Tokens in few characters: 950, 3.1k, 128k. */
export function short(tokens: number): string {
  return tokens < 1000 ? String(tokens) : `${(tokens / 1000).toFixed(tokens < 100_000 ? 1 : 0)}k`;
}
