/** What each turn changed, the commands that are under way, and which turns the limits leave. */
import type { EffectWindow, SavedChange, SavedEntry, SavedStep, SavedTurn, TurnKey } from "../core/ports/undo.ts";
import { hashIn, type Room, releaser } from "./undo-schema.ts";

/** Over the cap, so much of it is left: not every turn shall have to make room. */
const LEFT = 0.9;

export interface Turns {
  save(step: SavedStep): void;
  alive(): void;
  cut(): { readonly windows: readonly EffectWindow[]; readonly roots: readonly string[] };
  read(key: TurnKey): SavedTurn;
  prune(): readonly TurnKey[];
}

export function turns(room: Room): Turns {
  const { db, owner, workspace, clock } = room;
  const begin = db.prepare(
    "INSERT INTO turns (session, turn, workspace, at, roots) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const change = db.prepare(`INSERT INTO changes
    (session, turn, path, before, after, doubtful, before_hash, after_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  const open = db.prepare("INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?, ?, ?, 0)");
  const sign = db.prepare("UPDATE windows SET until = ? WHERE owner = ? AND session = ?");
  const close = db.prepare("DELETE FROM windows WHERE call = ? AND owner = ?");

  const roots = JSON.stringify(room.roots);
  const save = (step: SavedStep) => {
    const now = clock.now();
    if (step.open) {
      const { callId, turn } = step.open;
      open.run(owner, callId, room.session, turn, workspace, now);
    }
    if (step.background !== undefined)
      db.prepare("UPDATE windows SET background = 1 WHERE call = ? AND owner = ?").run(step.background, owner);
    for (const call of step.close ?? []) close.run(call, owner);
    if (step.uncovered) {
      const { turn, list } = step.uncovered;
      begin.run(turn.session, turn.turn, workspace, now, roots);
      db.prepare("UPDATE turns SET uncovered = ? WHERE session = ? AND turn = ?").run(
        JSON.stringify(list),
        turn.session,
        turn.turn,
      );
    }
    const { changes } = step;
    if (!changes || changes.list.length === 0) return;
    const key = [changes.session ?? room.session, changes.call.turn] as const;
    begin.run(...key, workspace, now, roots);
    for (const { path, before, after, doubtful = false } of changes.list)
      change.run(...key, path, before, after, doubtful ? 1 : 0, hashIn(before), hashIn(after));
  };

  return {
    save,
    // Nothing is lost when a power cut takes one: no commit waits for the disk.
    alive() {
      db.exec("PRAGMA synchronous = NORMAL");
      sign.run(clock.now(), owner, room.session);
      db.exec("PRAGMA synchronous = FULL");
    },
    cut: () => takeCut(room),
    read: (key) => readTurn(room, key),
    prune: () => prune(room),
  };
}

/** From now on they are this process's to end. */
function takeCut({ db, owner, workspace, isAlive }: Room): ReturnType<Turns["cut"]> {
  const rows = db.prepare("SELECT * FROM windows WHERE workspace = ? ORDER BY rowid").all(workspace);
  const cut = rows.filter((row) => row["owner"] !== owner && !isAlive(String(row["owner"])));
  if (cut.length === 0) return { windows: [], roots: [] };
  const owners = new Set(cut.map((row) => String(row["owner"])));
  const roots: string[] = [];
  db.exec("BEGIN IMMEDIATE");
  for (const old of owners) {
    for (const row of db.prepare("SELECT root FROM listings WHERE owner = ?").all(old)) roots.push(String(row["root"]));
    db.prepare("UPDATE listings SET owner = ? WHERE owner = ?").run(owner, old);
    db.prepare("UPDATE windows SET owner = ? WHERE owner = ?").run(owner, old);
  }
  db.exec("COMMIT");
  return { roots, windows: cut.map(toWindow) };
}

function toWindow(row: Record<string, unknown>): EffectWindow {
  return {
    callId: String(row["call"]),
    session: String(row["session"]),
    turn: Number(row["turn"]),
    until: Number(row["until"]),
    background: row["background"] === 1,
  };
}

function readTurn({ db }: Room, { session, turn }: TurnKey): SavedTurn {
  const row = db.prepare("SELECT uncovered, roots FROM turns WHERE session = ? AND turn = ?").get(session, turn);
  if (!row) return { state: "none" };
  const rows = db.prepare("SELECT * FROM changes WHERE session = ? AND turn = ? ORDER BY id").all(session, turn);
  const changes = rows.map((each): SavedChange => {
    const doubt = each["doubtful"] === 1 ? { doubtful: true } : {};
    return {
      path: String(each["path"]),
      before: each["before"] as SavedEntry,
      after: each["after"] as SavedEntry,
      ...doubt,
    };
  });
  const list = (name: string) => JSON.parse(String(row[name])) as string[];
  return { state: "kept", changes, uncovered: list("uncovered"), roots: list("roots") };
}

/** Looks at the newest last: the oldest turns of a workspace beyond its number, then whatever is oldest over the cap. */
function prune(room: Room): readonly TurnKey[] {
  const { db, workspace } = room;
  const dropped: TurnKey[] = [];
  const many = db
    .prepare("SELECT session, turn FROM turns WHERE workspace = ? ORDER BY at DESC, turn DESC LIMIT -1 OFFSET ?")
    .all(workspace, room.turns);
  if (many.length > 0) dropped.push(...drop(room, many));
  if (usedBytes(room) > room.bytes) {
    const most = room.bytes * LEFT;
    dropListings(room, most);
    while (usedBytes(room) > most) {
      const oldest = db.prepare("SELECT session, turn FROM turns ORDER BY at, turn LIMIT 16").all();
      if (oldest.length === 0) break;
      dropped.push(...drop(room, oldest));
    }
  }
  if (dropped.length > 0) db.exec("PRAGMA incremental_vacuum");
  return dropped;
}

function usedBytes({ db }: Room): number {
  const of = (name: string) => Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
  return (of("page_count") - of("freelist_count")) * of("page_size");
}

function drop(room: Room, rows: readonly Record<string, unknown>[]): TurnKey[] {
  const { db } = room;
  const release = releaser(room);
  const hashes: (string | null)[] = [];
  db.exec("BEGIN IMMEDIATE");
  const keys = rows.map((row) => ({ session: String(row["session"]), turn: Number(row["turn"]) }));
  for (const { session, turn } of keys) {
    const gone = db
      .prepare("DELETE FROM changes WHERE session = ? AND turn = ? RETURNING before_hash, after_hash")
      .all(session, turn);
    for (const row of gone) hashes.push(row["before_hash"] as string | null, row["after_hash"] as string | null);
    db.prepare("DELETE FROM turns WHERE session = ? AND turn = ?").run(session, turn);
  }
  release(hashes);
  db.exec("COMMIT");
  return keys;
}

/** Looks at other roots are only there to save time; oldest first. */
function dropListings(room: Room, most: number): void {
  const { db, isAlive } = room;
  const release = releaser(room);
  for (const row of db.prepare("SELECT id, owner FROM listings ORDER BY at").all()) {
    if (usedBytes(room) <= most) return;
    const holder = String(row["owner"]);
    if (holder === room.owner || isAlive(holder) || db.prepare("SELECT 1 FROM windows WHERE owner = ?").get(holder))
      continue;
    db.exec("BEGIN IMMEDIATE");
    const hashes = db.prepare("DELETE FROM files WHERE listing = ? RETURNING hash").all(Number(row["id"]));
    db.prepare("DELETE FROM listings WHERE id = ?").run(Number(row["id"]));
    release(hashes.map(({ hash }) => hash as string | null));
    db.exec("COMMIT");
  }
}
