/** Opens a SQLite file of the cache, which is never worth a failure: one that is no database is made anew. */
import { mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CrucibleError } from "../base/error.ts";

/** Longest waits for another process: at the start, and for each command (milliseconds). */
const OPEN_MS = 3_000;
const COMMAND_MS = 200;

/** Throws `storage` when the folder or the file is not ours to write, or another process holds it too long. */
export function openOrRemake(file: string, schema: string): DatabaseSync {
  try {
    return open(file, schema);
  } catch (error) {
    if (!/not a database|malformed|no such column/i.test(String(error))) throw unusable(file, error);
  }
  try {
    for (const part of ["", "-wal", "-shm"]) rmSync(file + part, { force: true });
    return open(file, schema);
  } catch (error) {
    throw unusable(file, error);
  }
}

function open(file: string, schema: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(file);
  try {
    // Race: another process makes or closes the file just now, and holds it for a moment.
    db.exec(`PRAGMA busy_timeout = ${OPEN_MS}; PRAGMA journal_mode = WAL;`);
    db.exec(schema);
    // A cache may lose its last entries when the power goes, not its form.
    db.exec(`PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = ${COMMAND_MS};`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function unusable(file: string, cause: unknown): CrucibleError {
  return new CrucibleError(
    "storage",
    `cannot open the cache ${file}: ${cause instanceof Error ? cause.message : String(cause)}`,
    {
      hint: "check that the folder is writable, or turn it off: crucible config set cache.answers off",
      cause,
    },
  );
}
