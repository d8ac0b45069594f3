/** Reads what proc_pid_stat(5) says of a process: with its start time a number is not taken for an earlier owner's. */

/** Start time in clock ticks since boot (field 22); empty for a process that has ended and only waits to be noticed. */
export function processStart(stat: string): string {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return /^[ZXx]$/.test(fields[0] ?? "") ? "" : (fields[19] ?? "");
}
