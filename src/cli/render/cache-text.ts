/** The line above an answer from the cache: how old, how near, and how to ask the model instead. */
import type { EventOf } from "../../core/event.ts";

export function cacheText({ ageMs = 0, similarity = 1, tier = "" }: EventOf<"cache-looked">): string {
  const minutes = Math.round(ageMs / 60_000);
  const age =
    minutes < 1 ? `${Math.round(ageMs / 1_000)} s` : minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
  return `from cache (${age} old, similarity ${similarity.toFixed(2)}, ${tier}); --no-cache asks the model`;
}
