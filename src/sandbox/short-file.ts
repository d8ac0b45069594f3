/** Reads a short plain file that somebody else may have turned into a link, a pipe or something endless. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";

/** Room for the longest `packed-refs`; all else is far shorter. */
const MAX_BYTES = 32 * 1024 * 1024;

/** Throws when `path` is not a plain file of at most 32 MiB. A last link is not followed, a pipe not waited for. */
export function readShort(path: string, encoding: "utf8" | "latin1" = "utf8"): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > MAX_BYTES) throw new Error(`${path} is not a short plain file`);
    return readFileSync(fd, encoding);
  } finally {
    closeSync(fd);
  }
}
