/** What two looks at a root differ in, and which of the differences came too late to be a command's own. */
import { lstatSync } from "node:fs";
import { dirname } from "node:path";
import type { SavedChange, SavedState } from "../core/ports/undo.ts";
import type { Scan } from "./scan.ts";

export interface Difference {
  readonly changes: readonly SavedChange[];
  readonly set: ReadonlyMap<string, SavedState>;
  readonly gone: readonly string[];
}

export interface Comparing {
  readonly before: ReadonlyMap<string, SavedState>;
  /** What the look before did not see. */
  readonly blind: ReadonlySet<string>;
  readonly now: Scan;
  /** What changed later (milliseconds since the epoch) may be somebody else's. */
  readonly until?: number | undefined;
}

/** Changes are sorted by path. */
export function compare(comparing: Comparing): Difference {
  const { before, now } = comparing;
  const set = new Map<string, SavedState>();
  const gone: string[] = [];
  const changes: SavedChange[] = [];
  const tell = (path: string, from: string | null, to: string | null) => {
    const doubt = isLate(comparing, path, to) ? { doubtful: true } : {};
    changes.push({ path, before: from, after: to, ...doubt });
  };
  for (const [path, { entry, stamp }] of now.entries) {
    const old = before.get(path);
    if (old?.entry !== entry || old.stamp !== stamp) set.set(path, { entry, stamp });
    if (old?.entry === entry || (!old && isBelow(path, comparing.blind))) continue;
    tell(path, old?.entry ?? null, entry);
  }
  for (const [path, { entry }] of before) {
    if (now.entries.has(path)) continue;
    gone.push(path);
    if (!isBelow(path, now.blind)) tell(path, entry, null);
  }
  return { changes: changes.sort((a, b) => (a.path < b.path ? -1 : 1)), set, gone };
}

function isBelow(path: string, places: ReadonlySet<string>): boolean {
  if (places.size === 0) return false;
  for (let at = path; at !== "/" && at !== "."; at = dirname(at)) if (places.has(at)) return true;
  return false;
}

/** A folder's time tells of what is in it, not of itself; a deleted file's is that of what it was deleted from. */
function isLate({ now, until }: Comparing, path: string, to: string | null): boolean {
  if (until === undefined || to?.startsWith("d ")) return false;
  // Our clock tells whole milliseconds.
  const limit = BigInt(until + 1) * 1_000_000n;
  if (to !== null) return (now.entries.get(path)?.ctime ?? 0n) > limit;
  return changedAbove(now, path) > limit;
}

/** When the nearest folder above a path changed last, or what took that folder's place (nanoseconds); no link is followed. */
function changedAbove({ entries, folders }: Scan, path: string): bigint {
  for (let at = dirname(path); at !== "/"; at = dirname(at)) {
    if (folders.has(at)) return lstatSync(at, { bigint: true, throwIfNoEntry: false })?.ctimeNs ?? 0n;
    const other = entries.get(at);
    if (other) return other.ctime;
  }
  return 0n;
}
