import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { uuid } from "../../src/base/id.ts";
import { sqliteBlobs } from "../../src/store/blobs.ts";
import { openDatabase } from "../../src/store/database.ts";
import { memoryJournal } from "../../src/store/memory-journal.ts";
import { sqliteSessions } from "../../src/store/sessions.ts";
import { tempFolder } from "../kit/temp.ts";

async function store(path: string) {
  const db = await openDatabase(`${path}/journal.db`);
  return { db, sessions: sqliteSessions(db, systemClock), blobs: sqliteBlobs(db) };
}
const row = (title = "t", workspace = "/w") => ({ id: uuid(Date.now()), workspace, title });
const note = (text: string) => ({ kind: "session-name", name: text }) as const;

describe("the journal", () => {
  it("keeps flushed events across a new opening, in order, deltas never", async () => {
    using folder = tempFolder();
    const first = await store(folder.path);
    const journal = first.sessions.create(row());
    journal.append(note("a"));
    expect(journal.append({ kind: "text-delta", text: "x" }).seq).toBe(0);
    journal.append(note("b"), { turn: 1, voice: "developer" });
    await journal.flushed();
    const { sessions } = await store(folder.path);
    expect(sessions.read(journal.session).map((event) => [event.seq, event.kind, event.turn])).toEqual([
      [1, "session-name", undefined],
      [2, "session-name", 1],
    ]);
    await journal.close();
  });

  it("commits a group at once: a reader never sees half of it", async () => {
    using folder = tempFolder();
    const { sessions } = await store(folder.path);
    const other = await store(folder.path);
    const journal = sessions.create(row());
    for (let i = 0; i < 50; i++) journal.append(note(String(i)));
    expect(other.sessions.read(journal.session)).toHaveLength(0);
    await journal.flushed(1);
    expect(other.sessions.read(journal.session)).toHaveLength(50);
    await journal.close();
  });

  it("lets one process write: a second opening is refused while the first lives, an older epoch after a takeover", async () => {
    using folder = tempFolder();
    const { db, sessions } = await store(folder.path);
    const journal = sessions.create(row());
    expect(() => sessions.open(journal.session)).toThrow(/in use by process/);
    db.prepare("UPDATE sessions SET writer = 'elsewhere:1:1', lease_until = 0").run();
    const taken = sessions.open(journal.session);
    expect(taken.epoch).toBe(journal.epoch + 1);
    journal.append(note("late"));
    await expect(journal.flushed()).rejects.toThrow(/taken over/);
    await taken.close();
    await journal.close().catch(() => undefined);
    expect(sessions.read(journal.session)).toEqual([]);
  });

  it("frees the session when its writer is gone, although the lease has not ended", async () => {
    using folder = tempFolder();
    const { db, sessions } = await store(folder.path);
    const journal = sessions.create(row());
    const { hostname } = await import("node:os");
    db.prepare("UPDATE sessions SET writer = ?, lease_until = ?").run(`${hostname()}:4194303:1`, Date.now() + 60_000);
    await sessions.open(journal.session).close();
    await journal.close().catch(() => undefined);
  });

  it("a fork begins with the same events under its own id and goes its own way", async () => {
    using folder = tempFolder();
    const { sessions } = await store(folder.path);
    const journal = sessions.create(row("origin"));
    journal.append(note("shared"));
    await journal.close();
    const fork = sessions.fork(journal.session, row("branch"));
    fork.append(note("own"));
    await fork.close();
    expect(sessions.read(fork.session).map((event) => event.session)).toEqual([fork.session, fork.session]);
    expect(sessions.read(journal.session)).toHaveLength(1);
  });

  it("finds sessions by id, start of an id and name, and says when it cannot", async () => {
    using folder = tempFolder();
    const { sessions } = await store(folder.path);
    const a = sessions.create({ ...row("first"), name: "fix" });
    const b = sessions.create(row("second"));
    await a.close();
    await b.close();
    expect(sessions.find("fix", "/w").id).toBe(a.session);
    expect(sessions.find(b.session, "/w").title).toBe("second");
    expect(() => sessions.find(a.session.slice(0, 4), "/w")).toThrow(/2 sessions begin/);
    expect(() => sessions.find("nothing", "/w")).toThrow(/there is no session nothing/);
    sessions.remove(a.session);
    expect(sessions.list("/w").map((entry) => entry.id)).toEqual([b.session]);
    expect(() => sessions.create({ ...row(), id: b.session })).toThrow(/exists already/);
  });

  it("refuses a file of a newer program and a file that is no database, by name", async () => {
    using folder = tempFolder();
    const { db } = await store(folder.path);
    db.exec("PRAGMA user_version = 99");
    db.close();
    await expect(store(folder.path)).rejects.toThrow(/newer version/);
    const { writeFileSync } = await import("node:fs");
    writeFileSync(`${folder.path}/other.db`, "not a database, but longer than a header would be".repeat(10));
    await expect(openDatabase(`${folder.path}/other.db`)).rejects.toThrow(/cannot open .*other\.db/);
  });

  it("two first starts at once migrate once", async () => {
    using folder = tempFolder();
    const [a, b] = await Promise.all([store(folder.path), store(folder.path)]);
    expect(a.sessions.list()).toEqual(b.sessions.list());
    const version = new DatabaseSync(`${folder.path}/journal.db`).prepare("PRAGMA user_version").get();
    expect(version?.["user_version"]).toBe(3);
  });
});

describe("blobs", () => {
  it("keep bytes once under their hash", async () => {
    using folder = tempFolder();
    const { blobs, db } = await store(folder.path);
    const bytes = new Uint8Array([0, 255, 10]);
    const [first, second] = await blobs.putAll([bytes, bytes]);
    expect(first).toBe(second);
    expect(await blobs.get(first ?? "")).toEqual(bytes);
    expect(blobs.has("0".repeat(64))).toBe(false);
    expect(db.prepare("SELECT count(*) AS n FROM blobs").get()?.["n"]).toBe(1);
    expect(readFileSync(`${folder.path}/journal.db-wal`).length).toBeGreaterThan(0);
  });
});

describe("the journal that is not kept", () => {
  it("has the same shape", () => {
    const journal = memoryJournal("s", systemClock);
    journal.append(note("a"));
    journal.append({ kind: "text-delta", text: "x" });
    expect(journal.events().map((event) => event.seq)).toEqual([1]);
  });
});
