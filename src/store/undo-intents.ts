/** Restores that were begun: whoever finds one of a process that is gone ends it. */
import type { RestoreIntent, UndoStore } from "../core/ports/undo.ts";
import type { Room } from "./undo-schema.ts";

export function intents({
  db,
  owner,
  workspace,
  isAlive,
}: Room): Pick<UndoStore, "begin" | "isRestoring" | "unfinished" | "end"> {
  return {
    begin: (intent) =>
      Number(
        db
          .prepare("INSERT INTO restores (workspace, owner, intent) VALUES (?, ?, ?)")
          .run(intent.workspace, owner, JSON.stringify(intent)).lastInsertRowid,
      ),
    isRestoring: () => db.prepare("SELECT 1 FROM restores LIMIT 1").get() !== undefined,
    unfinished: () =>
      db
        .prepare("SELECT id, owner, intent FROM restores WHERE workspace = ? ORDER BY id")
        .all(workspace)
        .filter((row) => row["owner"] === owner || !isAlive(String(row["owner"])))
        .map((row) => ({ id: Number(row["id"]), ...(JSON.parse(String(row["intent"])) as RestoreIntent) })),
    end: (id) => void db.prepare("DELETE FROM restores WHERE id = ?").run(id),
  };
}
