/** The journal of `--no-session-persistence`: the same contract, kept in memory only. */
import type { Clock } from "../base/clock.ts";
import { type Event, isEphemeral } from "../core/event.ts";
import type { Journal } from "../core/ports/store.ts";

/** A journal that forgets everything when the process ends. */
export function memoryJournal(session: string, clock: Clock): Journal {
  const events: Event[] = [];
  const listeners: ((seq: number) => void)[] = [];
  return {
    session,
    epoch: 1,
    append(body, context = {}) {
      const seq = isEphemeral(body) ? 0 : events.length + 1;
      const event: Event = { v: 1, seq, at: clock.now(), session, epoch: 1, ...context, ...body };
      if (seq === 0) return event;
      events.push(event);
      for (const listener of listeners) listener(seq);
      return event;
    },
    flushed: async () => undefined,
    onFlushed: (listener) => void listeners.push(listener),
    events: () => events,
    close: async () => undefined,
  };
}
