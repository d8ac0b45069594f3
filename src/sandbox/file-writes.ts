/** File hands: atomic replacement with a pre-image, never through a link, never half written. */
import { constants, fchmodSync, fchownSync, mkdirSync, renameSync, type Stats, statSync, unlinkSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { CrucibleError } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";
import type { Grant } from "../core/grant.ts";
import type { FileChange, FileWriteHands } from "../core/ports/hands.ts";
import type { PathFact } from "../core/ports/sandbox.ts";
import { checkWritable } from "./access.ts";
import type { Owner, SandboxContext } from "./options.ts";
import type { Seen } from "./seen.ts";
import { temporaryName } from "./temporary.ts";
import { type OpenFile, openFault, openVerified, readVerified } from "./verified-open.ts";

/** Writing powers of one grant. */
export function fileWriteHands(context: SandboxContext, grant: Grant, seen: Seen): FileWriteHands {
  return { write: (path, bytes, expected) => write({ context, grant, seen }, path, { bytes, expected }) };
}

interface Powers {
  readonly context: SandboxContext;
  readonly grant: Grant;
  readonly seen: Seen;
}

interface Content {
  readonly bytes: Uint8Array;
  readonly expected: string | null;
}

/** Order: check, pre-image durable, temporary file durable, look again, rename, folder durable, event. */
async function write(powers: Powers, path: string, content: Content): Promise<FileChange> {
  const { context, grant, seen } = powers;
  const fact = context.paths.look(path);
  checkWritable(context, grant, fact);
  const host = context.paths.host(fact.resolved);
  const old = current(fact, host, content.expected);
  const before = old ? ((await context.blobs.putAll([old.bytes, content.bytes]))[0] ?? null) : null;
  if (!old) await context.blobs.put(content.bytes);
  try {
    const made: string[] = [];
    using folder = openParent(dirname(host), context.owner, made);
    const after = sha256(content.bytes);
    const keep = { old: old?.stat, owner: context.owner };
    const mode = await replace({ folder, name: basename(host), host }, content.bytes, {
      ...keep,
      ready: (mode) =>
        keepUndo(powers, { path: fact.resolved, old, made }, { bytes: content.bytes, hash: after, mode }),
    });
    seen.mark(fact.resolved, after);
    seen.keep(after, content.bytes);
    const clock = context.editClock.tick();
    context.emit({ kind: "file-changed", callId: grant.callId, path: fact.resolved, before, after, mode, clock });
    return { path: fact.resolved, before, after };
  } catch (error) {
    throw openFault(host, error);
  }
}

/** Undo material of one file, on disk before the file changes. */
function keepUndo(
  { context, grant }: Powers,
  was: { path: string; old: { bytes: Buffer; stat: Stats } | undefined; made: readonly string[] },
  now: { bytes: Uint8Array; hash: string; mode: number },
): void {
  const { path, old, made } = was;
  const side = (bytes: Uint8Array, hash: string, mode: number) => ({
    entry: `f ${(mode & 0o7777).toString(8)} ${hash}`,
    ...{ hash, bytes },
  });
  context.recorder?.writing({
    callId: grant.callId,
    path,
    before: old ? side(old.bytes, sha256(old.bytes), old.stat.mode) : null,
    after: side(now.bytes, now.hash, now.mode),
    folders: new Map(made.map((folder) => [folder, `d ${(statSync(folder).mode & 0o7777).toString(8)}`])),
  });
}

/** The file as it is now, or undefined when it is missing as expected. */
function current(fact: PathFact, host: string, expected: string | null): { bytes: Buffer; stat: Stats } | undefined {
  if (!fact.exists) {
    if (expected !== null)
      throw new CrucibleError("file-changed", `${fact.absolute} no longer exists`, { hint: "read it again" });
    return undefined;
  }
  if (fact.kind === "directory") throw new CrucibleError("bad-input", `${fact.absolute} is a directory`);
  if (fact.kind === "other") throw new CrucibleError("bad-input", `${fact.absolute} is not a plain file`);
  if (fact.links > 1) {
    throw new CrucibleError(
      "bad-input",
      `${fact.absolute} has ${fact.links} hard links; replacing it would cut them apart`,
      {
        hint: "copy it to a file of its own first",
      },
    );
  }
  if (expected === null)
    throw new CrucibleError("file-changed", `${fact.absolute} already exists`, { hint: "read it first" });
  const file = readVerified(host);
  if (sha256(file.bytes) !== expected) throw changed(fact.absolute);
  return file;
}

function changed(path: string): CrucibleError {
  return new CrucibleError("file-changed", `${path} changed since it was read`, { hint: "read it again" });
}

/** Puts `bytes` in place of `path` as a whole; throws `file-changed` when what is there is not `old` any more. */
export async function putFile(path: string, bytes: Uint8Array, keep: Keep): Promise<void> {
  using folder = openParent(dirname(path), keep.owner);
  await replace({ folder, name: basename(path), host: path }, bytes, keep);
}

/** Opens the parent folder; missing folders are made one by one inside verified ones. */
export function openParent(path: string, owner: Owner | undefined, made: string[] = []): OpenFile {
  const missing: string[] = [];
  let base = path;
  while (!statSync(base, { throwIfNoEntry: false })) {
    missing.unshift(basename(base));
    base = dirname(base);
  }
  let folder = openVerified(base, "directory");
  for (const name of missing) {
    using parent = folder;
    mkdirSync(below(parent, name));
    folder = openVerified(`${parent.path}/${name}`, "directory");
    made.push(folder.path);
    if (owner) fchownSync(folder.fd, owner.uid, owner.gid);
  }
  return folder;
}

/** A name inside an open folder: renames of its ancestors cannot lead elsewhere (Linux). */
export function below(folder: OpenFile, name: string): string {
  return process.platform === "linux" ? `/proc/self/fd/${folder.fd}/${name}` : `${folder.path}/${name}`;
}

interface Keep {
  readonly old: Stats | undefined;
  readonly owner: Owner | undefined;
  /** Instead of the mode of `old`. */
  readonly mode?: number;
}

interface Place {
  readonly folder: OpenFile;
  readonly name: string;
  readonly host: string;
}

async function replace(
  place: Place,
  bytes: Uint8Array,
  keep: Keep & { readonly ready?: (mode: number) => void },
): Promise<number> {
  const { folder, name, host } = place;
  const { old } = keep;
  const temporary = below(folder, temporaryName(name));
  // fsync needs no O_SYNC; the folder is synced after the rename.
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(temporary, flags, 0o666);
  try {
    const mode = await fill(file, bytes, keep);
    await file.close();
    const now = statSync(below(folder, name), { throwIfNoEntry: false });
    if (!sameFile(old, now)) throw changed(host);
    keep.ready?.(mode);
    renameSync(temporary, below(folder, name));
    await syncFolder(folder);
    return mode;
  } catch (error) {
    await file.close().catch(() => undefined);
    discard(temporary);
    throw error;
  }
}

async function fill(file: FileHandle, bytes: Uint8Array, keep: Keep): Promise<number> {
  const owner = keep.owner && keep.old ? { uid: keep.old.uid, gid: keep.old.gid } : keep.owner;
  if (owner) fchownSync(file.fd, owner.uid, owner.gid);
  const mode = keep.mode ?? (keep.old && keep.old.mode & 0o777);
  if (mode !== undefined) fchmodSync(file.fd, mode);
  await file.writeFile(bytes);
  await file.sync();
  return (await file.stat()).mode & 0o777;
}

async function syncFolder(folder: OpenFile): Promise<void> {
  const handle = await open(below(folder, "."), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function sameFile(a: Stats | undefined, b: Stats | undefined): boolean {
  if (!a || !b) return !a && !b;
  return a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;
}

function discard(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Already gone: nothing of ours is left.
  }
}
