/** Wires the consumers of one session's events that nobody asks for: the meter of resources and the audit of what no gate sees. */
import type { EventOf } from "./core/event.ts";
import { createResourceMeter, type ResourceMeter } from "./observe/resources.ts";
import type { createBus } from "./session/session.ts";
import type { SessionAudit } from "./session-audit.ts";

/** Stop the meter at the end. */
export function attachConsumers({ emit, subscribe }: ReturnType<typeof createBus>, audit: SessionAudit): ResourceMeter {
  const meter = createResourceMeter();
  // The work is done: a record that cannot be written any more is told by the next action.
  const note = (...about: Parameters<SessionAudit["note"]>) => void audit.note(...about).catch(() => undefined);
  subscribe((event) => {
    if (event.kind === "turn-end") emit({ kind: "resources-measured", ...meter.measure() });
    if (event.kind === "cache-looked" && event.hit) note("cache-hit", hitDetails(event));
    if (event.kind === "job-end") note("lease-end", { job: event.job });
  });
  return meter;
}

function hitDetails({ tier = "", similarity = 0, ageMs = 0 }: EventOf<"cache-looked">) {
  return { tier, similarity: Math.round(similarity * 1_000) / 1_000, ageMs };
}
