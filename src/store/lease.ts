/** One writer per session: a lease with a growing epoch, held by a process that is still the same one. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { DatabaseSync } from "node:sqlite";
import { CrucibleError } from "../base/error.ts";
import { processStart } from "../base/process-stat.ts";

/** A lease not renewed for this long has ended, whoever holds it (milliseconds). */
export const LEASE_MS = 30_000;

/** Names this process so that a reused pid is not taken for it: host, pid, start time. */
export function writerName(): string {
  return `${hostname()}:${process.pid}:${startTime(process.pid)}`;
}

/** Start time in clock ticks since boot from /proc/<pid>/stat (field 22); empty where there is no /proc. */
function startTime(pid: number): string {
  try {
    return processStart(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return "";
  }
}

/** The process that was named so still runs; of another host it is taken for granted. */
export function alive(writer: string): boolean {
  const [host, pidText, started] = writer.split(":");
  const pid = Number(pidText);
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return false;
  }
  return startTime(pid) === started;
}

/** Takes the session for `writer` and returns the new epoch. Throws `session-missing` or `session-busy`. */
export function takeLease(db: DatabaseSync, session: string, writer: string, now: number): number {
  db.exec("BEGIN IMMEDIATE");
  try {
    const row = db.prepare("SELECT epoch, writer, lease_until FROM sessions WHERE id = ?").get(session);
    if (!row)
      throw new CrucibleError("session-missing", `there is no session ${session}`, { hint: "crucible sessions list" });
    const holder = row["writer"];
    if (typeof holder === "string" && Number(row["lease_until"]) > now && alive(holder)) {
      throw new CrucibleError("session-busy", `session ${session} is in use by process ${holder.split(":")[1]}`, {
        hint: "wait for it to end, or branch off: --fork-session",
      });
    }
    const epoch = Number(row["epoch"]) + 1;
    db.prepare("UPDATE sessions SET epoch = ?, writer = ?, lease_until = ? WHERE id = ?").run(
      epoch,
      writer,
      now + LEASE_MS,
      session,
    );
    db.exec("COMMIT");
    return epoch;
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}
