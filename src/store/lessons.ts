/** Lessons of a workspace in the database of the journal. */
import type { DatabaseSync } from "node:sqlite";
import { storageError } from "./schema.ts";

export interface Lessons {
  /** The last `count`, oldest first. Throws `storage`. */
  newest(count: number): readonly string[];
  /** One that is there already is not written twice. Throws `storage`. */
  add(text: string): void;
}

export function sqliteLessons(db: DatabaseSync, workspace: string, now: () => number): Lessons {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw storageError("the lessons of this workspace", error);
    }
  };
  return {
    newest: (count) =>
      guarded(() =>
        db
          .prepare("SELECT text FROM lessons WHERE workspace = ? ORDER BY id DESC LIMIT ?")
          .all(workspace, count)
          .map((row) => String(row["text"]))
          .toReversed(),
      ),
    add: (text) =>
      guarded(() => {
        const known = db.prepare("SELECT 1 FROM lessons WHERE workspace = ? AND text = ?").get(workspace, text);
        if (known) return;
        db.prepare("INSERT INTO lessons (at, workspace, text) VALUES (?, ?, ?)").run(now(), workspace, text);
      }),
  };
}
