/** Tier L3 on this machine: one SQLite file beside the journal, never the journal itself. */
import type { Clock } from "../../base/clock.ts";
import type { CacheTier } from "../../core/ports/cache.ts";
import { openOrRemake } from "../open-file.ts";

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

export function sqliteTier(options: SqliteOptions): CacheTier {
  const { clock, maxBytes, maxEntries } = options;
  const db = openOrRemake(options.file, SCHEMA);
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
