/** Worktrees that sessions work in beside the person's own checkout. */
import type { SandboxMode } from "../verdict.ts";

/** What is known of one. */
export interface WorktreeRecord {
  readonly name: string;
  /** Its top folder, links resolved. */
  readonly path: string;
  /** The repository's own folder of git, common to all its checkouts. */
  readonly repository: string;
  /** The checkout that it was begun from. */
  readonly origin: string;
  readonly branch: string;
  /** The commit that it began at. */
  readonly base: string;
  /** The branch was made with it. */
  readonly ownBranch: boolean;
  /** `making` and `leaving`: a crash came between; nothing in it is anybody's work. */
  readonly state: "making" | "ready" | "leaving";
  /** When it was begun (milliseconds since the epoch). */
  readonly at: number;
}

/** What a session left in its worktree. */
export interface WorktreeLeft {
  /** False: nothing was changed, worktree and branch are gone. */
  readonly kept: boolean;
  readonly commits: number;
  /** Files that are changed, new or ignored, and not committed. */
  readonly files: number;
}

export interface EnteredWorktree extends WorktreeRecord {
  /** Where the session stands: the folder that the person stands in, inside the worktree. */
  readonly folder: string;
  /** It was there already. */
  readonly again: boolean;
  /** The checkout it was begun from has changes that are not committed, and so are not in it. */
  readonly dirty: boolean;
  /** Removes it when nothing was changed; gives it free for others. Throws `tool-failed`, `sandbox-unavailable`. */
  leave(signal: AbortSignal): Promise<WorktreeLeft>;
}

export interface WorktreesView {
  /**
   * Opens the worktree `name`, made anew off HEAD when there is none; without a name a new one. Throws `usage`,
   * `session-busy`, `tool-failed`, `sandbox-unavailable`, `storage`.
   */
  enter(
    wanted: { readonly name?: string; readonly sandbox: SandboxMode },
    signal: AbortSignal,
  ): Promise<EnteredWorktree>;
  /** Those of this repository, newest first; `live`: a session is in it. */
  list(): readonly (WorktreeRecord & { readonly live: boolean })[];
  /** Removes folder and branch; without `force` only what is merged. Throws `usage`, `session-busy`. */
  remove(name: string, options: { readonly force: boolean }, signal: AbortSignal): Promise<void>;
  /** The worktree that a session worked in, when it is another one than this folder. Throws `session-missing` when it is gone. */
  ofSession(wanted: string): Promise<string | undefined>;
}
