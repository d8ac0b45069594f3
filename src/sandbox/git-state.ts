/** Where a repository stands, read from git's own files without starting git. */
import { lstatSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { contains } from "./paths.ts";

export interface GitState {
  /** Name of the branch; absent when HEAD is detached. */
  readonly branch?: string;
  /** Full hash; absent before the first commit. */
  readonly commit?: string;
}

/** Undefined when `workspace` is not the top folder of a repository (gitrepository-layout(5)). */
export function gitState(workspace: string): GitState | undefined {
  const folder = gitFolder(workspace);
  const head = folder === undefined ? undefined : read(join(folder, "HEAD"));
  if (folder === undefined || head === undefined) return undefined;
  const ref = /^ref: (refs\/[^\s]+)$/.exec(head)?.[1];
  if (ref === undefined || ref.includes("..")) return isHash(head) ? { commit: head } : undefined;
  const commit = commitOf(folder, ref);
  const branch = ref.replace(/^refs\/heads\//, "");
  return commit === undefined ? { branch } : { branch, commit };
}

/**
 * The top folder of the repository that `folder` lies in, else `folder` itself. A repository that holds the home
 * folder (dotfiles under git) does not count: it would make the whole home a workspace. Nor does a `.git` that
 * somebody else put above.
 */
export function repositoryRoot(folder: string, home: string): string {
  const owner = lstatSync(folder).uid;
  for (let at = folder; ; at = dirname(at)) {
    if (contains(at, home) && at !== folder) return folder;
    const git = lstatSync(join(at, ".git"), { throwIfNoEntry: false });
    if (git) return git.uid === owner ? at : folder;
    if (at === dirname(at)) return folder;
  }
}

function gitFolder(workspace: string): string | undefined {
  const dot = join(workspace, ".git");
  const stat = lstatSync(dot, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return dot;
  const named = stat?.isFile() ? /^gitdir: (.+)$/m.exec(read(dot) ?? "")?.[1] : undefined;
  return named === undefined ? undefined : resolve(workspace, named.trim());
}

function commitOf(folder: string, ref: string): string | undefined {
  const common = read(join(folder, "commondir"));
  const shared = common === undefined ? folder : resolve(folder, common);
  const loose = read(join(folder, ref)) ?? read(join(shared, ref));
  if (loose !== undefined && isHash(loose)) return loose;
  const packed = read(join(shared, "packed-refs"))
    ?.split("\n")
    .find((line) => line.endsWith(` ${ref}`));
  const hash = packed?.split(" ")[0] ?? "";
  return isHash(hash) ? hash : undefined;
}

function isHash(text: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
