/** What stands on the screen when an earlier session is taken up. */

import { plural } from "../base/text.ts";
import type { Event, EventOf } from "../core/event.ts";
import type { LiveSession } from "../core/ports/app.ts";
import { harmless, type Output } from "./output.ts";

/** Lines of the last answer. */
const SHOWN_LINES = 12;

/** Where the conversation was: the last prompt, the end of its answer, and whether its turn came to an end. */
export function lastWords(live: Pick<LiveSession, "events">, style: Output["style"]): string[] {
  const events = live.events();
  const at = events.findLastIndex((event) => event.kind === "turn-start");
  const begun = events[at];
  if (begun?.kind !== "turn-start") return [];
  const turns = events.filter(({ kind }) => kind === "turn-start").length;
  const since = events.slice(at);
  const [prompt = "", ...more] = linesOf(begun.prompt);
  const answers = since.flatMap((event) =>
    event.kind === "model-end" && event.purpose === "turn" ? [linesOf(event.message.parts)] : [],
  );
  const answer = answers.findLast((lines) => lines.some((line) => line !== "")) ?? [];
  const left = answer.length - SHOWN_LINES;
  const shown = left > 1 ? [`… ${left} lines above`, ...answer.slice(-SHOWN_LINES)] : answer;
  return [
    ...(turns > 1 ? [`… ${plural(turns - 1, "earlier turn")} (/export writes all of it to a file)`] : []),
    `❯ ${prompt}${more.length > 0 ? ` … ${plural(more.length, "more line")}` : ""}`,
    ...shown,
  ]
    .map((line) => style.dim(line))
    .concat(brokenOff(since).map((line) => style.yellow(line)));
}

function brokenOff(turn: readonly Event[]): string[] {
  const end = turn.findLast((event): event is EventOf<"turn-end"> => event.kind === "turn-end");
  if (end?.outcome.status === "done") return [];
  const why = end === undefined ? "it has no end" : harmless(end.outcome.fault?.message ?? end.outcome.status);
  return [`this turn was broken off: ${why.replaceAll("\n", " ")}. Say "go on", and it goes on from here.`];
}

function linesOf(parts: readonly { readonly type: string; readonly text?: string }[]): string[] {
  const text = parts.map((part) => (part.type === "text" ? (part.text ?? "") : "")).join("");
  return harmless(text).trim().split("\n");
}
