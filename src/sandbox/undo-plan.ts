/** Decides what an undo does to each path: back step by step, as long as what stands there is what the turn left. */
import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { controlPlace } from "../base/control-places.ts";
import type { RestoreStep, SavedChange, SavedEntry, UndoConflict } from "../core/ports/undo.ts";
import { contains } from "./paths.ts";
import { entryAt } from "./scan.ts";

export interface UndoPlan {
  /** Sorted by path. */
  readonly steps: readonly RestoreStep[];
  readonly conflicts: readonly UndoConflict[];
}

export interface Planning {
  /** Newest first for an undo; for a redo oldest first, before and after exchanged. */
  readonly changes: readonly SavedChange[];
  readonly roots: readonly string[];
  /** Take also what nobody knows the author of. */
  readonly doubtful: boolean;
}

interface Draft extends Pick<Planning, "roots"> {
  readonly now: (path: string) => SavedEntry | undefined;
  readonly steps: Map<string, RestoreStep>;
  readonly conflicts: Map<string, UndoConflict["why"]>;
}

/** Reads the affected paths and changes nothing. */
export function planUndo({ changes, roots, doubtful }: Planning): UndoPlan {
  const seen = new Map<string, SavedEntry | undefined>();
  const now = (path: string): SavedEntry | undefined => {
    if (!seen.has(path)) seen.set(path, isBelowNoFolder(path) ? null : standsAt(path));
    return seen.get(path);
  };
  // What a link leads to is another path's.
  const isBelowNoFolder = (path: string): boolean => {
    const parent = dirname(path);
    if (!roots.some((root) => root !== parent && contains(root, parent))) return false;
    const above = now(parent);
    return above !== undefined && !isFolder(above);
  };
  const draft: Draft = { roots, now, steps: new Map(), conflicts: new Map() };
  for (const [path, own] of byPath(changes)) follow(draft, path, { own, doubtful });
  for (const path of [...draft.steps.keys()].sort()) block(draft, path);
  for (const path of [...draft.steps.keys()].sort().reverse()) keepFull(draft, path);
  openParents(draft);
  const conflicts = [...draft.conflicts].map(([path, why]) => ({ path, why }));
  return { steps: sorted([...draft.steps.values()]), conflicts: sorted(conflicts) };
}

const sorted = <T extends { readonly path: string }>(list: T[]) => list.sort((a, b) => (a.path < b.path ? -1 : 1));

const isFolder = (entry: SavedEntry | undefined) => entry?.startsWith("d ") ?? false;

/** Undefined: something that undo does not cover stands there. */
function standsAt(path: string): SavedEntry | undefined {
  const found = entryAt(path);
  return found ? found.entry : found;
}

function byPath(changes: readonly SavedChange[]): Map<string, SavedChange[]> {
  const paths = new Map<string, SavedChange[]>();
  for (const change of changes) {
    const own = paths.get(change.path);
    if (own) own.push(change);
    else paths.set(change.path, [change]);
  }
  return paths;
}

/** What a person made of a path in between ends the way back: it goes back to that, and no further. */
function follow(draft: Draft, path: string, { own, doubtful }: { own: readonly SavedChange[]; doubtful: boolean }) {
  const from = draft.now(path);
  const root = draft.roots.find((each) => path !== each && contains(each, path));
  if (from === undefined || root === undefined || isClosed(path.slice(root.length + 1))) {
    draft.conflicts.set(path, "blocked");
    return;
  }
  let to: SavedEntry = from;
  for (const { before, after, doubtful: doubt = false } of own) {
    if (to === after && (!doubt || doubtful)) to = before;
    else if (to !== before) {
      draft.conflicts.set(path, to === after ? "doubtful" : "changed");
      break;
    }
  }
  if (to !== from) draft.steps.set(path, { path, from, to });
}

function isClosed(relative: string): boolean {
  return controlPlace(relative) !== undefined || relative.split("/").some((name) => name.toLowerCase() === ".git");
}

/** What is made again needs folders above it. */
function block({ steps, conflicts, now, roots }: Draft, path: string): void {
  if (steps.get(path)?.to === null) return;
  for (let at = dirname(path); !roots.includes(at) && at !== "/"; at = dirname(at)) {
    const step = steps.get(at);
    const then = step ? step.to : now(at);
    if (then === null || isFolder(then)) continue;
    steps.delete(path);
    conflicts.set(path, "blocked");
    return;
  }
}

/** A folder that goes must be empty by then; one that is not stays. */
function keepFull({ steps, conflicts }: Draft, path: string): void {
  const step = steps.get(path);
  if (!step || !isFolder(step.from) || isFolder(step.to)) return;
  const stays = namesIn(path).some((name) => {
    const child = steps.get(`${path}/${name}`);
    return child === undefined || child.to !== null;
  });
  const comes = [...steps.values()].some(({ path: each, to }) => to !== null && each !== path && contains(path, each));
  if (!stays && !comes) return;
  steps.delete(path);
  if (step.to !== null) conflicts.set(path, "blocked");
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Folders closed to their owner are opened for the time of a restore, and are named so that it closes them again. */
function openParents({ steps, now, roots }: Draft): void {
  for (const path of [...steps.keys()]) {
    const parent = dirname(path);
    const entry = now(parent);
    if (roots.includes(parent) || steps.has(parent) || !entry || !isFolder(entry)) continue;
    if ((Number.parseInt(entry.slice(2), 8) & 0o300) !== 0o300)
      steps.set(parent, { path: parent, from: entry, to: entry });
  }
}
