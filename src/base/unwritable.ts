/** A file or folder of ours that cannot be written, as a fault in plain words. */
import { CrucibleError, errnoOf } from "./error.ts";

const FULL = "the disk is full";
const CLOSED = "the disk is read-only, or the folder above is closed to you";
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: FULL,
  EDQUOT: "your share of the disk is used up",
  EROFS: "the disk is read-only",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOTDIR: "a file lies where a folder is due",
  EEXIST: "a file lies where a folder is due",
  // Node says this of folders that cannot be made on a read-only disk.
  ENOENT: CLOSED,
};
/** Result codes of SQLite (sqlite.org/rescode.html): READONLY, FULL, CANTOPEN. */
const DATABASE: Readonly<Record<number, string>> = { 8: "the disk is read-only", 13: FULL, 14: CLOSED };

/** `place` is the path that should have been written; faults are passed on as they are. */
export function unwritable(place: string, error: unknown): CrucibleError {
  if (CrucibleError.isInstance(error)) return error;
  const database = (error as { errcode?: unknown } | undefined)?.errcode;
  const known = typeof database === "number" ? DATABASE[database & 0xff] : REASONS[errnoOf(error) ?? ""];
  const why = known ?? (error instanceof Error ? error.message : String(error));
  const hint = why === FULL ? "free disk space" : "make it writable";
  return new CrucibleError("storage", `${place} cannot be written: ${why}`, {
    hint: `${hint}, or set CODECRUCIBLE_HOME to another folder`,
    cause: error,
  });
}
