/** Removes throw-away copies, at the latest when a later session finds that their process is gone. */
import { chmodSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { processStart } from "../base/process-stat.ts";
import { isAlive } from "./temporary.ts";

/** A process in another container cannot be seen from here: its copies are left alone for so long. */
const FOREIGN_AGE_MS = 24 * 3_600_000;

/** This process, told from later owners of its number and from processes of other containers. */
export function ownerMark(): string {
  return `${process.pid}-${startOf(process.pid)}-${namespace()}`;
}

/** Removes what is left of copies below `folder` (`<session>/<owner mark>-<id>`) whose process has ended. */
export async function dropOldCopies(folder: string, now: number): Promise<void> {
  for (const session of list(folder)) {
    for (const name of list(join(folder, session))) {
      const path = join(folder, session, name);
      if (isOver(name, path, now)) await discard(path);
    }
    try {
      rmdirSync(join(folder, session));
    } catch {
      // Copies of a living session are in it.
    }
  }
}

function isOver(name: string, path: string, now: number): boolean {
  const [pid = "", started = "", where = ""] = name.split("-");
  if (where === namespace()) return started === "" ? !isAlive(Number(pid)) : startOf(Number(pid)) !== started;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && now - stat.mtimeMs > FOREIGN_AGE_MS;
}

/** Removes a folder even if commands took the right to from its folders. */
export async function discard(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch {
    openFolders(folder);
    await rm(folder, { recursive: true, force: true });
  }
}

function openFolders(folder: string): void {
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  chmodSync(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) openFolders(join(folder, entry.name));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Number of the process namespace; empty where there are none. */
function namespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "";
  } catch {
    return "";
  }
}

function startOf(pid: number): string {
  try {
    return processStart(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return "";
  }
}
