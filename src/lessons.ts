/** Wires the lessons of a workspace. */
import { systemClock } from "./base/clock.ts";
import type { House } from "./house.ts";
import { openDatabase } from "./store/database.ts";
import { type Lessons, sqliteLessons } from "./store/lessons.ts";

export async function openLessons({ config, project }: House): Promise<Lessons> {
  return sqliteLessons(await openDatabase(`${config.places.data}/journal.db`), project, systemClock.now);
}
