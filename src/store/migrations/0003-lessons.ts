/** What spirals learned of a workspace: short sentences that later ones read. */
import type { Migration } from "kysely/migration";

const lessons: Migration = {
  async up(db) {
    await db.schema
      .createTable("lessons")
      .addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
      .addColumn("at", "integer", (column) => column.notNull())
      .addColumn("workspace", "text", (column) => column.notNull())
      .addColumn("text", "text", (column) => column.notNull())
      .execute();
    await db.schema.createIndex("lessons_by_workspace").on("lessons").columns(["workspace", "id"]).execute();
  },
  async down(db) {
    await db.schema.dropTable("lessons").execute();
  },
};
export default lessons;
