/** Counts changes of the workspace, so that a check run can be older or newer than the last edit. */

export interface EditClock {
  readonly value: number;
  /** Counts one change and returns the new value. */
  tick(): number;
}

/** A clock that starts at `from` (the last value in a resumed session's journal). */
export function editClock(from = 0): EditClock {
  let value = from;
  return {
    get value() {
      return value;
    },
    tick: () => ++value,
  };
}
