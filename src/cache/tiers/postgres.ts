/** Tier L3 of a server: one table in Postgres, shared by the processes that hold the same key of ours. */
import type { Pool } from "pg";
import type { Clock } from "../../base/clock.ts";
import type { CacheTier } from "../../core/ports/cache.ts";

export interface PostgresOptions {
  /** `postgres://user:password@host/database`. */
  readonly url: string;
  readonly clock: Pick<Clock, "now">;
  readonly maxEntries: number;
}

const STATEMENT_MS = 1_000;
const CONNECT_MS = 2_000;
/** Entries are looked over for room after this many insertions. */
const SWEEP_EVERY = 256;
/** Two processes that make the table at the same time take turns. */
const LOCK = 7_261_845;

const SCHEMA = `CREATE TABLE IF NOT EXISTS crucible_cache (
  key text PRIMARY KEY, body text NOT NULL, at bigint NOT NULL, expires bigint NOT NULL, used bigint NOT NULL
)`;

/** Makes its table at the first command; a failed beginning is tried again by the next one. */
export async function postgresTier({ url, clock, maxEntries }: PostgresOptions): Promise<CacheTier> {
  const { default: pg } = await import("pg");
  const pool: Pool = new pg.Pool({
    connectionString: url,
    max: 4,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: STATEMENT_MS * 2,
    allowExitOnIdle: true,
  });
  // An idle connection that breaks is replaced by the next command.
  pool.on("error", () => undefined);
  let ready: Promise<void> | undefined;
  const begin = async () => {
    const client = await pool.connect();
    try {
      await client.query("SELECT pg_advisory_lock($1)", [LOCK]);
      await client.query(SCHEMA).finally(() => client.query("SELECT pg_advisory_unlock($1)", [LOCK]));
    } finally {
      client.release();
    }
  };
  const query = async (text: string, values: readonly unknown[] = []) => {
    ready ??= begin();
    await ready.catch((error: unknown) => {
      ready = undefined;
      throw error;
    });
    return pool.query(text, [...values]);
  };
  let insertions = 0;
  const sweep = async () => {
    await query("DELETE FROM crucible_cache WHERE expires <= $1", [clock.now()]);
    await query(
      "DELETE FROM crucible_cache WHERE key IN (SELECT key FROM crucible_cache ORDER BY used DESC OFFSET $1)",
      [maxEntries],
    );
  };
  return {
    name: "postgres",
    async get(key) {
      const now = clock.now();
      const { rows } = await query(
        "UPDATE crucible_cache SET used = $2 WHERE key = $1 AND expires > $2 RETURNING body, at, expires",
        [key, now],
      );
      const row = rows[0] as { body: string; at: string; expires: string } | undefined;
      return row ? { body: row.body, at: Number(row.at), expires: Number(row.expires) } : undefined;
    },
    async set(key, { body, at, expires }) {
      const text = `INSERT INTO crucible_cache VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (key) DO UPDATE SET body = excluded.body, at = excluded.at, expires = excluded.expires, used = excluded.used`;
      await query(text, [key, body, at, expires, clock.now()]);
      if (++insertions % SWEEP_EVERY === 0) await sweep();
    },
    async remove(key) {
      await query("DELETE FROM crucible_cache WHERE key = $1", [key]);
    },
    clear: async () => (await query("DELETE FROM crucible_cache")).rowCount ?? 0,
    async size() {
      await sweep();
      const { rows } = await query(
        "SELECT count(*) AS entries, coalesce(sum(octet_length(body)), 0) AS bytes FROM crucible_cache",
      );
      const row = rows[0] as { entries: string; bytes: string } | undefined;
      return { entries: Number(row?.entries ?? 0), bytes: Number(row?.bytes ?? 0) };
    },
    close: () => pool.end(),
  };
}
