/** The port to the only code that touches the machine on a tool's behalf. */
import type { Grant, Lease } from "../grant.ts";
import type { Hands } from "./hands.ts";
import type { DialOrder, Fetch, ServerOrder, ServerProcess } from "./mcp.ts";
import type { Checkpoints } from "./undo.ts";

/** Facts about a path as it is now. No decision is taken here. */
export interface PathFact {
  /** Absolute, normalised, links not followed. */
  readonly absolute: string;
  /** After following every link that exists; missing tails are appended as they stand. */
  readonly resolved: string;
  readonly exists: boolean;
  readonly kind: "file" | "directory" | "other" | "missing";
  /** Hard links to the file; 1 for most files and all missing ones. */
  readonly links: number;
  /** The root (workspace, added folder or private tmp) that holds `resolved`, by segment. */
  readonly root?: string;
}

export interface PathFacts {
  readonly roots: readonly string[];
  readonly home: string;
  readonly cwd: string;
  /** `~/` is expanded to the home; relative paths start at `cwd` (default: the workspace). */
  look(path: string, cwd?: string): PathFact;
  /** The text of a plain file inside a root as it is now, up to 1 MiB; undefined for everything else. */
  text(path: string, cwd?: string): string | undefined;
}

/** One way out that was tried. */
export interface ProbeResult {
  readonly name: string;
  readonly about: string;
  readonly verdict: "held" | "leaked" | "untried";
  /** What leaked, or why it was not tried. */
  readonly detail?: string;
}

export type BackendName = "bubblewrap" | "podman" | "docker" | "landlock" | "sandbox-runtime" | "e2b";

export interface SandboxStatus {
  /** Name of the backend in use, `off` by flag, or undefined when none passes. */
  readonly backend: BackendName | "off" | undefined;
  /** Why there is none and the command that mends it. */
  readonly reason?: string;
  readonly mend?: string;
  /** How identity is solved: our own uid, the workspace owner's, or an id-mapped mount. */
  readonly identity?: string;
  /** Why nothing tried to break out of it. */
  readonly untried?: string;
  /** What the backend in use cannot do. */
  readonly note?: string;
}

/** One backend as it stands here; without a reason it is there and worth a try. */
export interface BackendState {
  readonly name: BackendName;
  readonly reason?: string;
  readonly mend?: string;
  readonly note?: string;
}

export interface Sandbox {
  readonly paths: PathFacts;
  /** Probed once, on first use. */
  status(): Promise<SandboxStatus>;
  /** Tries every way out anew, whatever is remembered; the list is empty when there is no sandbox to try. */
  verify(signal: AbortSignal): Promise<SandboxStatus & { readonly probes: readonly ProbeResult[] }>;
  /** Every backend, in the order in which they are tried; nothing is started. */
  survey(): readonly BackendState[];
  /** Powers for one grant or lease. Throws `denied` when the gate did not mint it or it was used before. */
  hands(grant: Grant | Lease): Hands;
  /** The grant of the newest command that somebody waits for. */
  foreground(): Grant | undefined;
  /** That command becomes a job under `lease`; false when it has just ended. Throws `denied`. */
  background(lease: Lease): boolean;
  /** Keeps undo material; absent where nothing is kept. */
  readonly checkpoints?: Checkpoints;
  /**
   * Starts a server that speaks on its standard streams, confined as `order` says and no further than the lease lets it.
   * Throws `denied` like `hands`, `sandbox-unavailable`, `bad-input`.
   */
  serve(lease: Lease, order: ServerOrder): Promise<ServerProcess>;
  /** Keeps a text in the session's `/tmp`; returns its path as tools see it. */
  spill(text: string): string;
  /** The checked dialler as `fetch`; it ends with the lease. Throws `denied` like `hands`. */
  dial(lease: Lease, order: Pick<DialOrder, "reachable">): Fetch;
  /** Kills every job and spare; called on every exit path. */
  close(): Promise<void>;
}
