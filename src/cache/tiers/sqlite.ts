/** Tier L3 on this machine: one SQLite file beside the journal, never the journal itself. */
import { mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../base/clock.ts";
import { CrucibleError } from "../../base/error.ts";
import type { CacheTier } from "../../core/ports/cache.ts";

export interface SqliteOptions {
  readonly file: string;
  readonly clock: Pick<Clock, "now">;
  readonly maxBytes: number;
  readonly maxEntries: number;
}

const SCHEMA = `CREATE TABLE IF NOT EXISTS entries (
  key TEXT PRIMARY KEY, body TEXT NOT NULL, at INTEGER NOT NULL, expires INTEGER NOT NULL, used INTEGER NOT NULL, bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_use ON entries (used);`;
/** Entries are looked over for room after this many insertions. */
const SWEEP_EVERY = 64;

/** A file that cannot be read as a database is a cache without worth: it is made anew. */
export function sqliteTier(options: SqliteOptions): CacheTier {
  const { clock, maxBytes, maxEntries } = options;
  const db = openOrRemake(options.file);
  const statements = {
    get: db.prepare("SELECT body, at, expires FROM entries WHERE key = ? AND expires > ?"),
    use: db.prepare("UPDATE entries SET used = ? WHERE key = ?"),
    set: db.prepare("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)"),
    remove: db.prepare("DELETE FROM entries WHERE key = ?"),
    old: db.prepare("DELETE FROM entries WHERE expires <= ?"),
    size: db.prepare("SELECT count(*) AS entries, coalesce(sum(bytes), 0) AS bytes FROM entries"),
    oldest: db.prepare("DELETE FROM entries WHERE key IN (SELECT key FROM entries ORDER BY used LIMIT ?)"),
    clear: db.prepare("DELETE FROM entries"),
  };
  const size = () => {
    const row = statements.size.get();
    return { entries: Number(row?.["entries"]), bytes: Number(row?.["bytes"]) };
  };
  const sweep = () => {
    statements.old.run(clock.now());
    for (let now = size(); now.entries > maxEntries || now.bytes > maxBytes; now = size())
      statements.oldest.run(Math.max(1, Math.ceil(now.entries / 10), now.entries - maxEntries));
  };
  let insertions = 0;
  return {
    name: "sqlite",
    async get(key) {
      const now = clock.now();
      const row = statements.get.get(key, now);
      if (!row) return undefined;
      statements.use.run(now, key);
      return { body: String(row["body"]), at: Number(row["at"]), expires: Number(row["expires"]) };
    },
    async set(key, { body, at, expires }) {
      statements.set.run(key, body, at, expires, clock.now(), Buffer.byteLength(body) + key.length);
      if (++insertions % SWEEP_EVERY === 0) sweep();
    },
    async remove(key) {
      statements.remove.run(key);
    },
    clear: async () => Number(statements.clear.run().changes),
    async size() {
      sweep();
      return size();
    },
    async close() {
      db.close();
    },
  };
}

function openOrRemake(file: string): DatabaseSync {
  try {
    return open(file);
  } catch (error) {
    if (!/not a database|malformed|no such column/i.test(String(error))) throw unusable(file, error);
    for (const part of ["", "-wal", "-shm"]) rmSync(file + part, { force: true });
    return open(file);
  }
}

function open(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(file);
  // A cache may lose its last entries when the power goes, not its form.
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 200;");
  db.exec(SCHEMA);
  return db;
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
