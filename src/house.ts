/** What the wiring shares: the program as configured, and the files of one session. */
import type { Config, LoadOptions } from "./config/load.ts";
import type { Blobs, Journal } from "./core/ports/store.ts";

export interface AppOptions {
  readonly version: string;
  readonly workspace: string;
  readonly flags: LoadOptions["flags"];
  readonly bare: boolean;
}

/** Everything a session shares with the program. */
export interface House {
  /** The repository (or folder) worked in; `options.workspace` is the folder the person stands in. */
  readonly workspace: string;
  /** The folder that memory and lessons belong to: of a session's worktree the checkout that it was begun from. */
  readonly project: string;
  readonly options: AppOptions;
  readonly env: Record<string, string>;
  readonly home: string;
  readonly config: Config;
}

export interface SessionFiles {
  readonly journal: Journal;
  readonly blobs: Blobs;
  /** Where a fork left the older session. */
  readonly fork?: { readonly session: string; readonly seq: number };
  close(): void;
}
