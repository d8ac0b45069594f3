/** The label of everything the model has read so far in a session: all voices share it, and nothing lowers it by itself. */
import type { Event } from "../core/event.ts";
import { EXTERNAL_LABEL, joinLabels, type Label, USER_LABEL, WORKSPACE_LABEL } from "../core/label.ts";

/** Follows a growing list of events; each call reads only what is new. */
export function contextLabel(events: () => readonly Event[]): () => Label {
  let label = USER_LABEL;
  let read = 0;
  return () => {
    const all = events();
    for (; read < all.length; read++) for (const part of labelsOf(all[read])) label = joinLabels(label, part);
    return label;
  };
}

function labelsOf(event: Event | undefined): readonly Label[] {
  if (event?.kind === "session-start") return event.imported ? [EXTERNAL_LABEL] : [];
  if (event?.kind === "tool-end") return [event.label];
  if (event?.kind === "cache-looked") return event.label ? [event.label] : [];
  if (event?.kind === "context-added") return [WORKSPACE_LABEL];
  if (event?.kind !== "turn-start") return [];
  return event.prompt.flatMap((part) => (part.type === "text" && part.label ? [part.label] : []));
}
