/** Sessions, their events, and the blobs that events name. */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

const migration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("sessions")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("workspace", "text", (column) => column.notNull())
      .addColumn("title", "text", (column) => column.notNull())
      .addColumn("name", "text")
      .addColumn("created_at", "integer", (column) => column.notNull())
      .addColumn("updated_at", "integer", (column) => column.notNull())
      .addColumn("head_seq", "integer", (column) => column.notNull().defaultTo(0))
      .addColumn("epoch", "integer", (column) => column.notNull().defaultTo(0))
      .addColumn("writer", "text")
      .addColumn("lease_until", "integer", (column) => column.notNull().defaultTo(0))
      .execute();
    await db.schema.createIndex("sessions_by_place").on("sessions").columns(["workspace", "updated_at"]).execute();
    await db.schema
      .createTable("events")
      .addColumn("session", "text", (column) => column.notNull().references("sessions.id").onDelete("cascade"))
      .addColumn("seq", "integer", (column) => column.notNull())
      .addColumn("epoch", "integer", (column) => column.notNull())
      .addColumn("at", "integer", (column) => column.notNull())
      .addColumn("kind", "text", (column) => column.notNull())
      .addColumn("body", "text", (column) => column.notNull())
      .addPrimaryKeyConstraint("events_key", ["session", "seq"])
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema
      .createTable("blobs")
      .addColumn("hash", "text", (column) => column.primaryKey())
      .addColumn("bytes", "blob", (column) => column.notNull())
      .execute();
  },
  async down(db: Kysely<unknown>): Promise<void> {
    for (const table of ["blobs", "events", "sessions"]) await db.schema.dropTable(table).execute();
  },
};

export default migration;
