/** How each root looked when it was last looked at: so the next look reads only what changed since. */
import { CrucibleError } from "../base/error.ts";
import type { SavedListing, SavedState, SavedStep } from "../core/ports/undo.ts";
import { hashIn, type Room, releaser } from "./undo-schema.ts";

export function listings(room: Room): {
  take(root: string): SavedListing;
  update(step: NonNullable<SavedStep["listings"]>[number]): void;
} {
  const { db, owner, isAlive, clock } = room;
  const release = releaser(room);
  const all = db.prepare(`SELECT id, owner FROM listings WHERE root = ?
    ORDER BY EXISTS (SELECT 1 FROM files WHERE listing = id) DESC, at DESC`);
  const known = db.prepare("SELECT hash FROM files WHERE listing = ? AND path = ?");
  const put = db.prepare(`INSERT INTO files (listing, path, entry, stamp, hash) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET entry = excluded.entry, stamp = excluded.stamp, hash = excluded.hash`);
  const there = db.prepare("SELECT 1 FROM objects WHERE hash = ?");
  const drop = db.prepare("DELETE FROM files WHERE listing = ? AND path = ? RETURNING hash");

  /** Of those that nobody uses any more the newest; the others go. */
  const take = (root: string): SavedListing => {
    db.exec("BEGIN IMMEDIATE");
    const free = all.all(root).filter((row) => row["owner"] === owner || !isAlive(String(row["owner"])));
    const id = free[0] ? Number(free[0]["id"]) : insert(root);
    for (const row of free.slice(1)) remove(Number(row["id"]));
    db.prepare("UPDATE listings SET owner = ?, at = ? WHERE id = ?").run(owner, clock.now(), id);
    db.exec("COMMIT");
    const rows = db.prepare("SELECT path, entry, stamp FROM files WHERE listing = ?").all(id);
    const entries = new Map<string, SavedState>();
    for (const { path, entry, stamp } of rows)
      entries.set(String(path), { entry: String(entry), stamp: String(stamp) });
    return { id, root, entries };
  };
  const insert = (root: string) =>
    Number(db.prepare("INSERT INTO listings (root, owner, at) VALUES (?, ?, 0)").run(root, owner).lastInsertRowid);
  const remove = (id: number) => {
    const hashes = db.prepare("DELETE FROM files WHERE listing = ? RETURNING hash").all(id);
    db.prepare("DELETE FROM listings WHERE id = ?").run(id);
    release(hashes.map((row) => row["hash"] as string | null));
  };

  const update = ({ id, set, gone }: NonNullable<SavedStep["listings"]>[number]) => {
    const old: (string | null)[] = [];
    for (const [path, { entry, stamp }] of set) {
      const hash = hashIn(entry);
      if (hash !== null && !there.get(hash)) throw lost(path);
      const before = known.get(id, path)?.["hash"] as string | null | undefined;
      if (before !== undefined && before !== hash) old.push(before);
      put.run(id, path, entry, stamp, hash);
    }
    for (const path of gone) old.push((drop.get(id, path)?.["hash"] as string | null | undefined) ?? null);
    release(old);
  };
  return { take, update };
}

/** Another process dropped the last use of a content in the very moment in which it was stored here. */
function lost(path: string): CrucibleError {
  return new CrucibleError("storage", `undo material of ${path} was removed by another session`, {
    hint: "try again",
    retryable: true,
  });
}
