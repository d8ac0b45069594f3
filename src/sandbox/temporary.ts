/** Names of the files that a write fills before it renames them, and the end of those that a kill left behind. */
import { lstatSync, unlinkSync } from "node:fs";
import { shortId } from "../base/id.ts";

const PATTERN = /^\..*\.crucible(?:-(\d+))?_[0-9a-f]{10}\.tmp$/;
/** A write takes less: the file of a process that cannot be seen from here (another container) stays. */
export const AGE_MS = 2000;

export function temporaryName(name: string): string {
  return `.${name.slice(0, 80)}.${shortId(`crucible-${process.pid}`)}.tmp`;
}

export function isTemporary(name: string): boolean {
  return name.startsWith(".") && name.endsWith(".tmp") && PATTERN.test(name);
}

/** Removes `paths` (temporary names) whose writer is gone. */
export function dropTemporaries(paths: readonly string[], now: number): void {
  for (const path of paths) {
    const pid = Number(PATTERN.exec(path.slice(path.lastIndexOf("/") + 1))?.[1] ?? 0);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!(stat?.isFile() || stat?.isSymbolicLink()) || now - stat.mtimeMs < AGE_MS || (pid > 0 && isAlive(pid)))
      continue;
    try {
      unlinkSync(path);
    } catch {
      // Another session was faster, or the folder may not be written.
    }
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
