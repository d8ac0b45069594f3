/** Keeps the private folders small: a HOME over its cap starts empty next time, forgotten `/tmp` folders go. */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { lstat, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { shortId } from "../base/id.ts";

const HOME_CAP = 1024 * 1024 * 1024;
const TMP_AGE_MS = 14 * 24 * 3_600_000;
const MAX_ENTRIES = 500_000;

/** Empties a private HOME that was found too large in an earlier session. Called before anything runs in it. */
export function renewHome(home: string): void {
  if (!existsSync(marker(home))) return;
  const trash = join(dirname(home), shortId(".trash"));
  if (existsSync(home)) renameSync(home, trash);
  rmSync(marker(home), { force: true });
  rm(trash, { recursive: true, force: true }).catch(() => undefined);
}

/** Measures a private HOME and marks it when it is over `cap` bytes. */
export async function measureHome(home: string, cap = HOME_CAP): Promise<void> {
  let size = 0;
  let entries = 0;
  const queue = [home];
  for (let folder = queue.pop(); folder !== undefined && size <= cap && entries < MAX_ENTRIES; folder = queue.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      entries++;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) queue.push(path);
      else size += (await lstat(path).catch(() => undefined))?.size ?? 0;
    }
  }
  if (size > cap || entries >= MAX_ENTRIES) writeFileSync(marker(home), "");
}

/** Removes private `/tmp` folders of sessions that nobody touched for two weeks; `keep` is this session's. */
export async function dropOldTmp(folder: string, keep: string, now: number): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (name === keep) continue;
    const path = join(folder, name);
    const stat = await lstat(path).catch(() => undefined);
    if (stat && now - stat.mtimeMs > TMP_AGE_MS) await rm(path, { recursive: true, force: true });
  }
}

function marker(home: string): string {
  return `${home}.full`;
}
