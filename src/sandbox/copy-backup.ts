/** Keeps files of a copy as they are, to put them back when edits do not all fit or a check's own files must go. */
import { chmodSync, lstatSync, rmSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { realFolders } from "./copy-changes.ts";
import { putFile } from "./file-writes.ts";
import { MAX_FILE_BYTES, readVerified } from "./verified-open.ts";

/** `paths` lie in the folder `files`; gives what puts them back, also where a command put something else there. */
export function keepFiles(files: string, paths: readonly string[]): () => Promise<void> {
  const kept = [...new Set(paths)].filter((path) => path !== files && !isLarge(path)).map(keep);
  return async () => {
    const isReal = realFolders(files);
    for (const { path, bytes, mode, owner } of kept) {
      if (isReal(dirname(path)) && entryAt(path)) rmSync(path, { recursive: true, force: true });
      if (bytes === undefined) continue;
      await putFile(path, bytes, { old: undefined, owner });
      chmodSync(path, mode);
    }
  };
}

/** No tool can change such a file. */
function isLarge(path: string): boolean {
  return (entryAt(path)?.size ?? 0) > MAX_FILE_BYTES;
}

/** Undefined also where nothing can be: below a file, or with a name that is too long. */
function entryAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function keep(path: string) {
  const stat = entryAt(path);
  if (!stat?.isFile()) return { path, bytes: undefined, mode: 0, owner: undefined };
  const { uid, gid } = stat;
  const owner = process.geteuid?.() === 0 ? { uid, gid } : undefined;
  return { path, bytes: readVerified(path).bytes, mode: stat.mode & 0o7777, owner };
}
