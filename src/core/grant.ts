/** Permission for one action, minted by the gate alone and checked by the sandbox. */
import type { Effect } from "./tool.ts";

export interface Limits {
  readonly wallMs: number;
  readonly outputBytes: number;
  /** Address space per process in bytes; 0 = no limit (Node reserves tens of GiB). */
  readonly memoryBytes: number;
  readonly processes: number;
  readonly fileBytes: number;
}

/** Single use; bound to one call's input. The object itself is the proof: a copy is worth nothing. */
export interface Grant {
  readonly callId: string;
  readonly tool: string;
  readonly inputHash: string;
  readonly effects: readonly Effect[];
  /** Whether a command may write to the workspace. */
  readonly readOnly: boolean;
  /** Secret or outside paths that an approved question showed: opened for this call only. */
  readonly reveals: readonly string[];
  /** `host:port` that an approved question showed. */
  readonly hosts: readonly string[];
  readonly limits: Limits;
  /** Wall time in ms since the epoch after which the grant is void. */
  readonly expiresAt: number;
}

/** The same decision for something that lives on: a background command, later servers. */
export interface Lease extends Grant {
  /** Aborts when the session ends or the lease is revoked. */
  readonly signal: AbortSignal;
}
