/** The register of sessions: create, open for writing, read, list, fork, remove. */
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../base/clock.ts";
import { CrucibleError } from "../base/error.ts";
import type { Event } from "../core/event.ts";
import type { Journal, SessionRow, Sessions } from "../core/ports/store.ts";
import { SqliteJournal } from "./journal.ts";
import { takeLease, writerName } from "./lease.ts";
import { searchSessions } from "./session-search.ts";

const COLUMNS = "id, workspace, title, name, created_at, updated_at, head_seq";

/** The session register over one open database. */
export function sqliteSessions(db: DatabaseSync, clock: Clock): Sessions {
  const read = (id: string): Event[] => {
    const bodies = db.prepare("SELECT body FROM events WHERE session = ? ORDER BY seq");
    bodies.setReturnArrays(true);
    return (bodies.all(id) as unknown as string[][]).map(([body]) => JSON.parse(body ?? "") as Event);
  };

  const open = (id: string): Journal => {
    const epoch = takeLease(db, id, writerName(), clock.now());
    return new SqliteJournal(db, clock, { session: id, epoch, events: read(id) });
  };

  const insert = (row: { id: string; workspace: string; title: string; name?: string }): void => {
    const now = clock.now();
    db.prepare(
      "INSERT INTO sessions (id, workspace, title, name, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
    ).run(row.id, row.workspace, row.title, row.name ?? null, now, now);
  };

  return {
    create(row) {
      if (db.prepare("SELECT 1 FROM sessions WHERE id = ?").get(row.id)) {
        throw new CrucibleError("usage", `session ${row.id} exists already`, {
          hint: `continue it: crucible -r ${row.id}`,
        });
      }
      // A session without events is no promise yet: its first flush synchronises what is written here.
      db.exec("PRAGMA synchronous = NORMAL");
      try {
        insert(row);
        return open(row.id);
      } finally {
        db.exec("PRAGMA synchronous = FULL");
      }
    },
    open,
    read,
    list(workspace) {
      const where = workspace === undefined ? "" : "WHERE workspace = ?";
      const statement = db.prepare(`SELECT ${COLUMNS} FROM sessions ${where} ORDER BY updated_at DESC, id DESC`);
      return (workspace === undefined ? statement.all() : statement.all(workspace)).map(toRow);
    },
    find: (wanted, workspace) => find(db, wanted, workspace),
    fork(from, row) {
      insert(row);
      db.prepare(
        "INSERT INTO events (session, seq, epoch, at, kind, body) SELECT ?, seq, epoch, at, kind, json_set(body, '$.session', ?) FROM events WHERE session = ?",
      ).run(row.id, row.id, from);
      return open(row.id);
    },
    adopt(row, events) {
      if (db.prepare("SELECT 1 FROM sessions WHERE id = ?").get(row.id))
        throw new CrucibleError("usage", `session ${row.id} exists already`);
      db.exec("BEGIN IMMEDIATE");
      try {
        insert(row);
        const add = db.prepare("INSERT INTO events (session, seq, epoch, at, kind, body) VALUES (?, ?, ?, ?, ?, ?)");
        for (const event of events)
          add.run(row.id, event.seq, event.epoch, event.at, event.kind, JSON.stringify(event));
        const epoch = events.reduce((most, event) => Math.max(most, event.epoch), 0);
        db.prepare("UPDATE sessions SET head_seq = ?, epoch = ? WHERE id = ?").run(events.length, epoch, row.id);
        db.exec("COMMIT");
      } catch (error) {
        if (db.isTransaction) db.exec("ROLLBACK");
        throw error;
      }
    },
    search: (words, workspace) => searchSessions(db, words, workspace),
    parents() {
      // A branch holds its parent's beginning too: its own is the last.
      const rows = db
        .prepare(
          "SELECT session, json_extract(body, '$.fork.session') AS parent FROM events WHERE kind = 'session-start' AND body LIKE '%\"fork\"%' ORDER BY seq",
        )
        .all();
      return new Map(rows.map((row) => [String(row["session"]), String(row["parent"])]));
    },
    prune(before) {
      const rows = db
        .prepare("DELETE FROM sessions WHERE updated_at < ? AND lease_until < ? RETURNING id")
        .all(before, clock.now());
      return rows.map((row) => String(row["id"]));
    },
    rename: (id, name) => void db.prepare("UPDATE sessions SET name = ? WHERE id = ?").run(name, id),
    remove(id) {
      const epoch = takeLease(db, id, writerName(), clock.now());
      db.prepare("DELETE FROM sessions WHERE id = ? AND epoch = ?").run(id, epoch);
    },
  };
}

function toRow(row: Record<string, unknown>): SessionRow {
  const name = row["name"];
  return {
    id: String(row["id"]),
    workspace: String(row["workspace"]),
    title: String(row["title"]),
    ...(typeof name === "string" ? { name } : {}),
    createdAt: Number(row["created_at"]),
    updatedAt: Number(row["updated_at"]),
    events: Number(row["head_seq"]),
  };
}

/** By id, by unambiguous start of an id (4 characters or more), or by name; the newest name wins. */
function find(db: DatabaseSync, wanted: string, workspace: string): SessionRow {
  const exact = db.prepare(`SELECT ${COLUMNS} FROM sessions WHERE id = ?`).get(wanted);
  if (exact) return toRow(exact);
  const named = db
    .prepare(`SELECT ${COLUMNS} FROM sessions WHERE name = ? ORDER BY workspace = ? DESC, updated_at DESC`)
    .get(wanted, workspace);
  if (named) return toRow(named);
  const begins =
    wanted.length < 4
      ? []
      : db.prepare(`SELECT ${COLUMNS} FROM sessions WHERE substr(id, 1, ?) = ?`).all(wanted.length, wanted);
  if (begins.length === 1 && begins[0]) return toRow(begins[0]);
  const problem =
    begins.length > 1 ? `${begins.length} sessions begin with ${wanted}` : `there is no session ${wanted}`;
  throw new CrucibleError("session-missing", problem, { hint: "crucible sessions list" });
}
