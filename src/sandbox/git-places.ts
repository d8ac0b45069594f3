/** What of a repository commands may not change, and the common folder of a worktree. */
import { chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Owner } from "./options.ts";

export interface GitPlaces {
  /** Folders of git that lie outside the root and must be shown. */
  readonly common: readonly string[];
  /** Bound on themselves so that they cannot be renamed away. */
  readonly pinned: readonly string[];
  readonly readOnly: readonly string[];
}

const PARTS = ["config", "config.worktree", "hooks", "info"];

export function gitPlaces(root: string, owner: Owner | undefined): GitPlaces {
  const dot = join(root, ".git");
  const stat = lstatSync(dot, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return { common: [], pinned: [dot], readOnly: protectedIn(dot, owner) };
  if (!stat?.isFile()) return { common: [], pinned: [], readOnly: [] };
  const common = commonDir(root, dot);
  if (common === undefined) return { common: [], pinned: [], readOnly: [dot] };
  return { common: [common], pinned: [], readOnly: [dot, ...protectedIn(common, owner)] };
}

/** Missing `hooks` and `info` are made (empty): what does not exist cannot be bound read-only. */
function protectedIn(git: string, owner: Owner | undefined): string[] {
  for (const name of ["hooks", "info"]) {
    if (lstatSync(join(git, name), { throwIfNoEntry: false })) continue;
    mkdirSync(join(git, name));
    if (owner) chownSync(join(git, name), owner.uid, owner.gid);
  }
  const folders = [git, ...["modules", "worktrees"].flatMap((name) => children(join(git, name)))];
  return folders.flatMap((folder) => PARTS.map((part) => join(folder, part))).filter((path) => isPlain(path));
}

function children(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name));
  } catch {
    return [];
  }
}

function isPlain(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && (stat.isFile() || stat.isDirectory());
}

/**
 * The common folder of a linked worktree (gitrepository-layout(5)). The `.git` file may say anything, so the
 * folder it names must point back to this very file.
 */
function commonDir(root: string, dot: string): string | undefined {
  try {
    const named = /^gitdir: (.+)$/m.exec(readFileSync(dot, "utf8"))?.[1]?.trim();
    if (named === undefined) return undefined;
    const own = realpathSync.native(resolve(root, named));
    const back = resolve(own, readFileSync(join(own, "gitdir"), "utf8").trim());
    if (realpathSync.native(back) !== realpathSync.native(dot)) return undefined;
    const common = realpathSync.native(resolve(own, readFileSync(join(own, "commondir"), "utf8").trim()));
    const whole = statSync(join(common, "objects")).isDirectory() && statSync(join(common, "HEAD")).isFile();
    return whole && dirname(dirname(own)) === common ? common : undefined;
  } catch {
    return undefined;
  }
}
