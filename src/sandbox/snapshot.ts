/** Walking a workspace: which files no ignore file names, in which folders they lie, and in slices that let others work. */
import { execFile } from "node:child_process";
import { type Dirent, readdirSync } from "node:fs";

export const MAX_IGNORED_TREE = 50 * 1024 * 1024;
const SLICE_MS = 15;
export function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Folders that hold, at any depth, one of `names`: files below `root` that no ignore file names. */
export function keptFolders(root: string, names: Iterable<string>): ReadonlySet<string> {
  const kept = new Set([root]);
  for (const name of names) {
    const path = `${root}/${name}`;
    for (let at = path.lastIndexOf("/"); at > root.length; at = path.lastIndexOf("/", at - 1)) {
      const folder = path.slice(0, at);
      if (kept.has(folder)) break;
      kept.add(folder);
    }
  }
  return kept;
}

/** Files that neither an ignore file in `root` nor `extra` names, relative to `root`; none of `.git`. */
export async function keptFiles(root: string, signal: AbortSignal, extra?: string): Promise<readonly string[]> {
  const { rgPath } = await import("@vscode/ripgrep");
  const args = [
    "--no-config",
    "--files",
    "--hidden",
    "--no-require-git",
    "--no-ignore-dot",
    "--no-messages",
    "--null",
    "--glob=!.git",
    ...(extra === undefined ? [] : [`--ignore-file=${extra}`]),
    "--",
    ".",
  ];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile(rgPath, args, { cwd: root, env: {}, maxBuffer: 512 * 1024 * 1024, signal }, (error, stdout) => {
    // Exit code 1 means no files, 2 that some folder could not be read.
    if (error && typeof error.code !== "number") reject(error);
    else resolve(stdout);
  });
  return (await promise)
    .split("\0")
    .filter((name) => name !== "")
    .map((name) => (name.startsWith("./") ? name.slice(2) : name));
}

/** Lets other work in between slices of synchronous scanning; throws the signal's reason when it aborts. */
export function pacer(signal: AbortSignal): { due(): boolean; rest(): Promise<void> } {
  let since = performance.now();
  return {
    due: () => performance.now() - since > SLICE_MS,
    rest: async () => {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => setImmediate(resolve));
      since = performance.now();
    },
  };
}
