/** Puts paths back as they were: each in one move, verified, never through a link; doing it twice is doing it once. */
import {
  chmodSync,
  closeSync,
  constants,
  lchownSync,
  lstatSync,
  openSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  type Stats,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { CrucibleError } from "../base/error.ts";
import type { RestoreStep, SavedEntry, UndoStore } from "../core/ports/undo.ts";
import { below, openParent, putFile } from "./file-writes.ts";
import type { Owner } from "./options.ts";
import { entryAt } from "./scan.ts";
import { entriesOf } from "./snapshot.ts";
import { AGE_MS, dropTemporaries, isTemporary, temporaryName } from "./temporary.ts";
import { openFault, openVerified } from "./verified-open.ts";

export interface Restoring {
  readonly store: Pick<UndoStore, "get">;
  /** Owner of what is made, where we are root. */
  readonly owner: Owner | undefined;
  /** Called after each path. */
  readonly onStep?: (done: number) => void;
}

/** Gives the paths that were left because somebody changed them in this very moment. Throws `storage`, `tool-failed`. */
export async function restore(steps: readonly RestoreStep[], how: Restoring): Promise<readonly string[]> {
  const left: string[] = [];
  let done = 0;
  const each = async (list: readonly RestoreStep[], work: (step: RestoreStep) => boolean | Promise<boolean>) => {
    for (const step of list) {
      if (!(await attempt(step, work))) left.push(step.path);
      how.onStep?.(++done);
    }
  };
  const deepFirst = [...steps].sort((a, b) => (a.path < b.path ? 1 : -1));
  const flat = [...steps].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path } of steps) openUp(dirname(path));
  await each(
    deepFirst.filter(({ from, to }) => from !== null && kindOf(from) !== kindOf(to)),
    remove,
  );
  await each(
    flat.filter(({ from, to }) => kindOf(to) === "d" && kindOf(from) !== "d"),
    (step) => makeFolder(step, how.owner),
  );
  await each(
    flat.filter(({ to }) => kindOf(to) === "f" || kindOf(to) === "l"),
    (step) => place(step, how),
  );
  await each(
    deepFirst.filter(({ to }) => kindOf(to) === "d"),
    setMode,
  );
  return [...new Set(left)];
}

/** What a killed restore of these steps left beside them. */
export function dropHalves(steps: readonly RestoreStep[], now: number): void {
  for (const folder of new Set(steps.map(({ path }) => dirname(path)))) {
    const names = entriesOf(folder).map(({ name }) => name);
    dropTemporaries(
      names.filter(isTemporary).map((name) => `${folder}/${name}`),
      now + AGE_MS,
    );
  }
}

async function attempt(step: RestoreStep, work: (step: RestoreStep) => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await work(step);
  } catch (error) {
    if (CrucibleError.isInstance(error) && error.fault.code === "file-changed") return false;
    throw openFault(step.path, error);
  }
}

const kindOf = (entry: SavedEntry) => entry?.[0];
const modeOf = (entry: string) => Number.parseInt(entry.split(" ")[1] ?? "", 8);

function present(path: string): SavedEntry | undefined {
  const found = entryAt(path);
  return found ? found.entry : found;
}

function openUp(folder: string): void {
  if (kindOf(present(folder) ?? null) !== "d") return;
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat?.isDirectory() && (stat.mode & 0o300) !== 0o300) chmodFolder(folder, (stat.mode & 0o7777) | 0o700);
}

/** A path alone, without the right to read it: open(2), O_PATH of Linux. */
const O_PATH = 0o10000000;

/** Of that very folder, also where it is closed to its owner; a link is never followed. */
function chmodFolder(path: string, mode: number): void {
  if (process.platform !== "linux") return chmodSync(path, mode);
  const fd = openSync(path, O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY);
  try {
    const own = `/proc/self/fd/${fd}`;
    if (readlinkSync(own) !== path)
      throw new CrucibleError("file-changed", `${path} changed while its mode was set`, { retryable: true });
    chmodSync(own, mode);
  } finally {
    closeSync(fd);
  }
}

/** A folder is taken for the same whatever its mode: it may have been opened. */
function isAt(path: string, wanted: SavedEntry): boolean {
  const now = present(path);
  return now === wanted || (kindOf(wanted) === "d" && kindOf(now ?? null) === "d");
}

function remove({ path, from, to }: RestoreStep): boolean {
  const now = present(path);
  if (now === null || now === to || (now !== undefined && kindOf(now) === kindOf(to))) return true;
  if (!isAt(path, from)) return false;
  using folder = openVerified(dirname(path), "directory");
  const name = below(folder, basename(path));
  if (kindOf(from) !== "d") unlinkSync(name);
  else {
    try {
      rmdirSync(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOTEMPTY") return false;
      throw error;
    }
  }
  return true;
}

function makeFolder({ path, to }: RestoreStep, owner: Owner | undefined): boolean {
  if (isAt(path, to)) return true;
  if (present(path) !== null) return false;
  // Missing ones above it are made on the way.
  using _made = openParent(path, owner);
  return true;
}

async function place(step: RestoreStep, { store, owner }: Restoring): Promise<boolean> {
  const { path, from, to } = step;
  const now = present(path);
  if (now === to) return true;
  // Another kind was removed before; after a crash that is what is left of it.
  if (now !== from && !(now === null && kindOf(from) !== kindOf(to))) return false;
  const old = lstatSync(path, { throwIfNoEntry: false });
  openUp(dirname(path));
  if (kindOf(to) === "l") putLink(path, (to ?? "").slice(2), owner);
  else await putContent(path, { to: to ?? "", old }, { store, owner });
  return true;
}

async function putContent(
  path: string,
  { to, old }: { to: string; old: Stats | undefined },
  { store, owner }: Restoring,
): Promise<void> {
  const hash = to.slice(to.lastIndexOf(" ") + 1);
  const bytes = store.get(hash);
  if (!bytes)
    throw new CrucibleError("storage", `the undo store has lost the content of ${path}`, {
      hint: "the file is as it was; see: crucible undo --list",
    });
  await putFile(path, bytes, { old, owner, mode: modeOf(to) });
}

function putLink(path: string, target: string, owner: Owner | undefined): void {
  using folder = openParent(dirname(path), owner);
  const temporary = below(folder, temporaryName(basename(path)));
  symlinkSync(target, temporary);
  if (owner) lchownSync(temporary, owner.uid, owner.gid);
  renameSync(temporary, below(folder, basename(path)));
}

function setMode({ path, to }: RestoreStep): boolean {
  if (to === null || kindOf(present(path) ?? null) !== "d") return false;
  chmodFolder(path, modeOf(to));
  return true;
}
