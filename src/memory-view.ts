/** Wires what is remembered of a workspace: the person's words, and beside them what spirals learned. */
import { systemClock } from "./base/clock.ts";
import type { MemoryView } from "./core/ports/extensions.ts";
import type { House } from "./house.ts";
import { openDatabase } from "./store/database.ts";
import { sqliteLessons } from "./store/lessons.ts";
import { workspaceMemory } from "./store/memory.ts";

/** Lessons that are shown. */
const SHOWN = 50;

export function memoryView({ config, project }: House): MemoryView {
  const { data } = config.places;
  return {
    ...workspaceMemory(data, project),
    async lessons() {
      const db = await openDatabase(`${data}/journal.db`);
      try {
        return sqliteLessons(db, project, systemClock.now).newest(SHOWN);
      } finally {
        db.close();
      }
    },
  };
}
