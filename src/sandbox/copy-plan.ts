/** Decides what of a workspace a throw-away copy holds itself and what it shares with the workspace. */
import { type Ignored, ignoredFile, measure, share } from "./copy-share.ts";
import { contains } from "./paths.ts";
import { entriesOf, keptFiles, keptFolders, pacer } from "./snapshot.ts";
import { isTemporary } from "./temporary.ts";

/** Each shared folder is a mount, and each mount makes all others slower. */
const MAX_HISTORIES = 60;

export interface PlannedEntry {
  /** Relative to the workspace. */
  readonly path: string;
  readonly kind: "folder" | "file" | "link";
  /** No ignore file names it: it can be in a difference. */
  readonly kept: boolean;
}

/** Relative to the workspace. */
export interface SharedPlace {
  readonly path: string;
  readonly folder: boolean;
}

export interface CopyPlan {
  /** Folders stand before what is in them. */
  readonly entries: readonly PlannedEntry[];
  /** Histories, and of ignored files and trees what is not the copy's own. */
  readonly shared: readonly SharedPlace[];
  /** Files and trees that an ignore file names, relative to the workspace: nothing in them is in a difference. */
  readonly ignored: readonly string[];
}

/** `skip` is a folder that is left out wherever it lies. */
export async function planCopy(workspace: string, skip: string, signal: AbortSignal): Promise<CopyPlan> {
  const names = new Set(await keptFiles(workspace, signal));
  const folders = keptFolders(workspace, names);
  const entries: PlannedEntry[] = [];
  const histories: SharedPlace[] = [];
  const ignored: Ignored[] = [];
  const pace = pacer(signal);
  const place = (path: string, entry: Kinds) => {
    const below = path.slice(workspace.length + 1);
    if (entry.name === ".git" && !entry.isSymbolicLink()) {
      if (histories.length < MAX_HISTORIES) histories.push({ path: below, folder: entry.isDirectory() });
    } else if (entry.isDirectory()) {
      if (folders.has(path)) return queue.push(path);
      if (!contains(path, skip)) ignored.push(measure(workspace, below));
    } else if (entry.isSymbolicLink()) entries.push({ path: below, kind: "link", kept: true });
    else if (names.has(below)) entries.push({ path: below, kind: "file", kept: true });
    else if (entry.isFile() && !isTemporary(entry.name)) ignored.push(ignoredFile(workspace, below));
    return undefined;
  };
  const queue = [workspace];
  for (let at = 0; at < queue.length; at++) {
    const folder = queue[at] ?? workspace;
    if (pace.due()) await pace.rest();
    if (folder === skip) continue;
    if (folder !== workspace) entries.push({ path: folder.slice(workspace.length + 1), kind: "folder", kept: true });
    for (const entry of entriesOf(folder)) place(`${folder}/${entry.name}`, entry);
  }
  const sharing = await share({ workspace, pace }, ignored);
  return {
    entries: [...entries, ...sharing.entries],
    shared: [...histories, ...sharing.shared],
    ignored: ignored.map(({ path }) => path),
  };
}

type Kinds = ReturnType<typeof entriesOf>[number];
