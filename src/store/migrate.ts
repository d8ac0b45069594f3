/** Brings a database to the newest schema with kysely's migrator, all or nothing. */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { Kysely, SqliteAdapter, SqliteDialect } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import journal from "./migrations/0001-journal.ts";
import { SCHEMA_VERSION, versionOf } from "./schema.ts";

const MIGRATIONS: Record<string, Migration> = { "0001-journal": journal };

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

/** Runs the missing migrations of `file`; a second process waits on `<file>.lock` and finds them done. */
export async function migrate(db: DatabaseSync, file: string): Promise<void> {
  const lock = new DatabaseSync(`${file}.lock`);
  lock.exec("PRAGMA busy_timeout = 60000; BEGIN IMMEDIATE");
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
