/** Finds what a command made of control places that could not be mounted read-only; it is moved away or put back. */
import { basename, dirname, join } from "node:path";
import { controlPlace } from "../base/control-places.ts";
import { type ControlState, controlState, type Entry, entryOf, type FolderState } from "./control-state.ts";
import { isHarmlessGit, isHarmlessHooks, isHarmlessWorktree, leadsBack, leadsInside } from "./git-harmless.ts";
import { includedFiles, inside, namedFolder } from "./git-places.ts";
import type { Mender } from "./mender.ts";
import type { Tree } from "./tree-scan.ts";

/** Compares with `before`; `shown` are paths that an approved question opened. */
export function sweep(before: ControlState, tree: Tree, mender: Mender, shown: ReadonlySet<string>): void {
  const { roots } = before;
  const now = controlState(roots, tree);
  const known = new Map(before.folders.map((folder) => [folder.id, folder]));
  const sweeping = { before, now, known, mender, roots, accepted: new Set<string>() };
  const places = Object.entries(now.places).filter(([path]) => !shown.has(path));
  for (const [path, entry] of places) {
    if (basename(path) !== ".git") judgeOurs(sweeping, path, entry);
    else if (entry.kind !== "file") judgeDotGit(sweeping, path, entry);
  }
  for (const folder of now.folders) judgeFolder(sweeping, folder);
  for (const [path, entry] of places) {
    if (basename(path) === ".git" && entry.kind === "file") judgeGitFile(sweeping, path, entry);
  }
  for (const [path, id] of Object.entries(before.included)) {
    const entry = entryOf(path);
    if (entry && entry.id !== id) mender.moveAway(path, "git takes it in as configuration");
  }
}

interface Sweeping {
  readonly before: ControlState;
  readonly now: ControlState;
  /** Git folders of before, by device and inode: renaming a parent takes them along. */
  readonly known: ReadonlyMap<string, FolderState>;
  readonly mender: Mender;
  readonly roots: readonly string[];
  /** Git folders that may stay. */
  readonly accepted: Set<string>;
}

function judgeOurs({ before, mender, roots }: Sweeping, path: string, entry: Entry): void {
  const old = before.places[path];
  // Mounted read-only and not to be renamed: only the user can have changed it.
  if (old && old.kind !== "link" && roots.includes(dirname(path))) return;
  if (entry.kind === "link" ? isSameLink(old, entry) : isKnown(before, path, entry)) return;
  replace(mender, path, old);
}

function isKnown(before: ControlState, path: string, entry: Entry): boolean {
  if (before.places[path]?.id === entry.id) return true;
  return Object.entries(before.places).some(([old, { id }]) => id === entry.id && basename(old) === basename(path));
}

function isSameLink(old: Entry | undefined, entry: Entry): boolean {
  return old?.kind === "link" && old.text === entry.text;
}

/** A folder or a link called `.git`. */
function judgeDotGit({ before, known, mender, roots }: Sweeping, path: string, entry: Entry): void {
  const old = before.places[path];
  if (entry.kind === "link" && isSameLink(old, entry)) return;
  if (entry.kind === "directory" && (known.get(entry.id)?.worktree === false || isHarmlessGit(path, roots))) return;
  replace(mender, path, old);
}

function judgeFolder(sweeping: Sweeping, folder: FolderState): void {
  const { known, mender, roots, accepted } = sweeping;
  const { path, worktree } = folder;
  // It may have gone with the folder that it lay in.
  if (entryOf(path)?.id !== folder.id) return;
  const same = known.get(folder.id);
  // The number of a removed folder is given again: what was a worktree's may now be another kind.
  const old = same?.worktree === worktree ? same : undefined;
  if (old) {
    for (const name of Object.keys({ ...old.entries, ...folder.entries })) compare(sweeping, folder, { old, name });
    judgeIncluded(sweeping, path);
    accepted.add(path);
  } else if (worktree ? isHarmlessWorktree(path, roots) : isHarmlessGit(path, roots, isPartOf(path)))
    accepted.add(path);
  else if (sweeping.now.places[path] || isPartOf(path)) mender.moveAway(path, "it can start programs");
  // Without its HEAD a folder is no repository; the rest may be the project's own files.
  else mender.moveAway(join(path, "HEAD"), "it makes its folder a repository that can start programs");
}

function isPartOf(path: string): boolean {
  return /\/(modules|worktrees)\//.test(path) && path.includes(".git/");
}

/** One entry of a git folder that was there before. */
function compare(
  { mender, roots }: Sweeping,
  folder: FolderState,
  { old, name }: { old: FolderState; name: string },
): void {
  const path = join(folder.path, name);
  const was = old.entries[name];
  const is = folder.entries[name];
  const link = folder.worktree && (name === "commondir" || name === "gitdir");
  if (name === "HEAD" || link) {
    const same = is?.kind === was?.kind && (!link || is?.text === was?.text);
    if (same || (name === "gitdir" && is?.kind === "file" && leadsBack(folder.path, roots))) return;
    if (was) mender.putBack(path, was);
    else if (link) mender.moveAway(path, "it leads git elsewhere");
    return;
  }
  if (name === "gitdir" || !is) return;
  if (was?.kind === "link" || is.kind === "link") {
    if (!was || !isSameLink(was, is)) replace(mender, path, was);
    return;
  }
  if (was) return;
  if (name === "hooks" && isHarmlessHooks(path)) return;
  if (name === "objects/info/alternates" && leadsInside(path, roots)) return;
  mender.moveAway(path, "it can lead git to other programs");
}

/** A known config is shut, but what it takes in may have been made just now. */
function judgeIncluded({ before, mender, roots }: Sweeping, git: string): void {
  for (const path of includedFiles(git)) {
    if (inside(roots, path) && !(path in before.included) && entryOf(path)) {
      mender.moveAway(path, "git takes it in as configuration");
    }
  }
}

/** Also one that is as it was may lead to what was made just now; the user's may lead out of the roots. */
function judgeGitFile({ before, accepted, mender, roots }: Sweeping, path: string, entry: Entry): void {
  const old = before.places[path];
  const same = old?.kind === "file" && old.text === entry.text;
  const named = namedFolder(path);
  if (named === undefined ? same : accepted.has(named) || (same && !inside(roots, named))) return;
  if (same) mender.moveAway(path, "it leads git to a folder that can start programs");
  else replace(mender, path, old);
}

function replace(mender: Mender, path: string, old: Entry | undefined): void {
  mender.moveAway(path, controlPlace(basename(path)) ?? "it can lead git to other programs");
  if (old?.text !== undefined) mender.putBack(path, old);
}
