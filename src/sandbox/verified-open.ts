/** Opens a file or folder and proves that what was opened is what the path facts described. */
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, type Stats, statSync } from "node:fs";
import { CrucibleError, errnoOf } from "../base/error.ts";

/** Largest file the tools will hold in memory. */
export const MAX_FILE_BYTES = 20 * 1024 * 1024;

export interface OpenFile extends Disposable {
  readonly fd: number;
  readonly stat: Stats;
  /** The path the kernel names for the descriptor, where it can. */
  readonly path: string;
}

/**
 * Opens `path` (links already resolved) without following a last link and without waiting on a fifo,
 * then checks device, inode and the kernel's own name for it. Throws `file-missing`, `bad-input`
 * (not a plain file or folder), `outside-workspace` (the path changed meanwhile).
 */
export function openVerified(path: string, kind: "file" | "directory"): OpenFile {
  const flags =
    constants.O_RDONLY |
    constants.O_NOFOLLOW |
    constants.O_NONBLOCK |
    (kind === "directory" ? constants.O_DIRECTORY : 0);
  const fd = open(path, flags);
  try {
    const stat = fstatSync(fd);
    const opened = nameOf(fd, path);
    const named = statSync(path, { throwIfNoEntry: false });
    if (opened !== path || !named || named.ino !== stat.ino || named.dev !== stat.dev) {
      throw new CrucibleError("outside-workspace", `${path} changed while it was opened`, {
        hint: "try again",
        retryable: true,
      });
    }
    if (kind === "file") checkPlain(path, stat);
    return { fd, stat, path: opened, [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Files of `/proc` tell no size: so much of one is held. */
const MAX_SIZELESS = 1024 * 1024;

/** Reads a verified plain file whole. Throws `bad-input` above 20 MiB. */
export function readVerified(path: string): { readonly bytes: Buffer; readonly stat: Stats } {
  using file = openVerified(path, "file");
  const size = file.stat.size === 0 && path.startsWith("/proc/") ? MAX_SIZELESS : file.stat.size;
  const bytes = Buffer.allocUnsafe(size + 1);
  let length = 0;
  for (;;) {
    const read = readSync(file.fd, bytes, length, bytes.length - length, null);
    length += read;
    if (read === 0 || length === bytes.length) break;
  }
  if (length > size) throw new CrucibleError("file-changed", `${path} grew while it was read`, { retryable: true });
  return { bytes: bytes.subarray(0, length), stat: file.stat };
}

function checkPlain(path: string, stat: Stats): void {
  if (stat.isDirectory()) throw new CrucibleError("bad-input", `${path} is a directory`);
  if (!stat.isFile())
    throw new CrucibleError("bad-input", `${path} is not a plain file`, {
      hint: "devices, pipes and sockets are never opened",
    });
  if (stat.size > MAX_FILE_BYTES) {
    throw new CrucibleError("bad-input", `${path} is larger than 20 MiB`, {
      hint: "look at a part of it with grep or the shell",
    });
  }
}

function open(path: string, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw openFault(path, error);
  }
}

/** The fault for a failed system call on `path`. */
export function openFault(path: string, error: unknown): CrucibleError {
  if (CrucibleError.isInstance(error)) return error;
  const code = errnoOf(error);
  const options = { cause: error };
  if (code === "ENOENT") return new CrucibleError("file-missing", `${path} does not exist`, options);
  if (code === "ENOTDIR")
    return new CrucibleError("bad-input", `${path}: a part of the path is not a directory`, options);
  if (code === "ELOOP")
    return new CrucibleError("outside-workspace", `${path} changed into a link while it was opened`, options);
  if (code === "EACCES" || code === "EPERM")
    return new CrucibleError("bad-input", `${path}: permission denied`, options);
  if (code === "ENXIO") return new CrucibleError("bad-input", `${path} is not a plain file`, options);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new CrucibleError("storage", `${path}: no space left on the disk`, {
      ...options,
      hint: "free some space; the file is unchanged",
    });
  }
  if (code === "EROFS") return new CrucibleError("storage", `${path}: the file system is read-only`, options);
  return new CrucibleError(
    "tool-failed",
    `${path}: ${error instanceof Error ? error.message : String(error)}`,
    options,
  );
}

/** The kernel's name for a descriptor; elsewhere than Linux the path itself. */
function nameOf(fd: number, path: string): string {
  if (process.platform !== "linux") return path;
  return readlinkSync(`/proc/self/fd/${fd}`);
}
