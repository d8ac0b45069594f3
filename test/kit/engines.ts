/** Finds the processes of embedded engines by the model file that they hold (Linux: /proc). */
import { readdirSync, readFileSync } from "node:fs";

export function enginesOf(file: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => commandOf(pid).includes(`"file":${JSON.stringify(file)}`))
    .map(Number);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    // It has ended meanwhile.
    return "";
  }
}
