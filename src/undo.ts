/** Wires undo: turns of a session are taken back, files first decided on, then on record, then restored, then told. */
import { existsSync, lstatSync, rmSync, writeFileSync } from "node:fs";
import { systemClock } from "./base/clock.ts";
import { CrucibleError, toFault } from "./base/error.ts";
import type { AuditRecord } from "./core/audit-event.ts";
import type { EventBody } from "./core/event.ts";
import type { Journal } from "./core/ports/store.ts";
import type {
  RestoreIntent,
  RestoreStep,
  SavedChange,
  UndoFile,
  UndoOptions,
  UndoReport,
  UndoStore,
} from "./core/ports/undo.ts";
import type { House } from "./house.ts";
import { contains } from "./sandbox/paths.ts";
import { recoverCut } from "./sandbox/recover.ts";
import { dropHalves, restore } from "./sandbox/restore.ts";
import { planUndo } from "./sandbox/undo-plan.ts";
import { checkpointsOf, keyOf, turnsToRedo, turnsToUndo } from "./session/checkpoints.ts";
import { alive, writerName } from "./store/lease.ts";
import { openUndoStore } from "./store/undo-store.ts";

/** A session whose turns are taken back: its own process's, or one opened for that alone. */
export interface UndoPlace {
  readonly house: House;
  readonly journal: Pick<Journal, "session" | "events" | "flushed">;
  readonly emit: (body: EventBody) => unknown;
  readonly audit: (record: Pick<AuditRecord, "action" | "details">) => Promise<unknown>;
  /** Added folders, where they are known. */
  readonly addDirs: readonly string[];
  /** Counts the change of files; gives the new edit clock. */
  readonly tick: () => number;
}

/** Where turns of `session` are kept; opened by the first call that changes files. */
export function openUndo(house: House, session: string, addDirs: readonly string[]): UndoStore {
  const { config, workspace } = house;
  return openUndoStore({
    file: `${config.places.data}/undo.db`,
    workspace,
    session,
    roots: [workspace, ...addDirs],
    bytes: config.get<number>("undo.maxMegabytes") * 1024 * 1024,
    turns: config.get<number>("undo.turns"),
    clock: systemClock,
    owner: writerName(),
    isAlive: alive,
  });
}

/** Its presence is all that a start looks for: a restore was begun and not ended. */
const markerOf = ({ config }: House) => `${config.places.data}/undo-unfinished`;

export function isUnfinished(house: House): boolean {
  return existsSync(markerOf(house));
}

/** Throws `usage`, `storage`, `audit`; a report that is not `done` changed nothing. */
export async function undoTurns(place: UndoPlace, options: UndoOptions): Promise<UndoReport> {
  const { house, journal } = place;
  refuseHome(house);
  const store = openUndo(house, journal.session, place.addDirs);
  try {
    await recoverCut(store, new AbortController().signal);
    const wanted = chosen(place, options);
    const material = collect(store, place, wanted);
    const changes = options.redo ? material.changes.map(reversed) : material.changes.toReversed();
    const doubtful = options.redo === true || options.doubtful === true;
    const { steps, conflicts } = planUndo({ changes, roots: material.roots, doubtful });
    const report: UndoReport = {
      done: false,
      redo: options.redo === true,
      session: journal.session,
      turns: wanted.map(({ turn }) => turn),
      files: steps.flatMap(fileOf),
      conflicts,
      uncovered: material.uncovered,
    };
    if (options.dryRun || (conflicts.length > 0 && !options.keepMine)) return report;
    const left = await carryOut(place, store, { report, steps, roots: material.roots });
    const late = left.map((path) => ({ path, why: "changed" as const }));
    return { ...report, done: true, conflicts: [...conflicts, ...late] };
  } finally {
    store.close();
  }
}

function refuseHome({ workspace, home }: House): void {
  if (!contains(workspace, home)) return;
  throw new CrucibleError("usage", `undo is off in ${workspace}: it holds your whole home, or everything`, {
    hint: "work in a project folder",
  });
}

interface Wanted {
  readonly turn: number;
  readonly files: number;
}

/** Oldest first. */
function chosen({ journal }: UndoPlace, options: UndoOptions): readonly Wanted[] {
  const checkpoints = checkpointsOf(journal.events());
  if (!options.redo) return turnsToUndo(checkpoints, options).toReversed();
  const turns = turnsToRedo(journal.events());
  return checkpoints.filter(({ turn }) => turns.includes(turn));
}

/** All that the turns changed, oldest first. */
function collect(store: UndoStore, { house, journal, addDirs }: UndoPlace, wanted: readonly Wanted[]) {
  const changes: SavedChange[] = [];
  const uncovered = new Set<string>();
  const roots = new Set([house.workspace, ...addDirs]);
  for (const { turn, files } of wanted) {
    const saved = store.turn(keyOf(journal.events(), journal.session, turn));
    if (saved.state === "kept") {
      changes.push(...saved.changes);
      for (const each of saved.uncovered) uncovered.add(each);
      for (const root of saved.roots) roots.add(root);
    } else if (files > 0)
      throw new CrucibleError("usage", `turn ${turn} can no longer be undone: what it changed is not kept any more`, {
        hint: "undo.turns and undo.maxMegabytes say how much is kept; see: crucible undo --list",
      });
  }
  return { changes, uncovered: [...uncovered].sort(), roots: [...roots] };
}

const reversed = ({ path, before, after }: SavedChange): SavedChange => ({ path, before: after, after: before });

function fileOf({ path, from, to }: RestoreStep): UndoFile[] {
  if (from === to) return [];
  if (from === null) return [{ path, change: "made" }];
  if (to === null) return [{ path, change: "removed" }];
  const content = (entry: string) => entry.replace(/^([fd]) [0-7]+/, "$1");
  return [{ path, change: content(from) === content(to) ? "mode" : "restored" }];
}

interface Order {
  readonly report: UndoReport;
  readonly steps: readonly RestoreStep[];
  readonly roots: readonly string[];
}

/** Record, intent, files, event: a process that is killed in between leaves what the next one ends. */
async function carryOut(place: UndoPlace, store: UndoStore, { report, steps, roots }: Order) {
  const { house } = place;
  const { turns, redo, session } = report;
  await place.audit({ action: "undo", details: { session, turns: [...turns], redo, files: report.files.length } });
  const intent: RestoreIntent = { session, workspace: house.workspace, roots, turns, redo, steps };
  writeFileSync(markerOf(house), "", { mode: 0o600 });
  const id = store.begin(intent);
  const left = await restore(steps, { store, owner: ownerOf(house) });
  await tell(place, intent);
  store.end(id);
  forget(house, store);
  return left;
}

async function tell({ emit, journal, tick }: UndoPlace, { turns, redo, steps }: RestoreIntent): Promise<void> {
  const kind = redo ? "turn-redone" : "turn-undone";
  emit({ kind, turns, files: steps.filter(({ from, to }) => from !== to).length, clock: tick() });
  await journal.flushed();
}

/** Other workspaces may have restores of their own to end. */
function forget(house: House, store: UndoStore): void {
  if (!store.isRestoring()) rmSync(markerOf(house), { force: true });
}

/** Owner that files get when we are root. */
function ownerOf({ workspace }: House) {
  if (process.geteuid?.() !== 0) return undefined;
  const { uid, gid } = lstatSync(workspace);
  return { uid, gid };
}

/** Ends restores of this workspace that were cut off. `open` opens the session of one for writing. */
export async function finishRestores(
  house: House,
  open: (session: string) => Promise<(UndoPlace & { close(): Promise<void> }) | undefined>,
): Promise<readonly string[]> {
  const store = openUndo(house, "", []);
  const lines: string[] = [];
  try {
    for (const { id, ...intent } of store.unfinished()) {
      const place = await open(intent.session);
      try {
        dropHalves(intent.steps, systemClock.now());
        await restore(intent.steps, { store, owner: ownerOf(house) });
        if (place && !isTold(place, intent)) await tell(place, intent);
        store.end(id);
        lines.push(
          `finished an undo that was cut off: ${filesIn(intent)} in ${house.workspace} (session ${intent.session})`,
        );
      } finally {
        await place?.close();
      }
    }
    forget(house, store);
    return lines;
  } catch (error) {
    const fault = toFault(error);
    if (fault.code === "session-busy") return lines;
    throw error;
  } finally {
    store.close();
  }
}

function filesIn({ steps }: RestoreIntent): string {
  return steps.length === 1 ? "1 file" : `${steps.length} files`;
}

/** The event may have been written before the end was. */
function isTold({ journal }: UndoPlace, { turns, redo }: RestoreIntent): boolean {
  const checkpoints = checkpointsOf(journal.events());
  return turns.every((turn) => checkpoints.find((each) => each.turn === turn)?.undone === !redo);
}
