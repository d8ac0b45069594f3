/** Throw-away copies of a workspace as it is now: what commands do in one never reaches the workspace. */
import { chownSync, existsSync, lstatSync, mkdirSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shortId } from "../base/id.ts";
import { unwritable } from "../base/unwritable.ts";
import { keepFiles } from "./copy-backup.ts";
import { type Change, type Copied, changesOf, movedOn } from "./copy-changes.ts";
import {
  type CopyFile,
  copyFolder,
  copyLink,
  createCopier,
  createOriginals,
  type Original,
  stampOf,
} from "./copy-files.ts";
import { type CopyPlan, planCopy } from "./copy-plan.ts";
import { discard, ownerMark } from "./copy-sweep.ts";
import type { SandboxOptions } from "./options.ts";
import { contains } from "./paths.ts";
import { pacer } from "./snapshot.ts";

export interface MadeCopy {
  /** What a sandbox is told to work on it. */
  readonly place: NonNullable<SandboxOptions["copy"]>;
  /** Against the copy as it was made, sorted by path. */
  changes(signal: AbortSignal): Promise<readonly Change[]>;
  /** Keeps files (paths as commands see them) as they are now, as far as they are the copy's own; gives what puts them back. */
  keep(paths: readonly string[]): () => Promise<void>;
  remove(): Promise<void>;
}

export interface Copies {
  make(signal: AbortSignal): Promise<MadeCopy>;
  /** Paths at which the workspace is not what copies with these changes began with. */
  movedOn(changes: readonly Change[]): readonly string[];
  /** Removes every copy that is left. */
  close(): Promise<void>;
}

export interface CopiesOptions {
  /** Links resolved. */
  readonly workspace: string;
  readonly addDirs: readonly string[];
  readonly stateDir: string;
  readonly session: string;
}

/** Copies live below `<state>/sandbox/copies/<session>/<process>-<id>` until they are removed, at the latest on close. */
export function openCopies(options: CopiesOptions): Copies {
  const { workspace, addDirs, stateDir, session } = options;
  const copyFile = createCopier();
  let home: { readonly folder: string; readonly originals: ReturnType<typeof createOriginals> } | undefined;
  const open = () => {
    if (home) return home;
    const folder = makeFolder(join(stateDir, "sandbox", "copies", session, `${ownerMark()}-${shortId("c")}`));
    mkdirSync(join(folder, "originals"), { mode: 0o700 });
    home = { folder, originals: createOriginals(join(folder, "originals"), copyFile) };
    return home;
  };
  const make = async (signal: AbortSignal): Promise<MadeCopy> => {
    const { folder: all, originals } = open();
    const folder = makeFolder(join(all, shortId("copy")));
    const files = join(folder, "files");
    try {
      const plan = await planCopy(workspace, realpathSync.native(stateDir), signal);
      copyFolder(workspace, files);
      const copied = await copyEntries({ plan, workspace, files, originals, copyFile }, signal);
      const made = Date.now();
      standIns(plan, workspace, files);
      const exclude = join(workspace, ".git", "info", "exclude");
      const ignored = new Set(plan.ignored);
      const tree = { files, copied, made, ignored, exclude: existsSync(exclude) ? exclude : undefined };
      const below = plan.shared.map(({ path }) => join(workspace, path));
      const own = (path: string) =>
        contains(workspace, path) && !below.some((each) => contains(each, path))
          ? [files + path.slice(workspace.length)]
          : [];
      return {
        place: { folder, files, shared: [...below, ...addDirs.map((path) => realpathSync.native(path))] },
        changes: (each) => changesOf(tree, each),
        keep: (paths) => keepFiles(files, paths.flatMap(own)),
        // Out of the way at once: half of a copy must never be taken for one in which files were deleted.
        remove: async () => {
          const away = `${folder}.gone`;
          if (existsSync(folder)) renameSync(folder, away);
          await discard(away);
        },
      };
    } catch (error) {
      await discard(folder);
      throw error;
    }
  };
  return {
    make,
    movedOn: (changes) => movedOn(workspace, changes),
    close: async () => {
      const left = home;
      home = undefined;
      if (left) await discard(left.folder);
    },
  };
}

function makeFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return realpathSync.native(path);
  } catch (error) {
    throw unwritable(path, error);
  }
}

interface Copying {
  readonly plan: CopyPlan;
  readonly workspace: string;
  readonly files: string;
  readonly originals: (source: string) => Original | undefined;
  readonly copyFile: CopyFile;
}

/** Gives what can be in a difference. Files that go or cannot be read meanwhile are left out. */
async function copyEntries(
  { plan, workspace, files, originals, copyFile }: Copying,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Copied>> {
  const copied = new Map<string, Copied>();
  const pace = pacer(signal);
  for (const { path, kind, kept } of plan.entries) {
    if (pace.due()) await pace.rest();
    const [source, target] = [`${workspace}/${path}`, `${files}/${path}`];
    if (kind === "folder") copyFolder(source, target);
    else if (kind === "link") {
      const leads = copyLink(source, target);
      if (kept && leads !== undefined) copied.set(path, { kind: "link", leads });
    } else if (!kept) copyFile(source, target);
    else {
      const original = originals(source);
      const made = original && copyFile(original.file, target);
      if (made) copied.set(path, { kind: "file", original, stamp: stampOf(made.to), changed: Number(made.to.ctimeMs) });
    }
  }
  return copied;
}

/** Something must lie where a shared file or folder will be shown. */
function standIns({ shared }: CopyPlan, workspace: string, files: string): void {
  for (const { path, folder } of shared) {
    const place = `${files}/${path}`;
    if (folder) mkdirSync(place, { mode: 0o700 });
    else writeFileSync(place, "", { mode: 0o600 });
    if (process.geteuid?.() !== 0) continue;
    const { uid, gid } = lstatSync(workspace);
    chownSync(place, uid, gid);
  }
}
