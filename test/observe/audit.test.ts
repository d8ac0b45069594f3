import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { GENESIS, openAudit } from "../../src/observe/audit.ts";
import { auditHead, verifyAudit } from "../../src/observe/audit-verify.ts";
import { tempFolder } from "../kit/temp.ts";

const same = <T>(value: T): T => value;
const record = (n: number) =>
  ({
    action: "tool-decision",
    session: "s",
    actor: "local",
    tool: "shell",
    callId: `c${n}`,
    decision: "allow",
  }) as const;

async function written(folder: string, count: number): Promise<string> {
  const audit = openAudit(folder, systemClock, same);
  for (let i = 0; i < count; i++) await audit.append(record(i));
  audit.close();
  return readFileSync(`${folder}/audit.jsonl`, "utf8");
}

describe("the audit chain", () => {
  it("verifies, names its head, and goes on after a restart", async () => {
    using folder = tempFolder();
    await written(folder.path, 3);
    await written(folder.path, 2);
    const report = await verifyAudit(folder.path);
    expect(report).toMatchObject({ ok: true, records: 5 });
    expect(auditHead(folder.path)).toMatchObject({ seq: 5, hash: report.head });
  });

  it("an empty log is intact", async () => {
    using folder = tempFolder();
    expect(await verifyAudit(folder.path)).toEqual({ ok: true, records: 0, head: GENESIS });
    expect(auditHead(folder.path)).toBeUndefined();
  });

  it("two writers keep one chain", async () => {
    using folder = tempFolder();
    const [a, b] = [openAudit(folder.path, systemClock, same), openAudit(folder.path, systemClock, same)];
    for (let i = 0; i < 10; i++) await (i % 2 ? a : b).append(record(i));
    a.close();
    b.close();
    expect(await verifyAudit(folder.path)).toMatchObject({ ok: true, records: 10 });
  });

  it("finds every flipped byte, deleted, repeated or swapped record", async () => {
    using folder = tempFolder();
    const text = await written(folder.path, 6);
    const lines = text.trimEnd().split("\n");
    const file = `${folder.path}/audit.jsonl`;
    const broken = async (content: string) => {
      writeFileSync(file, content);
      return (await verifyAudit(folder.path)).ok === false;
    };
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: text.length - 2 }), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Buffer.from(text);
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        expect(await broken(bytes.toString("latin1"))).toBe(true);
      }),
      { numRuns: 120 },
    );
    for (let i = 0; i < lines.length; i++) {
      const without = lines.filter((_, index) => index !== i);
      expect(await broken(`${without.join("\n")}\n`), `record ${i + 1} deleted`).toBe(true);
      expect(
        await broken(`${[...lines.slice(0, i), lines[i], ...lines.slice(i)].join("\n")}\n`),
        `record ${i + 1} repeated`,
      ).toBe(true);
    }
    expect(await broken(`${[lines[1], lines[0], ...lines.slice(2)].join("\n")}\n`)).toBe(true);
  });

  it("finds a cut tail by the remembered head, and by a head kept elsewhere when that was changed too", async () => {
    using folder = tempFolder();
    const text = await written(folder.path, 4);
    const head = auditHead(folder.path)?.hash ?? "";
    const lines = text.trimEnd().split("\n");
    writeFileSync(`${folder.path}/audit.jsonl`, `${lines.slice(0, 3).join("\n")}\n`);
    expect((await verifyAudit(folder.path)).problem).toMatch(/tail was cut/);
    const { DatabaseSync } = await import("node:sqlite");
    new DatabaseSync(`${folder.path}/head.db`).exec("DELETE FROM head");
    expect(await verifyAudit(folder.path)).toMatchObject({ ok: true, records: 3 });
    expect((await verifyAudit(folder.path, head)).problem).toMatch(/expected head/);
  });

  it("cuts a torn last line that was never acknowledged, and refuses a log that was cut", async () => {
    using folder = tempFolder();
    await written(folder.path, 2);
    appendFileSync(`${folder.path}/audit.jsonl`, '{"seq":3,"torn');
    await written(folder.path, 1);
    expect(await verifyAudit(folder.path)).toMatchObject({ ok: true, records: 3 });
    truncateSync(`${folder.path}/audit.jsonl`, 10);
    await expect(written(folder.path, 1)).rejects.toThrow(/it was cut/);
  });

  it("takes in a whole record that a crash left after the remembered head", async () => {
    using folder = tempFolder();
    const text = await written(folder.path, 3);
    const { DatabaseSync } = await import("node:sqlite");
    const [one = ""] = text.split("\n");
    const first = JSON.parse(one) as { hash: string };
    new DatabaseSync(`${folder.path}/head.db`)
      .prepare("UPDATE head SET seq = 1, hash = ?, bytes = ?")
      .run(first.hash, one.length + 1);
    await written(folder.path, 1);
    expect(await verifyAudit(folder.path)).toMatchObject({ ok: true, records: 4 });
  });

  it("redacts before it hashes", async () => {
    using folder = tempFolder();
    const audit = openAudit(folder.path, systemClock, (value) =>
      JSON.parse(JSON.stringify(value).replaceAll("hunter2", "[redacted]")),
    );
    await audit.append({ ...record(1), details: { title: "echo hunter2" } });
    audit.close();
    expect(readFileSync(`${folder.path}/audit.jsonl`, "utf8")).not.toContain("hunter2");
    expect((await verifyAudit(folder.path)).ok).toBe(true);
  });
});
