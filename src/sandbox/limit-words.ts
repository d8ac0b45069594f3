/** The limits of a command as words for bash's ulimit. */
import { readdirSync, readFileSync } from "node:fs";
import type { Limits } from "../core/grant.ts";
import type { LaunchPlan } from "./launch.ts";

/**
 * `-v` and `-f` in KiB, `-u` in processes; zero means no limit. The kernel counts processes per user and user
 * namespace: a command that is no
 * user namespace of its own may have that many beside those of `uid`, and one without a sandbox any number.
 */
export function limitWords(limits: Limits, ends: LaunchPlan["ends"] | "remote", uid: number): string {
  const words: string[] = [];
  const add = (letter: string, value: number) => {
    if (Number.isFinite(value) && value >= 1) words.push(`${letter}=${Math.floor(value)}`);
  };
  add("v", limits.memoryBytes / 1024);
  add("f", limits.fileBytes / 1024);
  // Elsewhere than on Linux nothing tells how many threads a user has.
  if (limits.processes > 0 && ends !== "group" && process.platform === "linux")
    add("u", limits.processes + (ends === "namespace" || ends === "remote" ? 0 : threadsOf(uid)));
  return words.join(" ");
}

/** Threads of all processes whose real uid is `uid` (proc_pid_status(5)). */
function threadsOf(uid: number): number {
  let count = 0;
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const status = readFileSync(`/proc/${pid}/status`, "latin1");
      if (Number(/^Uid:\s*(\d+)/m.exec(status)?.[1]) === uid)
        count += Number(/^Threads:\s*(\d+)/m.exec(status)?.[1] ?? 1);
    } catch {
      // It ended meanwhile.
    }
  }
  return count;
}
