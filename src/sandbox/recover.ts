/** Looks at workspaces on behalf of the undo store, also for commands that were killed together with their session. */
import { statSync } from "node:fs";
import type { EffectCall, SavedChange, SavedListing, SavedStep, UndoStore } from "../core/ports/undo.ts";
import { compare } from "./compare.ts";
import { isSame, type Scan, scanRoot } from "./scan.ts";

/** What is remembered of each root between two looks. */
export interface Watched {
  readonly store: UndoStore;
  readonly listings: readonly SavedListing[];
  readonly heavy: Set<string>;
  /** The last look at each root. */
  readonly looks: Map<string, LastLook>;
}

type LastLook = Pick<Scan, "folders" | "files" | "dropped" | "blind">;

const NOTHING: LastLook = { folders: new Map(), files: 0, dropped: [], blind: new Set() };

export interface Look {
  readonly files: number;
  readonly dropped: readonly string[];
  readonly changes: readonly SavedChange[];
}

/** Where the changes since the last look belong; nobody: they are the person's own. */
export interface Blame {
  readonly call: EffectCall;
  readonly session: string;
  /** When its command ended, or gave its last sign of life: what changed later may be the person's. */
  readonly until?: number | undefined;
  /** Others may have changed the same files all the time. */
  readonly doubtful: boolean;
}

/** One look at every root; `step` is stored together with it. */
export async function look(
  watched: Watched,
  step: SavedStep,
  blame: Blame | undefined,
  signal: AbortSignal,
): Promise<Look> {
  const { store, heavy, looks } = watched;
  const dropped: string[] = [];
  const changes: SavedChange[] = [];
  const updates: NonNullable<SavedStep["listings"]>[number][] = [];
  const now = new Map<string, LastLook>();
  let files = 0;
  const until = blame?.until;
  for (const { id, root, entries } of watched.listings) {
    const last = looks.get(root);
    if (last && (await isSame(last, entries, signal))) now.set(root, last);
    else {
      const scan = await scanRoot(root, { store, known: entries, heavy, signal });
      const found = compare({ before: entries, blind: (last ?? NOTHING).blind, now: scan, until });
      now.set(root, scan);
      changes.push(...found.changes);
      updates.push({ id, set: found.set, gone: found.gone });
    }
    files += now.get(root)?.files ?? 0;
    dropped.push(...(now.get(root)?.dropped ?? []));
  }
  const list = blame?.doubtful ? changes.map((change) => ({ ...change, doubtful: true })) : changes;
  const turn = blame && { session: blame.session, turn: blame.call.turn };
  store.save({
    ...step,
    listings: updates,
    ...(blame ? { changes: { call: blame.call, session: blame.session, list } } : {}),
    ...(turn && list.length > 0 && dropped.length > 0 ? { uncovered: { turn, list: dropped } } : {}),
  });
  remember(watched, updates);
  for (const [root, { folders, files: count, dropped: names, blind }] of now)
    looks.set(root, { folders, files: count, dropped: names, blind });
  return { files, dropped, changes: blame ? list : [] };
}

/** Only what is on disk counts. */
function remember({ listings }: Watched, updates: NonNullable<SavedStep["listings"]>): void {
  for (const { id, set, gone } of updates) {
    const entries = listings.find((listing) => listing.id === id)?.entries;
    for (const path of gone) entries?.delete(path);
    for (const [path, state] of set) entries?.set(path, state);
  }
}

/** Finds out what commands did that were killed together with their session. */
export async function recoverCut(store: UndoStore, signal: AbortSignal): Promise<void> {
  const { windows, roots } = store.cut();
  const last = windows.at(-1);
  if (!last) return;
  const there = roots.filter((root) => statSync(root, { throwIfNoEntry: false })?.isDirectory());
  const listings = there.map((root) => store.listing(root));
  const blame: Blame = {
    call: last,
    session: last.session,
    until: Math.max(...windows.map(({ until }) => until)),
    doubtful: windows.some(({ background }) => background),
  };
  const close = windows.map(({ callId }) => callId);
  await look({ store, listings, heavy: new Set(), looks: new Map() }, { close }, blame, signal);
}
