/** The journal: append-only events of one session in SQLite, committed in groups, acknowledged when flushed. */
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../base/clock.ts";
import { CrucibleError } from "../base/error.ts";
import { type Event, type EventBody, type EventContext, isEphemeral } from "../core/event.ts";
import type { Journal } from "../core/ports/store.ts";
import { LEASE_MS } from "./lease.ts";
import { storageError } from "./schema.ts";

/** Events wait at most this long for company before a commit (milliseconds). */
const GROUP_MS = 25;

export class SqliteJournal implements Journal {
  readonly session: string;
  readonly epoch: number;
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #events: Event[];
  #pending: Event[] = [];
  #seq: number;
  #timer: NodeJS.Timeout | undefined;
  readonly #heartbeat: NodeJS.Timeout;
  #failure: CrucibleError | undefined;
  #closed = false;
  readonly #onFlushed: ((seq: number) => void)[] = [];

  constructor(db: DatabaseSync, clock: Clock, state: { session: string; epoch: number; events: Event[] }) {
    this.#db = db;
    this.#clock = clock;
    this.session = state.session;
    this.epoch = state.epoch;
    this.#events = state.events;
    this.#seq = state.events.at(-1)?.seq ?? 0;
    this.#heartbeat = setInterval(() => this.#renew(), LEASE_MS / 3);
    this.#heartbeat.unref();
  }

  append(body: EventBody, context: EventContext = {}): Event {
    const ephemeral = isEphemeral(body);
    const seq = ephemeral ? 0 : ++this.#seq;
    const event: Event = {
      v: 1,
      seq,
      at: this.#clock.now(),
      session: this.session,
      epoch: this.epoch,
      ...context,
      ...body,
    };
    if (ephemeral) return event;
    this.#events.push(event);
    this.#pending.push(event);
    this.#timer ??= setTimeout(() => this.#tryCommit(), GROUP_MS);
    return event;
  }

  async flushed(seq = this.#seq): Promise<void> {
    if (this.#failure) throw this.#failure;
    const oldest = this.#pending[0];
    if (oldest && oldest.seq <= seq) this.#commit();
  }

  onFlushed(listener: (seq: number) => void): void {
    this.#onFlushed.push(listener);
  }

  events(): readonly Event[] {
    return this.#events;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#heartbeat);
    try {
      this.#commit();
      this.#db
        .prepare("UPDATE sessions SET writer = NULL, lease_until = 0 WHERE id = ? AND epoch = ?")
        .run(this.session, this.epoch);
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** A commit that nobody waits for keeps its failure for the next `flushed`. */
  #tryCommit(): void {
    try {
      this.#commit();
    } catch (error) {
      this.#failure = CrucibleError.isInstance(error) ? error : storageError("the journal cannot be written", error);
    }
  }

  #commit(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#pending;
    const last = batch.at(-1);
    if (!last) return;
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      const held = this.#db
        .prepare("UPDATE sessions SET head_seq = ?, updated_at = ?, lease_until = ? WHERE id = ? AND epoch = ?")
        .run(last.seq, last.at, last.at + LEASE_MS, this.session, this.epoch);
      if (held.changes === 0) {
        throw new CrucibleError("session-busy", `session ${this.session} was taken over by another process`, {
          hint: "go on there, or branch off: crucible -r <id> --fork-session",
        });
      }
      const insert = this.#db.prepare(
        "INSERT INTO events (session, seq, epoch, at, kind, body) VALUES (?, ?, ?, ?, ?, ?)",
      );
      for (const event of batch) {
        insert.run(this.session, event.seq, event.epoch, event.at, event.kind, JSON.stringify(event));
        if (event.kind === "session-name")
          this.#db.prepare("UPDATE sessions SET name = ? WHERE id = ?").run(event.name, this.session);
      }
      this.#db.exec("COMMIT");
      this.#pending = [];
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      const failure = CrucibleError.isInstance(error) ? error : storageError("the journal cannot be written", error);
      this.#failure = failure;
      throw failure;
    }
    for (const listener of this.#onFlushed) listener(last.seq);
  }

  #renew(): void {
    try {
      this.#db
        .prepare("UPDATE sessions SET lease_until = ? WHERE id = ? AND epoch = ?")
        .run(this.#clock.now() + LEASE_MS, this.session, this.epoch);
    } catch {
      // A busy database is tried again at the next beat; a lost lease shows at the next commit.
    }
  }
}
