/** What the sandbox is told at its making, and the facts it derives once. */
import type { Clock } from "../base/clock.ts";
import type { Emit } from "../core/event.ts";
import type { Grant, Lease } from "../core/grant.ts";
import type { Blobs } from "../core/ports/store.ts";
import type { UndoStore } from "../core/ports/undo.ts";
import type { SandboxMode } from "../core/verdict.ts";
import type { Recorder } from "./checkpoints.ts";
import type { Dialling } from "./net.ts";
import type { CopyPlace, PathView } from "./paths.ts";
import type { AnyPart } from "./remote.ts";
import type { PathRules } from "./tree-scan.ts";

export interface SandboxOptions {
  readonly workspace: string;
  /** Folder below the workspace in which commands and relative paths start; default the workspace. */
  readonly cwd?: string;
  readonly addDirs: readonly string[];
  readonly home: string;
  /** The user's environment, handed in. */
  readonly env: Readonly<Record<string, string>>;
  /** Folder of private homes, private `/tmp` folders, probe results. */
  readonly stateDir: string;
  readonly session: string;
  /** Nobody comes back to this session: its private folders go when it closes. */
  readonly passing?: boolean;
  /** Works on this throw-away copy; its `/tmp` and HOME lie in its folder. */
  readonly copy?: CopyPlace & { readonly folder: string };
  readonly model: string;
  readonly mode: SandboxMode;
  /** True exactly once for each grant or lease that the gate minted. */
  readonly verify: (grant: Grant | Lease) => boolean;
  readonly blobs: Blobs;
  readonly emit: Emit;
  readonly clock: Clock;
  /** `tick` counts edits; the new count is returned. */
  readonly editClock: { tick(): number };
  readonly config: SandboxConfig;
  /** What rules of the person say of paths; absent without any. */
  readonly rules?: PathRules;
  /** Opens the undo store; absent where no undo material is kept. */
  readonly undo?: () => Promise<UndoStore>;
  /** The ways to confine commands that there are. */
  readonly backends: readonly AnyPart[];
  /** How the proxy of commands finds and judges addresses; the default is real names and public addresses. */
  readonly dialling?: Dialling;
  /** Last-seen content hashes of a resumed session, by resolved path. */
  readonly seen?: ReadonlyMap<string, string>;
}

/** The `sandbox` part of the user's own configuration; `~/` is expanded. */
export interface SandboxConfig {
  /** Paths outside the workspace that tools and commands may read. */
  readonly read: readonly string[];
  /** Secret-named files that are shown as they are. */
  readonly expose: readonly string[];
  /** Variables added to the environment of commands. */
  readonly env: Readonly<Record<string, string>>;
  /** Name of the backend to use; default `auto`, the first that holds. */
  readonly backend?: string;
  /** The container image that commands run in; it is never fetched. */
  readonly image?: string;
  /** True when the workspace may leave this machine; and the service's address, default its public one. */
  readonly remote?: boolean;
  readonly remoteUrl?: string;
  /** `host:port` of this machine or its network that the person opened for fetches by writing them down. */
  readonly reachable?: readonly string[];
  /** `host:port` of model servers: no command reaches them, whatever a grant says. */
  readonly closed?: readonly string[];
}

/** Options plus what every part of the sandbox shares. */
export interface SandboxContext extends SandboxOptions {
  readonly paths: PathView;
  readonly recorder?: Recorder;
  /** Private HOME of commands in this workspace, as they see it. */
  readonly privateHome: string;
  /** Where it really lies. */
  readonly homeHost: string;
  /** Owner that new files get when we are root; undefined when we are not. */
  readonly owner: Owner | undefined;
  /** Absolute forms of `config.read` and `config.expose`, links resolved. */
  readonly readable: readonly string[];
  readonly exposed: readonly string[];
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}
