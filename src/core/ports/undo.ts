/** Ports of undo: what a person may ask of it, what the sandbox tells it, and what is kept. */

/** One turn that can be gone back to: the state before it. */
export interface Checkpoint {
  readonly turn: number;
  /** First line of the prompt. */
  readonly title: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Files and folders that the turn changed, as far as they are known by now. */
  readonly files: number;
  /** Lines added and removed by the file tools; commands are not counted. */
  readonly added: number;
  readonly removed: number;
  /** Taken back by an undo, and not done again since. */
  readonly undone: boolean;
}

export interface UndoOptions {
  /** How many turns, counted from the last one; default 1. */
  readonly turns?: number;
  /** Back to the state before this turn, instead of `turns`. */
  readonly to?: number;
  /** Does the last undo again the other way round; the other numbers mean nothing then. */
  readonly redo?: boolean;
  /** Leave files that somebody else changed since, and undo all others. */
  readonly keepMine?: boolean;
  /** Also what changed while a background command ran or after the work was cut off: nobody knows by whom. */
  readonly doubtful?: boolean;
  /** Say what would be done and do nothing. */
  readonly dryRun?: boolean;
}

export interface UndoFile {
  /** Absolute. */
  readonly path: string;
  readonly change: "made" | "removed" | "restored" | "mode";
}

export interface UndoConflict {
  readonly path: string;
  /** `changed`: by somebody else since; `doubtful`: perhaps; `blocked`: something lies in the way. */
  readonly why: "changed" | "doubtful" | "blocked";
}

export interface UndoReport {
  /** False for a dry run, and where conflicts were found and `keepMine` was not asked for: then nothing was changed. */
  readonly done: boolean;
  readonly redo: boolean;
  readonly session: string;
  readonly turns: readonly number[];
  readonly files: readonly UndoFile[];
  readonly conflicts: readonly UndoConflict[];
  /** What undo never covers here: large files, large ignored trees. */
  readonly uncovered: readonly string[];
}

/** Undo of sessions of this workspace, without any model. */
export interface UndoView {
  /** Of one session (id, start of it or name), or of the newest. Throws `session-missing`. */
  list(session?: string): Promise<{ readonly session: string; readonly checkpoints: readonly Checkpoint[] }>;
  /** Throws `session-missing`, `session-busy`, `usage`, `storage`, `audit`. */
  undo(options: UndoOptions, session?: string): Promise<UndoReport>;
  /** Ends what a killed undo left; one line about each. */
  finish(): Promise<readonly string[]>;
}

/** What stands at a path: `f <octal mode> <sha256>`, `l <target>`, `d <octal mode>`; null: nothing. */
export type SavedEntry = string | null;

export interface SavedChange {
  /** Absolute. */
  readonly path: string;
  readonly before: SavedEntry;
  readonly after: SavedEntry;
  /** Nobody knows who did it. */
  readonly doubtful?: boolean;
}

/** One call that may change files, as the gate sees it. */
export interface EffectCall {
  readonly callId: string;
  readonly turn: number;
}

/** Watches a workspace while calls change it. */
export interface Checkpoints {
  /** Before a command: remembers every file. The undo material is on disk when it resolves. Throws `storage`. */
  before(
    call: EffectCall,
    signal: AbortSignal,
  ): Promise<{ readonly files: number; readonly dropped: readonly string[] }>;
  /** A file tool begins: what it writes belongs to this turn. */
  writes(call: EffectCall): Promise<void>;
  /** A call ended: what it changed is found out beside whatever comes next. */
  after(callId: string): void;
  /** Resolves when all that ended is on record; live background commands are looked at, too. Throws `storage`. */
  settled(): Promise<void>;
  /** What changed since the last look was an undo: no command did it. */
  restored(): Promise<void>;
}

/** An entry with what tells whether it changed; an empty stamp: look again. */
export interface SavedState {
  readonly entry: string;
  readonly stamp: string;
}

/** The state of one root as it was last looked at. */
export interface SavedListing {
  readonly id: number;
  readonly root: string;
  /** By absolute path. */
  readonly entries: Map<string, SavedState>;
}

/** A command that runs, or ran when its process was killed. */
export interface EffectWindow extends EffectCall {
  readonly session: string;
  /** Milliseconds since the epoch: when it ended, or when it was last known to run. */
  readonly until: number;
  readonly background: boolean;
}

export interface TurnKey {
  readonly session: string;
  readonly turn: number;
}

/** What is stored at once, whole or not at all. */
export interface SavedStep {
  readonly listings?: readonly {
    readonly id: number;
    readonly set: ReadonlyMap<string, SavedState>;
    readonly gone: readonly string[];
  }[];
  readonly open?: EffectCall;
  /** The command goes on beside the conversation. */
  readonly background?: string;
  readonly close?: readonly string[];
  readonly changes?: { readonly call: EffectCall; readonly session?: string; readonly list: readonly SavedChange[] };
  /** What the undo of a turn cannot cover. */
  readonly uncovered?: { readonly turn: TurnKey; readonly list: readonly string[] };
}

/** One path of a restore: it must be `from` and becomes `to`. */
export interface RestoreStep {
  readonly path: string;
  readonly from: SavedEntry;
  readonly to: SavedEntry;
}

/** A restore that was decided on; it is kept until it is done. */
export interface RestoreIntent {
  readonly session: string;
  readonly workspace: string;
  readonly roots: readonly string[];
  readonly turns: readonly number[];
  readonly redo: boolean;
  readonly steps: readonly RestoreStep[];
}

export type SavedTurn =
  | {
      readonly state: "kept";
      /** Oldest first. */
      readonly changes: readonly SavedChange[];
      readonly uncovered: readonly string[];
      readonly roots: readonly string[];
    }
  /** It changed nothing, or it had to make room. */
  | { readonly state: "none" };

/** Where changes and contents are kept, with a cap. All throw `storage`. */
export interface UndoStore {
  /** The most bytes that all of it may take. */
  readonly cap: number;
  has(hash: string): boolean;
  get(hash: string): Uint8Array | undefined;
  put(contents: ReadonlyMap<string, Uint8Array>): void;
  /** Takes over what the last session knew of a root, or begins anew. */
  listing(root: string): SavedListing;
  save(step: SavedStep): void;
  /** Commands still run. */
  alive(): void;
  /** Windows of killed processes in this workspace, taken over, and the roots they were in. */
  cut(): { readonly windows: readonly EffectWindow[]; readonly roots: readonly string[] };
  turn(key: TurnKey): SavedTurn;
  /** Drops the oldest turns beyond the limits; gives what was dropped. */
  prune(): readonly TurnKey[];
  begin(intent: RestoreIntent): number;
  /** In any workspace. */
  isRestoring(): boolean;
  /** Restores of this workspace that were begun and not ended, of processes that are gone. */
  unfinished(): readonly (RestoreIntent & { readonly id: number })[];
  end(id: number): void;
  close(): void;
}
