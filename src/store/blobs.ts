/** The content-addressed store: every body is kept once under its SHA-256. */
import type { DatabaseSync } from "node:sqlite";
import { sha256 } from "../base/hash.ts";
import type { Blobs } from "../core/ports/store.ts";
import { storageError } from "./schema.ts";

/** Blobs in the `blobs` table of an open database. */
export function sqliteBlobs(db: DatabaseSync): Blobs {
  const has = db.prepare("SELECT 1 FROM blobs WHERE hash = ?");
  const select = db.prepare("SELECT bytes FROM blobs WHERE hash = ?");
  const insert = db.prepare("INSERT INTO blobs (hash, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING");

  const putAll = async (items: readonly Uint8Array[]): Promise<readonly string[]> => {
    const hashes = items.map((bytes) => sha256(bytes));
    try {
      db.exec("BEGIN IMMEDIATE");
      for (const [index, hash] of hashes.entries()) insert.run(hash, items[index] ?? new Uint8Array());
      db.exec("COMMIT");
      return hashes;
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw storageError("undo material cannot be stored", error);
    }
  };
  return {
    putAll,
    put: async (bytes) => (await putAll([bytes]))[0] ?? sha256(bytes),
    has: (hash) => has.get(hash) !== undefined,
    async get(hash) {
      const bytes = select.get(hash)?.["bytes"];
      return bytes instanceof Uint8Array ? bytes : undefined;
    },
  };
}
