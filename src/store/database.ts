/** Opens a SQLite file durably and brings its schema up to date. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CrucibleError } from "../base/error.ts";
import { SCHEMA_VERSION, storageError, versionOf } from "./schema.ts";

/**
 * Opens `file` in WAL mode with FULL synchronisation: a commit that returned survives a power cut.
 * A missing or older schema is migrated under a lock of its own, so two first starts do not collide.
 * Throws `storage` with the file's name.
 */
export async function openDatabase(file: string): Promise<DatabaseSync> {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const db = new DatabaseSync(file);
    db.exec(
      "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
    );
    const version = versionOf(db);
    if (version > SCHEMA_VERSION) {
      db.close();
      throw new CrucibleError("storage", `${file} was written by a newer version (schema ${version})`, {
        hint: "update codecrucible, or set CODECRUCIBLE_HOME to another folder",
      });
    }
    if (version < SCHEMA_VERSION) {
      const { migrate } = await import("./migrate.ts");
      await migrate(db, file);
    }
    return db;
  } catch (error) {
    if (CrucibleError.isInstance(error)) throw error;
    throw storageError(`cannot open ${file}`, error);
  }
}
