/** The record of councils on disk, and the one value that is kept beside it. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OutcomeRow } from "../../src/core/council-record.ts";
import { openDatabase } from "../../src/store/database.ts";
import { keptValue } from "../../src/store/kept-value.ts";
import { sqliteOutcomes } from "../../src/store/outcomes.ts";
import { tempFolder } from "../kit/temp.ts";

const row = (id: string, changes: Partial<OutcomeRow> = {}): OutcomeRow => ({
  id,
  at: 1_000,
  council: "c",
  workspace: "/w",
  kind: "answer",
  options: ["x", "y"],
  ballots: [{ voice: "a", group: "m", choice: "x", confidence: 0.7, reason: "its words" }],
  evidence: [{ checkId: "k", proposalId: "x", outcome: "pass" }],
  files: { "a.ts": { before: null, after: "1" } },
  ...changes,
});

describe("the record of councils", () => {
  it("is kept across openings, oldest first, without the words of voices", async () => {
    using folder = tempFolder();
    const file = `${folder.path}/journal.db`;
    const first = sqliteOutcomes(await openDatabase(file));
    const full = row("b", { at: 2_000, domain: "code", language: "typescript", truth: "x", source: "gate" });
    first.add(full);
    first.add(row("a"));
    const { reason: _, ...ballot } = full.ballots[0] ?? { voice: "", group: "" };
    const listed = sqliteOutcomes(await openDatabase(file)).list();
    expect(listed).toEqual([
      { ...row("a"), ballots: [ballot] },
      { ...full, ballots: [ballot] },
    ]);
    expect(() => first.add(row("a"))).toThrow(/the record of councils cannot be written/);
  });

  it("a stronger source replaces a weaker one, never the other way round", async () => {
    using folder = tempFolder();
    const outcomes = sqliteOutcomes(await openDatabase(`${folder.path}/journal.db`));
    const sources = ["gate", "accepted", "reverted", "human"] as const;
    let count = 0;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...sources), { maxLength: 6 }), (given) => {
        const id = `row ${count++}`;
        outcomes.add(row(id));
        let strongest = -1;
        for (const [at, source] of given.entries()) {
          const rank = sources.indexOf(source);
          expect(outcomes.settle(id, source, at % 2 ? "none" : "x")).toBe(rank >= strongest);
          strongest = Math.max(strongest, rank);
        }
        expect(outcomes.list().find((one) => one.id === id)?.source).toBe(sources[strongest]);
      }),
      { numRuns: 30 },
    );
    expect(outcomes.settle("nobody", "human", "none")).toBe(false);
  });

  it("comes to a journal of before it without a loss", async () => {
    using folder = tempFolder();
    const file = `${folder.path}/journal.db`;
    const db = await openDatabase(file);
    db.exec("DROP TABLE outcomes; DROP TABLE lessons; PRAGMA user_version = 1");
    db.exec("DELETE FROM kysely_migration WHERE name >= '0002'");
    db.prepare(
      "INSERT INTO sessions (id, workspace, title, created_at, updated_at) VALUES ('s', '/w', 't', 1, 1)",
    ).run();
    db.close();
    const newer = await openDatabase(file);
    expect(sqliteOutcomes(newer).list()).toEqual([]);
    expect(newer.prepare("SELECT id FROM sessions").all()).toEqual([{ id: "s" }]);
    newer.close();
    using raw = new DatabaseSync(file);
    expect(raw.prepare("PRAGMA user_version").get()).toEqual({ user_version: 3 });
  });
});

describe("a kept value", () => {
  it("is made once for a key, and anew when the key, the file or a byte of it changed", () => {
    using folder = tempFolder();
    const file = `${folder.path}/state/weights.json`;
    let made = 0;
    const ask = (key: string) => keptValue(file, key, () => ({ number: 0.1 + 0.2, made: ++made, list: [{ a: "é" }] }));
    expect([ask("k").made, ask("k").made, ask("k").number]).toEqual([1, 1, 0.1 + 0.2]);
    expect([ask("l").made, ask("k").made]).toEqual([2, 3]);
    const text = readFileSync(file, "utf8");
    for (const damaged of [
      "",
      "{",
      "null",
      "[]",
      text.slice(0, -9),
      text.replace('"made":3', '"made":4'),
      text.replace('"value"', '"valeu"'),
    ]) {
      writeFileSync(file, damaged);
      const before = made;
      expect(ask("k").made).toBe(before + 1);
    }
    expect(readdirSync(`${folder.path}/state`)).toEqual(["weights.json"]);
  });

  it("is given although it cannot be kept", () => {
    using folder = tempFolder();
    writeFileSync(`${folder.path}/file`, "");
    expect(keptValue(`${folder.path}/file/weights.json`, "k", () => 1)).toBe(1);
  });
});
