/** The checkout that a session's worktree was begun from, as this program wrote it down when it made the worktree. */
import { readFileSync, realpathSync } from "node:fs";
import { basename, dirname } from "node:path";
import { worktreeRecord, worktreesIn } from "../base/worktree-place.ts";

/** Undefined for every other folder; for those it costs a look at the name. */
export function worktreeOrigin(data: string, workspace: string): string | undefined {
  const all = dirname(dirname(workspace));
  if (basename(all) !== basename(worktreesIn(data))) return undefined;
  try {
    if (realpathSync(worktreesIn(data)) !== all) return undefined;
    const record: unknown = JSON.parse(readFileSync(worktreeRecord(workspace), "utf8"));
    if (typeof record !== "object" || record === null || !("origin" in record)) return undefined;
    return typeof record.origin === "string" ? record.origin : undefined;
  } catch {
    return undefined;
  }
}
