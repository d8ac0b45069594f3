/** Ports of what is kept: the journal of events, the blobs they name, the audit chain. */

import type { Json } from "../../base/canonical-json.ts";
import type { Event, EventBody, EventContext } from "../event.ts";

/** Append-only events of one session. One writer at a time, guarded by an epoch. */
export interface Journal {
  readonly session: string;
  readonly epoch: number;
  /** Stamps and queues an event; it is durable once `flushed(seq)` resolves. */
  append(body: EventBody, context?: EventContext): Event;
  /** Resolves when every event up to `seq` (default: all so far) is on disk. Throws `storage`. */
  flushed(seq?: number): Promise<void>;
  events(): readonly Event[];
  close(): Promise<void>;
}

/** Content-addressed bytes. */
export interface Blobs {
  /** Durable when it resolves; returns the SHA-256. */
  put(bytes: Uint8Array): Promise<string>;
  putAll(items: readonly Uint8Array[]): Promise<readonly string[]>;
  has(hash: string): boolean;
  get(hash: string): Promise<Uint8Array | undefined>;
}

/** One line of the audit chain before it is sealed. */
export interface AuditRecord {
  readonly action:
    | "tool-decision"
    | "tool-end"
    | "approval"
    | "session-start"
    | "session-end"
    | "sandbox-off"
    | "lease-start"
    | "lease-end";
  readonly session: string;
  readonly actor: string;
  readonly decision?: string;
  readonly tool?: string;
  readonly callId?: string;
  readonly reasons?: readonly Json[];
  readonly digest?: string;
  readonly details?: { readonly [key: string]: Json };
}

export interface AuditPort {
  /** Durable when it resolves. A rejection stops the action. */
  append(record: AuditRecord): Promise<{ readonly seq: number; readonly hash: string }>;
}
