/** Ports of what is kept: the journal of events, the blobs they name, the audit chain. */

import type { AuditRecord } from "../audit-event.ts";
import type { Event, EventBody, EventContext } from "../event.ts";

/** Append-only events of one session. One writer at a time, guarded by an epoch. */
export interface Journal {
  readonly session: string;
  readonly epoch: number;
  /** Stamps and queues an event; it is durable once `flushed(seq)` resolves. */
  append(body: EventBody, context?: EventContext): Event;
  /** Resolves when every event up to `seq` (default: all so far) is on disk. Throws `storage`. */
  flushed(seq?: number): Promise<void>;
  /** Tells `listener` after each commit up to which `seq` everything is on disk. */
  onFlushed(listener: (seq: number) => void): void;
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

export interface AuditPort {
  /** Durable when it resolves; what the level does not keep is not written. A rejection stops the action. */
  append(record: AuditRecord): Promise<void>;
}

export interface SessionRow {
  readonly id: string;
  readonly workspace: string;
  readonly title: string;
  readonly name?: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Number of stored events. */
  readonly events: number;
}

/** A place in a session where searched words stand. */
export interface SessionHit {
  readonly session: string;
  readonly at: number;
  readonly turn: number;
  readonly who: "person" | "model";
  readonly snippet: string;
}

export interface NewSession {
  readonly id: string;
  readonly workspace: string;
  readonly title: string;
  readonly name?: string;
}

/** All sessions of this user. */
export interface Sessions {
  create(row: NewSession): Journal;
  /** Opens for writing. Throws `session-missing`, or `session-busy` while another process writes. */
  open(id: string): Journal;
  read(id: string): readonly Event[];
  /** Newest first; of one workspace, or of all. */
  list(workspace?: string): readonly SessionRow[];
  /** By id, unambiguous start of an id, or name. Throws `session-missing`. */
  find(wanted: string, workspace: string): SessionRow;
  /** A new session that begins with all events of `from`. */
  fork(from: string, row: NewSession): Journal;
  /** A session that was made elsewhere. Throws `usage` when the id is taken. */
  adopt(row: NewSession, events: readonly Event[]): void;
  /** Prompts and answers that hold `words`; of one workspace, or of all. */
  search(words: string, workspace?: string): readonly SessionHit[];
  rename(id: string, name: string): void;
  /** Of each branch the session that it left, by id. */
  parents(): ReadonlyMap<string, string>;
  /** Removes sessions that nobody wrote to since (milliseconds) and nobody has open; gives their ids. */
  prune(before: number): readonly string[];
  remove(id: string): void;
}
