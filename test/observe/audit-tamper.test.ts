/** Whatever is changed in a log or its checkpoints is found. */
import { appendFileSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canonicalJson } from "../../src/base/canonical-json.ts";
import { sha256 } from "../../src/base/hash.ts";
import { segmentFile, segmentsOf } from "../../src/observe/audit-files.ts";
import { auditState } from "../../src/observe/audit-verify.ts";
import { type AuditKit, auditKit, entry } from "../kit/audit.ts";

/** Five segments of a few records and one checkpoint each, one older segment removed by retention. */
let kit: AuditKit;
let whole: Map<string, Buffer>;
let texts: [string, Buffer][];
let head: string;

beforeAll(async () => {
  kit = auditKit();
  await kit.written(14, { segmentBytes: 3000 });
  kit.now += 40 * 86_400_000;
  await kit.written(16, { segmentBytes: 3000, keepMs: 35 * 86_400_000 });
  whole = kit.files();
  texts = [...whole].filter(([file]) => /\.(?:jsonl|checkpoints)$/.test(file));
  head = auditState(kit.folder)?.head.hash ?? "";
  const report = await kit.verify({ head });
  expect(report, report.problem).toMatchObject({ ok: true });
  expect(report.first).toBeGreaterThan(1);
  expect(texts.length).toBeGreaterThan(4);
});
afterEach(async () => expect(await kit.verify({ head })).toMatchObject({ ok: true }));
afterAll(() => kit[Symbol.dispose]());

/** True when verifying finds something with these files changed; everything is put back. */
async function found(changes: readonly (readonly [string, Buffer])[], kept: { head?: string } = {}): Promise<boolean> {
  for (const [file, bytes] of changes) writeFileSync(file, bytes);
  const { ok } = await kit.verify(kept);
  for (const [file] of changes) writeFileSync(file, whole.get(file) ?? Buffer.alloc(0));
  return !ok;
}

const inText = fc.nat().chain((one) => {
  const index = fc.constant(one);
  return fc.tuple(index, fc.nat(), fc.integer({ min: 1, max: 255 }));
});
const pick = (one: number, at: number) => {
  const [file, bytes] = texts[one % texts.length] ?? ["", Buffer.alloc(1)];
  return { file, bytes, at: at % bytes.length };
};

describe("a changed byte", () => {
  it("flipped is found", async () => {
    await fc.assert(
      fc.asyncProperty(inText, async ([one, place, flip]) => {
        const { file, bytes, at } = pick(one, place);
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(await found([[file, changed]]), `${file} ${at}`).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it("taken out or put in is found", async () => {
    await fc.assert(
      fc.asyncProperty(inText, async ([one, place, byte]) => {
        const { file, bytes, at } = pick(one, place);
        const out = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
        const more = Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at)]);
        // The empty line behind the last checkpoint is no part of it.
        const whatIsSigned = file.endsWith(".checkpoints") ? bytes.length - 2 : bytes.length;
        expect(await found([[file, out]]), `${file} ${at} out`).toBe(at < whatIsSigned);
        expect(await found([[file, more]]), `${file} ${at} in`).toBe(true);
      }),
      { numRuns: 250 },
    );
  });
});

describe("a record", () => {
  const logs = () => texts.filter(([file]) => file.endsWith(".jsonl"));
  const linesOf = (bytes: Buffer) => bytes.toString("utf8").split("\n").slice(0, -1);
  const joined = (lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(""));

  it("deleted, repeated, swapped with any other, or moved to another segment is found", async () => {
    const all = logs().flatMap(([file, bytes]) => linesOf(bytes).map((line, at) => ({ file, line, at })));
    const rewritten = (file: string, change: (lines: string[]) => unknown): [string, Buffer] => {
      const lines = linesOf(whole.get(file) ?? Buffer.alloc(0));
      change(lines);
      return [file, joined(lines)];
    };
    for (const { file, line, at } of all) {
      expect(await found([rewritten(file, (lines) => lines.splice(at, 1))])).toBe(true);
      expect(await found([rewritten(file, (lines) => lines.splice(at, 0, line))])).toBe(true);
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), async (one, two) => {
        const a = all[one % all.length];
        const b = all[two % all.length];
        if (!a || !b || a === b) return;
        const set = (at: number, line: string) => (lines: string[]) => lines.splice(at, 1, line);
        const both = (lines: string[]) => {
          set(a.at, b.line)(lines);
          set(b.at, a.line)(lines);
        };
        const swapped =
          a.file === b.file
            ? [rewritten(a.file, both)]
            : [rewritten(a.file, set(a.at, b.line)), rewritten(b.file, set(b.at, a.line))];
        expect(await found(swapped)).toBe(true);
        if (a.file === b.file) return;
        const moved = [
          rewritten(a.file, (lines) => lines.splice(a.at, 1)),
          rewritten(b.file, (lines) => lines.splice(b.at, 0, a.line)),
        ];
        expect(await found(moved)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("cut off the end is found with a head kept elsewhere, though all that is remembered was removed too", async () => {
    const all = logs();
    const total = all.reduce((sum, [, bytes]) => sum + linesOf(bytes).length, 0);
    for (let keep = 0; keep < total; keep++) {
      let left = keep;
      for (const [file, bytes] of all) {
        const lines = linesOf(bytes);
        if (left <= 0) rmSync(file);
        else writeFileSync(file, joined(lines.slice(0, left)));
        left -= lines.length;
      }
      for (const file of whole.keys()) if (file.includes("head.db")) rmSync(file, { force: true });
      const { ok } = await kit.verify({ head });
      kit.restore(whole);
      expect(ok, `${keep} records kept`).toBe(false);
    }
  });

  it("a whole segment taken away is found", async () => {
    for (const [file] of logs()) {
      rmSync(file);
      expect((await kit.verify()).ok, file).toBe(false);
      kit.restore(whole);
    }
  });
});

describe("checkpoints", () => {
  it("each taken out, repeated with another root or swapped is found or harmless", async () => {
    const [file = "", bytes = Buffer.alloc(0)] = texts.find(([name]) => name.endsWith(".checkpoints")) ?? [];
    const notes = bytes.toString("utf8").split(/(?<=\u2014 \S+ \S+\n\n)/);
    expect(notes.length).toBeGreaterThan(4);
    // The one that was written last is remembered; a log with fewer checkpoints in between is as good.
    expect(await found([[file, Buffer.from(notes.slice(0, -1).join(""))]])).toBe(true);
    expect(await found([[file, Buffer.from([...notes].reverse().join(""))]])).toBe(false);
    const other = (notes.at(-1) ?? "").replace(/\n(\d+)\n/, "\n1$1\n");
    expect(await found([[file, Buffer.from([...notes, other].join(""))]])).toBe(true);
  });

  it("a head.db that is none is a finding, not a crash", async () => {
    const [file = ""] = [...whole.keys()].filter((name) => name.endsWith("head.db"));
    expect(await found([[file, Buffer.from("x".repeat(4096))]])).toBe(true);
  });
});

describe("records that no checkpoint covers yet", () => {
  /** Four records, none covered; `change` rewrites their lines. */
  async function changed(change: (lines: string[]) => void, memory: "kept" | "gone" = "kept"): Promise<string> {
    using fresh = auditKit();
    const audit = fresh.open();
    for (let n = 0; n < 4; n++) await audit.append(entry(n));
    const lines = readFileSync(segmentFile(fresh.folder, 1), "utf8").split("\n").slice(0, -1);
    change(lines);
    writeFileSync(segmentFile(fresh.folder, 1), lines.map((line) => `${line}\n`).join(""));
    if (memory === "gone") rmSync(join(fresh.folder, "head.db"));
    return (await fresh.verify()).problem ?? "";
  }
  /** The same record with other content and a hash that fits it. */
  const resealed = (line = "", change: (text: string) => string = (text) => text.replace("allow", "deny")) => {
    const { hash: _hash, ...body } = JSON.parse(change(line)) as Record<string, unknown>;
    return canonicalJson({ ...body, hash: sha256(`${body["prev"]}\n${canonicalJson(body)}`) });
  };

  it("every byte flipped or taken out is found, in U+FFFD too", async () => {
    using fresh = auditKit();
    const audit = fresh.open();
    for (let n = 0; n < 2; n++) await audit.append(entry(n));
    const file = segmentFile(fresh.folder, 1);
    const bytes = readFileSync(file);
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      for (const other of [flipped, Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])]) {
        writeFileSync(file, other);
        expect((await fresh.verify()).ok, `byte ${at}`).toBe(false);
      }
    }
  });

  it("one rewritten with a hash of its own is found by the next one, the last by what is remembered", async () => {
    const rewritten = (at: number) => (lines: string[]) => lines.splice(at, 1, resealed(lines[at]));
    expect(await changed(rewritten(1), "gone")).toMatch(/line 3: it does not follow the record before it/);
    expect(await changed(rewritten(3))).toMatch(/line 4: it is not the record that was remembered/);
  });

  it("one that is not canonical is found whatever its hash", async () => {
    const spaced = (lines: string[]) => {
      const { hash: _hash, prev, ...body } = JSON.parse(lines[3] ?? "") as Record<string, unknown>;
      const text = JSON.stringify({ z: 1, ...body, prev });
      lines.splice(3, 1, text.replace('"prev"', `"hash":"${sha256(`${prev}\n${text}`)}","prev"`));
    };
    expect(await changed(spaced, "gone")).toMatch(/line 4: not in canonical form/);
  });

  it("a torn line is a finding where nothing tells that it was not acknowledged, and inside the log", async () => {
    using fresh = auditKit();
    const audit = fresh.open();
    await audit.append(entry(1));
    appendFileSync(segmentFile(fresh.folder, 1), "{");
    expect(await fresh.verify()).toMatchObject({ ok: true, records: 1 });
    rmSync(join(fresh.folder, "head.db"));
    expect((await fresh.verify()).problem).toMatch(/the line after record 1 is torn/);
    const [first] = texts.find(([file]) => file.endsWith(".jsonl")) ?? [""];
    expect(await found([[first, Buffer.concat([whole.get(first) ?? Buffer.alloc(0), Buffer.from("{")])]])).toBe(true);
  });
});

describe("a log that was rewritten as a whole, head and all", () => {
  const DAY_MS = 86_400_000;

  /** Verifies the log of one kit with the key and the checkpoints of another of the same shape. */
  async function exchanged(make: (made: AuditKit) => Promise<void>): Promise<string> {
    using honest = auditKit();
    using forged = auditKit();
    forged.session = "t";
    await make(honest);
    await make(forged);
    for (const { file } of segmentsOf(honest.folder)) rmSync(file);
    for (const name of readdirSync(forged.folder))
      if (name !== "key.pem") copyFileSync(join(forged.folder, name), join(honest.folder, name));
    return (await honest.verify()).problem ?? "";
  }

  it("is found by the checkpoints", async () => {
    expect(await exchanged((made) => made.written(5))).toMatch(/the checkpoint over 5 records does not fit/);
  });

  it("is found when its rewritten part was removed", async () => {
    const make = async (made: AuditKit) => {
      await made.written(14, { segmentBytes: 3000 });
      made.now += 40 * DAY_MS;
      await made.written(16, { segmentBytes: 3000, keepMs: 35 * DAY_MS });
      expect((await made.verify()).first).toBeGreaterThan(1);
    };
    expect(await exchanged(make)).toMatch(/no checkpoint vouches for the \d+ records before it/);
  });
});
