/** The undo store keeps its cap, forgets what nothing names, and lets one process after another go on. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { sha256 } from "../../src/base/hash.ts";
import { never, undoKit } from "../kit/undo.ts";

const COUNT = process.env["CRUCIBLE_TEST_LONG"] ? 10_000 : 500;
const CAP = 2 * 1024 * 1024;

test(`the cap holds under ${COUNT} checkpoints, and the newest can still be undone`, { timeout: 900_000 }, async () => {
  await using kit = undoKit({ bytes: CAP, turns: 1_000_000 });
  const file = join(kit.workspace, "a");
  const text = (turn: number) => `${turn} `.repeat(4_000);
  writeFileSync(file, text(0));
  let most = 0;
  for (let turn = 1; turn <= COUNT; turn++) {
    if (turn % 5 === 0) await kit.command(turn, () => writeFileSync(file, text(turn)));
    else await kit.edit(turn, "a", text(turn));
    await kit.recorder.settled();
    most = Math.max(most, statSync(join(kit.base, "undo.db")).size);
  }
  expect(most).toBeLessThanOrEqual(CAP * 1.1);
  const dropped = kit.events.filter((event) => event.kind === "model-note" && event.code === "undo-dropped");
  expect(dropped.length).toBeGreaterThan(0);
  const store = kit.store();
  expect(store.turn({ session: "s", turn: 1 })).toEqual({ state: "none" });
  store.close();
  const recent = Array.from({ length: 20 }, (_, index) => COUNT - index);
  expect((await kit.undo(recent)).conflicts).toEqual([]);
  expect(sha256(text(COUNT - 20))).toBe(sha256(readFileSync(file)));
});

test("turns beyond their number go, oldest first, with contents that nothing else names", async () => {
  await using kit = undoKit({ turns: 3 });
  const file = join(kit.workspace, "a");
  for (let turn = 1; turn <= 5; turn++) await kit.command(turn, () => writeFileSync(file, `${turn}`));
  await kit.recorder.settled();
  const store = kit.store();
  const states = [1, 2, 3, 4, 5].map((turn) => store.turn({ session: "s", turn }).state);
  expect(states).toEqual(["none", "none", "kept", "kept", "kept"]);
  expect(["1", "2", "3", "4", "5"].map((text) => store.has(sha256(text)))).toEqual([false, true, true, true, true]);
  store.close();
});

test("a second process has a look of its own; the next one goes on with what an ended one knew", async () => {
  await using kit = undoKit({ owner: "alive" });
  const file = join(kit.workspace, "a");
  writeFileSync(file, "x");
  await kit.command(1, () => writeFileSync(file, "y"));
  await kit.recorder.settled();
  const other = kit.store({ owner: "second" });
  expect(other.listing(kit.workspace).entries.size).toBe(0);
  other.close();
  const later = kit.store({ owner: "third", isAlive: () => false });
  expect([...later.listing(kit.workspace).entries.keys()]).toEqual([file]);
  later.close();
  const db = new DatabaseSync(join(kit.base, "undo.db"));
  expect(db.prepare("SELECT count(*) AS count FROM listings").get()).toEqual({ count: 1 });
  db.close();
});

test("a store of a newer version, and one that is none, are named", async () => {
  await using kit = undoKit();
  kit.store().close();
  const db = new DatabaseSync(join(kit.base, "undo.db"));
  db.exec("PRAGMA user_version = 9");
  db.close();
  expect(() => kit.store()).toThrow(/undo.db was written by a newer version/);
  writeFileSync(join(kit.base, "bad.db"), "no database at all, but long enough to be taken for one".repeat(20));
  expect(() => kit.store({ file: join(kit.base, "bad.db") })).toThrow(/cannot open .*bad.db/);
});

test("a store that cannot be written stops the next command, not the one that ended", async () => {
  await using kit = undoKit();
  const file = join(kit.workspace, "a");
  await kit.recorder.before({ callId: "one", turn: 1 }, never);
  writeFileSync(file, "new");
  const db = new DatabaseSync(join(kit.base, "undo.db"));
  db.exec("DROP TABLE changes");
  db.close();
  kit.recorder.after("one");
  await expect(kit.recorder.settled()).rejects.toThrow(/undo material cannot be kept/);
  await expect(kit.recorder.before({ callId: "two", turn: 1 }, never)).rejects.toThrow(/undo material/);
});
