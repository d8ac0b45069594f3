/** Copies single files, folders and links so that what is copied is what was looked at, with modes, times and owners. */
import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";

const LINUX = process.platform === "linux";
const ROOT = process.geteuid?.() === 0;
/** File times move in steps of some milliseconds: a file changed this lately is copied again next time. */
const RACY_NS = 50_000_000n;

/** Tells one state of a file from all others. */
export const stampOf = (stat: BigIntStats): string =>
  [stat.dev, stat.ino, stat.size, stat.mode, stat.mtimeNs, stat.ctimeNs].join();

/** Copies the plain file at `source`, sharing blocks where the file system can; undefined when it is none any more. */
export function copyFile(source: string, target: string): BigIntStats | undefined {
  let fd: number;
  try {
    fd = openSync(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const stat = fstatSync(fd, { bigint: true });
    // A folder on the way may have become a link since it was looked at.
    if (!stat.isFile() || (LINUX && readlinkSync(`/proc/self/fd/${fd}`) !== source)) return undefined;
    copyFileSync(LINUX ? `/proc/self/fd/${fd}` : source, target, constants.COPYFILE_FICLONE);
    dress(target, stat);
    return stat;
  } finally {
    closeSync(fd);
  }
}

function dress(target: string, stat: BigIntStats): void {
  if (ROOT) chownSync(target, Number(stat.uid), Number(stat.gid));
  utimesSync(target, Number(stat.atimeNs) / 1e9, Number(stat.mtimeNs) / 1e9);
}

/** A folder with the mode and owner of `source`; its owner can always use it. */
export function copyFolder(source: string, target: string): void {
  const stat = lstatSync(source, { throwIfNoEntry: false });
  mkdirSync(target);
  if (!stat) return;
  chmodSync(target, (stat.mode & 0o777) | 0o700);
  if (ROOT) chownSync(target, stat.uid, stat.gid);
}

/** The target of the link, or undefined when it is none any more. */
export function copyLink(source: string, target: string): string | undefined {
  try {
    const leads = readlinkSync(source);
    symlinkSync(leads, target);
    if (ROOT) {
      const { uid, gid } = lstatSync(source);
      lchownSync(target, uid, gid);
    }
    return leads;
  } catch {
    return undefined;
  }
}

export interface Original {
  readonly file: string;
  readonly stat: BigIntStats;
}

/** What files were when they were copied, each version once for all copies of a session. */
export function createOriginals(folder: string): (source: string) => Original | undefined {
  const known = new Map<string, Original & { readonly stamp: string }>();
  let count = 0;
  return (source) => {
    const before = known.get(source);
    const now = before && lstatSync(source, { bigint: true, throwIfNoEntry: false });
    if (before && now && stampOf(now) === before.stamp) return before;
    const file = join(folder, String(count++));
    const stat = copyFile(source, file);
    if (!stat) return undefined;
    const made = { file, stat, stamp: stampOf(stat) };
    if (BigInt(Date.now()) * 1_000_000n - stat.ctimeNs > RACY_NS) known.set(source, made);
    return made;
  };
}

/** A second copy of an original, as new as the first. */
export function copyOriginal({ file, stat }: Original, target: string): void {
  copyFileSync(file, target, constants.COPYFILE_FICLONE);
  dress(target, stat);
}
