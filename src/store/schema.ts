/** What is known of a database file: its schema version, and how its faults are told. */
import type { DatabaseSync } from "node:sqlite";
import { CrucibleError } from "../base/error.ts";

/** Schema version this program writes: the number of migrations. */
export const SCHEMA_VERSION = 3;

/** The schema version written in the file. */
export function versionOf(db: DatabaseSync): number {
  return Number(db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
}

/** Wraps a disk or SQLite error with what to do about it. */
export function storageError(what: string, cause: unknown): CrucibleError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const full = /full|ENOSPC/i.test(reason);
  const broken = /not a database|malformed/i.test(reason);
  return new CrucibleError("storage", `${what}: ${reason}`, {
    hint: full
      ? "free some disk space, then `crucible -c` goes on where this stopped"
      : broken
        ? "move that file away (keep it: its sessions may be rescued), or set CODECRUCIBLE_HOME"
        : "check that the folder is writable (crucible doctor), or set CODECRUCIBLE_HOME",
    cause,
  });
}
