/** Keeps the private folders small: a HOME over its cap starts empty next time, forgotten `/tmp` folders go. */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { lstat, readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { shortId } from "../base/id.ts";
import { BWRAP } from "./bwrap.ts";

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

/**
 * Ends the first process of a sandbox whose starter was killed within the few milliseconds before bubblewrap ties
 * it to its parent: it would wait for ever. `place` is our state folder, named on its command line.
 */
export async function endOrphans(place: string): Promise<void> {
  for (const name of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(name) || !(await isOrphan(name, place))) continue;
    try {
      process.kill(Number(name), "SIGKILL");
    } catch {
      // Another user's, or gone by itself.
    }
  }
}

/** First of a pid namespace (proc_pid_status(5), NSpid), ours by its command line, and its parent is no bubblewrap. */
async function isOrphan(pid: string, place: string): Promise<boolean> {
  const [line, status] = await Promise.all([text(`/proc/${pid}/cmdline`), text(`/proc/${pid}/status`)]);
  if (!line.startsWith(BWRAP) || !line.includes(`\0${place}/`)) return false;
  const parent = /^PPid:\s*(\d+)$/m.exec(status)?.[1] ?? "0";
  if (!/^NSpid:.*\s1$/m.test(status)) return false;
  return !(await text(`/proc/${parent}/cmdline`)).startsWith(BWRAP);
}

async function text(path: string): Promise<string> {
  return readFile(path, "latin1").catch(() => "");
}
