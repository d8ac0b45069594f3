/** Which turns stand: an undo takes turns back, a redo brings them again. */
import type { Event } from "./event.ts";

/** Numbers of the turns that are taken back as of the last event. */
export function undoneTurns(events: readonly Event[]): ReadonlySet<number> {
  const undone = new Set<number>();
  for (const event of events) {
    if (event.kind === "turn-undone") for (const turn of event.turns) undone.add(turn);
    if (event.kind === "turn-redone") for (const turn of event.turns) undone.delete(turn);
  }
  return undone;
}

/** Events without those of turns that were taken back; the same array where there are none. */
export function standing(events: readonly Event[]): readonly Event[] {
  const undone = undoneTurns(events);
  return undone.size === 0 ? events : events.filter(({ turn }) => turn === undefined || !undone.has(turn));
}

/** The edit clock where a session left it. */
export function lastClock(events: readonly Event[]): number {
  return events.reduce((last, event) => ("clock" in event ? Math.max(last, event.clock) : last), 0);
}

/** How many turns were begun. */
export function turnsBegun(events: readonly Event[]): number {
  return events.filter(({ kind }) => kind === "turn-start").length;
}
