/** What became of a copy: every file that is no longer as it was copied, with both contents. */
import { type BigIntStats, existsSync, lstatSync, readFileSync, readlinkSync } from "node:fs";
import { dirname } from "node:path";
import { controlPlace } from "../base/control-places.ts";
import { CrucibleError } from "../base/error.ts";
import { isSecretPath } from "../base/secret-names.ts";
import { type Original, stampOf } from "./copy-files.ts";
import { entriesOf, keptFiles, keptFolders, pacer } from "./snapshot.ts";
import { isTemporary } from "./temporary.ts";
import { MAX_FILE_BYTES, readVerified } from "./verified-open.ts";

/** A file as git knows it; without `bytes` it is larger than 20 MiB. */
export interface Side {
  readonly mode: "100644" | "100755" | "120000";
  /** Content; of a link what it leads to. */
  readonly bytes?: Uint8Array;
}

/** `before` is missing for a new file, `after` for a deleted one. */
export interface Change {
  /** Relative to the workspace. */
  readonly path: string;
  readonly before?: Side;
  readonly after?: Side;
}

/** A file or link as it was copied. */
export type Copied =
  | { readonly kind: "file"; readonly original: Original; readonly stamp: string; readonly changed: number }
  | { readonly kind: "link"; readonly leads: string };

export interface CopiedTree {
  readonly files: string;
  /** All that no ignore file named, by relative path. */
  readonly copied: ReadonlyMap<string, Copied>;
  /** When the last file was copied (milliseconds since the epoch). */
  readonly made: number;
  /** Files and trees that were ignored in the workspace, by relative path: an ignore file above it is none of the copy's. */
  readonly ignored: ReadonlySet<string>;
  /** Another file that names ignored files. */
  readonly exclude: string | undefined;
}

/** File times move in steps of some milliseconds: a file copied this late is compared by its content. */
const RACY_MS = 50;

/** Sorted by path. What commands left in ignored files, histories and control places is not told. */
export async function changesOf(tree: CopiedTree, signal: AbortSignal): Promise<readonly Change[]> {
  const { files, copied } = tree;
  const names = new Set([...copied.keys(), ...(await keptFiles(files, signal, tree.exclude))]);
  for (const folder of keptFolders(files, names))
    for (const entry of entriesOf(folder))
      if (entry.isSymbolicLink()) names.add(`${folder}/${entry.name}`.slice(files.length + 1));
  const isReal = realFolders(files);
  const pace = pacer(signal);
  const changes: Change[] = [];
  if (!existsSync(files)) throw new CrucibleError("internal", "a throw-away copy is gone", { hint: "try again" });
  for (const path of [...names].sort()) {
    if (pace.due()) await pace.rest();
    if (isOutOfSight(path) || isIgnored(path, tree.ignored)) continue;
    const now = isReal(dirname(`${files}/${path}`)) ? look(`${files}/${path}`) : undefined;
    const change = compare(path, { tree, was: copied.get(path), now });
    if (change) changes.push(change);
  }
  if (!existsSync(files)) throw new CrucibleError("internal", "a throw-away copy is gone", { hint: "try again" });
  return changes;
}

function isOutOfSight(path: string): boolean {
  const segments = path.split("/");
  return (
    controlPlace(path) !== undefined ||
    segments.some((segment) => segment.toLowerCase() === ".git") ||
    isTemporary(segments.at(-1) ?? "") ||
    // Its text is masked where commands run; a difference would show it.
    isSecretPath(path)
  );
}

function isIgnored(path: string, ignored: CopiedTree["ignored"]): boolean {
  for (let at = path; at !== "."; at = dirname(at)) if (ignored.has(at)) return true;
  return false;
}

function look(path: string): BigIntStats | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat && (stat.isFile() || stat.isSymbolicLink()) ? stat : undefined;
}

/** A command may have put a link in place of a folder: what lies behind it is not the copy's. */
export function realFolders(root: string): (folder: string) => boolean {
  const known = new Map<string, boolean>([[root, true]]);
  const isReal = (folder: string): boolean => {
    const before = known.get(folder);
    if (before !== undefined) return before;
    const stat = isReal(dirname(folder)) ? lstatSync(folder, { throwIfNoEntry: false }) : undefined;
    const real = stat?.isDirectory() === true;
    known.set(folder, real);
    return real;
  };
  return isReal;
}

function compare(
  path: string,
  { tree, was, now }: { tree: CopiedTree; was: Copied | undefined; now: BigIntStats | undefined },
): Change | undefined {
  if (was?.kind === "file" && now?.isFile() && stampOf(now) === was.stamp && was.changed < tree.made - RACY_MS)
    return undefined;
  const after = now ? sideOf(`${tree.files}/${path}`, now) : undefined;
  if (!was) return after && { path, after };
  const before = originalSide(was);
  if (!after) return { path, before };
  return sameSide(before, after) ? undefined : { path, before, after };
}

function originalSide(was: Copied): Side {
  if (was.kind === "link") return { mode: "120000", bytes: Buffer.from(was.leads) };
  const { file, stat } = was.original;
  return { mode: modeOf(stat), ...(stat.size > MAX_FILE_BYTES ? {} : { bytes: readFileSync(file) }) };
}

/** Undefined when it cannot be read: a command may take the right away. */
function sideOf(path: string, stat: BigIntStats): Side | undefined {
  try {
    if (stat.isSymbolicLink()) return { mode: "120000", bytes: Buffer.from(readlinkSync(path)) };
    return { mode: modeOf(stat), ...(stat.size > MAX_FILE_BYTES ? {} : { bytes: readVerified(path).bytes }) };
  } catch {
    return undefined;
  }
}

function modeOf(stat: BigIntStats): Side["mode"] {
  return (stat.mode & 0o100n) === 0n ? "100644" : "100755";
}

/** Two large files count as different: their times or sizes are. */
export function sameSide(a: Side, b: Side): boolean {
  return a.mode === b.mode && a.bytes !== undefined && b.bytes !== undefined && Buffer.compare(a.bytes, b.bytes) === 0;
}

function filesBelow(folder: string): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** The paths of `changes` at which `workspace` is no longer what the copy began with. */
export function movedOn(workspace: string, changes: readonly Change[]): readonly string[] {
  const isReal = realFolders(workspace);
  const leaving = new Set(changes.flatMap(({ path, after }) => (after ? [] : [`${workspace}/${path}`])));
  return changes
    .filter(({ path, before }) => {
      const place = `${workspace}/${path}`;
      const stat = isReal(dirname(place)) ? lstatSync(place, { bigint: true, throwIfNoEntry: false }) : undefined;
      // A file that comes in place of a folder: all that is in it must go.
      if (!before && stat?.isDirectory()) return !filesBelow(place).every((file) => leaving.has(file));
      if (!before || !stat) return Boolean(before) !== Boolean(stat);
      const now = stat.isFile() || stat.isSymbolicLink() ? sideOf(place, stat) : undefined;
      return now === undefined || !sameSide(before, now);
    })
    .map(({ path }) => path);
}
