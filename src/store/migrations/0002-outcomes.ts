/** What councils decided, and what became of it. */
import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

const migration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("outcomes")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("at", "integer", (column) => column.notNull())
      .addColumn("council", "text", (column) => column.notNull())
      .addColumn("workspace", "text", (column) => column.notNull())
      .addColumn("kind", "text", (column) => column.notNull())
      .addColumn("domain", "text")
      .addColumn("language", "text")
      .addColumn("options", "text", (column) => column.notNull())
      .addColumn("truth", "text")
      .addColumn("source", "text")
      .addColumn("ballots", "text", (column) => column.notNull())
      .addColumn("evidence", "text", (column) => column.notNull())
      .addColumn("files", "text", (column) => column.notNull())
      .execute();
    await db.schema.createIndex("outcomes_by_time").on("outcomes").columns(["at", "id"]).execute();
  },
  async down(db: Kysely<unknown>): Promise<void> {
    await db.schema.dropTable("outcomes").execute();
  },
};

export default migration;
