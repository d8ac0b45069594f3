/** Brings a database to the newest schema with kysely's migrator, all or nothing. */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { Kysely, SqliteAdapter, SqliteDialect } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { delay } from "../base/async.ts";
import journal from "./migrations/0001-journal.ts";
import outcomes from "./migrations/0002-outcomes.ts";
import lessons from "./migrations/0003-lessons.ts";
import { SCHEMA_VERSION, versionOf } from "./schema.ts";

const MIGRATIONS: Record<string, Migration> = {
  "0001-journal": journal,
  "0002-outcomes": outcomes,
  "0003-lessons": lessons,
};

/** SQLite runs DDL in transactions; kysely's adapter says it does not, and would leave half a migration. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class NodeSqliteDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter();
  }
}

function dialect(db: DatabaseSync): NodeSqliteDialect {
  const prepare = (text: string) => {
    const statement = db.prepare(text);
    const args = (values: readonly unknown[]) => values as SQLInputValue[];
    return {
      reader: statement.columns().length > 0,
      all: (values: readonly unknown[]) => statement.all(...args(values)),
      run: (values: readonly unknown[]) => statement.run(...args(values)),
      iterate: (values: readonly unknown[]) => statement.iterate(...args(values)),
    };
  };
  return new NodeSqliteDialect({ database: { close: () => undefined, prepare } });
}

/** Longest wait for another process that migrates (milliseconds). */
const LOCK_MS = 60_000;

/** An open write transaction on a database of its own; it ends with its process, so no lock is left behind. */
async function takeLock(file: string): Promise<DatabaseSync> {
  const lock = new DatabaseSync(file);
  for (let waited = 0; ; waited += 20) {
    try {
      lock.exec("BEGIN IMMEDIATE");
      return lock;
    } catch (error) {
      if (waited >= LOCK_MS || !(error instanceof Error && /locked|busy/i.test(error.message))) throw error;
      await delay(20);
    }
  }
}

/** Runs the missing migrations of `file`; a second process waits on `<file>.lock` and finds them done. */
export async function migrate(db: DatabaseSync, file: string): Promise<void> {
  const lock = await takeLock(`${file}.lock`);
  try {
    if (versionOf(db) >= SCHEMA_VERSION) return;
    const kysely = new Kysely<unknown>({ dialect: dialect(db) });
    const migrator = new Migrator({ db: kysely, provider: { getMigrations: async () => MIGRATIONS } });
    const { error } = await migrator.migrateToLatest();
    if (error) throw error;
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  } finally {
    lock.exec("COMMIT");
    lock.close();
  }
}
