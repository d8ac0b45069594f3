/** Reads what proc_pid_stat(5) says of a process: with its start time a number is not taken for an earlier owner's. */

/** State (field 3) and start time in clock ticks since boot (field 22); both empty for an empty text. */
export function processState(stat: string): { readonly state: string; readonly started: string } {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", started: fields[19] ?? "" };
}

/** Start time in clock ticks since boot; empty for a process that has ended and only waits to be noticed. */
export function processStart(stat: string): string {
  const { state, started } = processState(stat);
  return /^[ZXx]$/.test(state) ? "" : started;
}
