/** Whether a repository that a command made could start a program when the user's own git looks at it. */
import { type Dirent, existsSync, lstatSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { gitFoldersIn, inside, namedFolder } from "./git-places.ts";
import { readShort } from "./short-file.ts";

/** Keys of a fresh repository's config that start nothing. */
const PLAIN_KEY =
  /^(repositoryformatversion|filemode|bare|logallrefupdates|ignorecase|precomposeunicode|symlinks|url|fetch|remote|merge|name|email|objectformat|defaultbranch|active)$/i;
const PLAIN_SECTION = /^\[(core|user|init|extensions|(remote|branch|submodule) "[^"]*")\]$/i;

/** What `git init`, `git clone` and `git worktree add` make, with all that lies in it. */
export function isHarmlessGit(git: string, roots: readonly string[], isModule = false): boolean {
  return gitFoldersIn(git).every(({ path, worktree }) =>
    worktree ? isHarmlessWorktree(path, roots) : isHarmlessFolder(path, roots, isModule || path !== git),
  );
}

function isHarmlessFolder(path: string, roots: readonly string[], isModule: boolean): boolean {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    const has = (name: string) => entries.some((entry) => entry.name === name);
    if (entries.some((entry) => entry.isSymbolicLink()) || has("commondir") || has("config.worktree")) return false;
    if (!hasOnlySamples(entries, path) || !leadsInside(join(path, "objects/info/alternates"), roots)) return false;
    if (!has("config")) return true;
    const config = join(path, "config");
    const plain = (line: string) => isPlainLine(line) || (isModule && isPlaced(line, path, roots));
    return lstatSync(config).isFile() && readShort(config).split("\n").every(plain);
  } catch {
    return false;
  }
}

function hasOnlySamples(entries: readonly Dirent[], path: string): boolean {
  const hooks = entries.find((entry) => entry.name === "hooks");
  return !hooks || (hooks.isDirectory() && isHarmlessHooks(join(path, "hooks")));
}

export function isHarmlessHooks(folder: string): boolean {
  const isFolder = lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder && readdirSync(folder).every((name) => name.endsWith(".sample"));
}

/** A linked worktree's folder takes config and hooks from the repository that it lies in. */
export function isHarmlessWorktree(path: string, roots: readonly string[]): boolean {
  try {
    const own = ["config", "config.worktree", "hooks"].some((name) => existsSync(join(path, name)));
    const common = realpathSync.native(resolve(path, readShort(join(path, "commondir")).trim()));
    return !own && common === realpathSync.native(dirname(dirname(path))) && leadsBack(path, roots);
  } catch {
    return false;
  }
}

/** A linked worktree's `gitdir` names a file in a root, or one that names the worktree's folder in turn. */
export function leadsBack(path: string, roots: readonly string[]): boolean {
  try {
    const named = resolve(path, readShort(join(path, "gitdir")).trim());
    return inside(roots, named) || namedFolder(named) === realpathSync.native(path);
  } catch {
    return false;
  }
}

/** Every store of objects that an alternates file names lies in a root. No such file is as good. */
export function leadsInside(alternates: string, roots: readonly string[]): boolean {
  const stat = lstatSync(alternates, { throwIfNoEntry: false });
  if (!stat) return true;
  const store = dirname(dirname(alternates));
  const lines = stat.isFile() ? readShort(alternates).split("\n").filter(Boolean) : ["/"];
  return lines.every(
    (line) => existsSync(resolve(store, line)) && inside(roots, realpathSync.native(resolve(store, line))),
  );
}

function isPlainLine(line: string): boolean {
  const text = line.trim();
  if (text === "" || PLAIN_SECTION.test(text)) return true;
  const key = /^([a-z]+) *= *[^\\]*$/i.exec(text)?.[1];
  return key !== undefined && PLAIN_KEY.test(key);
}

/** A submodule's config names its files' place. */
function isPlaced(line: string, git: string, roots: readonly string[]): boolean {
  const place = /^\s*worktree = ([^"\\;#]+)$/.exec(line)?.[1];
  return place !== undefined && inside(roots, resolve(git, place));
}
