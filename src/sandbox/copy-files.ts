/** Copies single files, folders and links so that what is copied is what was looked at, with modes, times and owners. */
import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

const BUFFER_BYTES = 256 * 1024;
const LINUX = process.platform === "linux";
const ROOT = process.geteuid?.() === 0;
/** File times move in steps of some milliseconds: a file changed this lately is copied again next time. */
const RACY_NS = 50_000_000n;

/** Tells one state of a file from all others. */
export const stampOf = (stat: BigIntStats): string =>
  [stat.dev, stat.ino, stat.size, stat.mode, stat.mtimeNs, stat.ctimeNs].join();

/** The state of what was read, and of what was written. */
export interface CopiedFile {
  readonly from: BigIntStats;
  readonly to: BigIntStats;
}

export type CopyFile = (source: string, target: string) => CopiedFile | undefined;

/**
 * Copies plain files, sharing blocks where the file system can (one that cannot is asked once: asking costs more than
 * copying); gives undefined where the source is no plain file any more.
 */
export function createCopier(): CopyFile {
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  let clones = true;
  const cloned = (from: string, target: string) => {
    if (!clones) return false;
    try {
      copyFileSync(from, target, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    } catch {
      clones = false;
      rmSync(target, { force: true });
    }
    return clones;
  };
  return (source, target) => {
    const fd = openPlain(source);
    if (fd === undefined) return undefined;
    try {
      const from = fstatSync(fd, { bigint: true });
      // A folder on the way may have become a link since it was looked at.
      if (!from.isFile() || (LINUX && readlinkSync(`/proc/self/fd/${fd}`) !== source)) return undefined;
      const whole = cloned(LINUX ? `/proc/self/fd/${fd}` : source, target);
      const out = openSync(target, whole ? "r" : "wx", Number(from.mode & 0o777n));
      try {
        if (!whole) for (let n = readSync(fd, buffer); n > 0; n = readSync(fd, buffer)) writeSync(out, buffer, 0, n);
        return { from, to: dress(out, from) };
      } finally {
        closeSync(out);
      }
    } finally {
      closeSync(fd);
    }
  };
}

function openPlain(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

/** Mode, times and owner of `stat`. */
function dress(fd: number, stat: BigIntStats): BigIntStats {
  const now = fstatSync(fd, { bigint: true });
  if (ROOT && (now.uid !== stat.uid || now.gid !== stat.gid)) fchownSync(fd, Number(stat.uid), Number(stat.gid));
  if ((now.mode & 0o777n) !== (stat.mode & 0o777n)) fchmodSync(fd, Number(stat.mode & 0o777n));
  futimesSync(fd, Number(stat.atimeNs) / 1e9, Number(stat.mtimeNs) / 1e9);
  return fstatSync(fd, { bigint: true });
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
export function createOriginals(folder: string, copyFile: CopyFile): (source: string) => Original | undefined {
  const known = new Map<string, Original & { readonly stamp: string }>();
  let count = 0;
  return (source) => {
    const before = known.get(source);
    const now = before && lstatSync(source, { bigint: true, throwIfNoEntry: false });
    if (before && now && stampOf(now) === before.stamp) return before;
    const file = join(folder, String(count++));
    const stat = copyFile(source, file)?.from;
    if (!stat) return undefined;
    const made = { file, stat, stamp: stampOf(stat) };
    if (BigInt(Date.now()) * 1_000_000n - stat.ctimeNs > RACY_NS) known.set(source, made);
    return made;
  };
}
