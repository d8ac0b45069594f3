/** Wires the audit of what no gate sees: answers from the cache, background commands that ended. */
import type { EventOf } from "./core/event.ts";
import type { createBus } from "./session/session.ts";
import type { SessionAudit } from "./session-audit.ts";

export function attachAudit({ subscribe }: Pick<ReturnType<typeof createBus>, "subscribe">, audit: SessionAudit): void {
  // What was done is done: a record that cannot be written any more is told by the next action.
  const note = (...about: Parameters<SessionAudit["note"]>) => void audit.note(...about).catch(() => undefined);
  subscribe((event) => {
    if (event.kind === "cache-looked" && event.hit) note("cache-hit", hitDetails(event));
    if (event.kind === "job-end") note("lease-end", { job: event.job });
  });
}

function hitDetails({ tier = "", similarity = 0, ageMs = 0 }: EventOf<"cache-looked">) {
  return { tier, similarity: Math.round(similarity * 1_000) / 1_000, ageMs };
}
