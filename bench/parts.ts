/** Single parts, from source in this process: the gate's eight checks, the journal, the audit log, the sandbox. */
import { closeSync, fdatasyncSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../src/base/clock.ts";
import { USER_LABEL } from "../src/core/label.ts";
import { gatherAction, type Policy } from "../src/guard/action.ts";
import { judge } from "../src/guard/judge.ts";
import { createRedactor } from "../src/guard/redact.ts";
import { checks } from "../src/parts.ts";
import { openDatabase } from "../src/store/database.ts";
import { sqliteSessions } from "../src/store/sessions.ts";
import { policyWith, shellTool } from "../test/kit/guard.ts";
import { auditRows } from "./audit.ts";
import { makePlace, quantile, type Row } from "./kit.ts";
import { measureSandbox, pathFacts } from "./sandbox.ts";

export async function parts(): Promise<Row[]> {
  return [...(await gate()), ...redaction(), ...(await journal()), ...(await auditRows()), ...(await sandbox())];
}

/** Every command of the corpus, with real path facts; the first passes only warm up. */
async function gate(): Promise<Row[]> {
  using place = makePlace();
  const policy = policyWith({ paths: { ...policyWith().paths, facts: pathFacts(place) } });
  const commands = readFileSync(join(import.meta.dirname, "../test/corpus/commands.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => String((JSON.parse(line) as { command: unknown }).command));
  const actor = { id: "local", role: "user" as const, scopes: ["prompt"] };
  const micros: number[] = [];
  for (let pass = 0; pass < 8; pass++) {
    for (const [index, command] of commands.entries()) {
      const call = { type: "tool-call" as const, id: `${pass}.${index}`, tool: "shell", input: { command } };
      const started = performance.now();
      await judge(
        await gatherAction({ call, tool: shellTool, actor, policy, context: USER_LABEL, running: 0, fresh: true }),
        checks,
      );
      if (pass > 3) micros.push((performance.now() - started) * 1000);
    }
  }
  const note = `${commands.length} commands of the corpus, parsing included`;
  return [
    { item: "gate, eight checks, p50", value: quantile(micros, 0.5), unit: "us", budget: { most: 100 }, note },
    { item: "gate, eight checks, p95", value: quantile(micros, 0.95), unit: "us", budget: { most: 300 } },
    await longCommands(policy),
  ];
}

/** 64 kB of one command: a file written by a here-document, one long text, one list of words. The slowest counts. */
async function longCommands(policy: Policy): Promise<Row> {
  const commands = [
    `cat > src/a.ts <<'EOF'\n${"const a = 1;\n".repeat(5000)}EOF\n`,
    `echo '${"x ".repeat(32_000)}'`,
    `echo ${"a.b ".repeat(16_000)}`,
  ];
  const actor = { id: "local", role: "user" as const, scopes: ["prompt"] };
  const medians: number[] = [];
  for (const command of commands) {
    const times: number[] = [];
    for (let pass = 0; pass < 30; pass++) {
      const call = { type: "tool-call" as const, id: `long.${pass}`, tool: "shell", input: { command } };
      const started = performance.now();
      await judge(
        await gatherAction({ call, tool: shellTool, actor, policy, context: USER_LABEL, running: 0, fresh: true }),
        checks,
      );
      if (pass >= 10) times.push(performance.now() - started);
    }
    medians.push(quantile(times, 0.5));
  }
  const note = "a here-document, a text, a list of words";
  return { item: "gate, eight checks, 64 kB", value: Math.max(...medians), unit: "ms", budget: { most: 5 }, note };
}

/** This program's own sources: code, comments, long names. */
function redaction(): Row[] {
  // Ordinary sources; the redactor's own, full of what looks like secrets, take about a quarter longer.
  const folder = join(import.meta.dirname, "../src");
  const text = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
  const redactor = createRedactor(
    "bench",
    Array.from({ length: 12 }, (_, n) => `known-value-of-a-key-${n}`),
  );
  const perKilobyte = (work: () => unknown) => {
    const times = Array.from({ length: 15 }, () => {
      const started = performance.now();
      work();
      return ((performance.now() - started) * 1000 * 1024) / text.length;
    });
    return quantile(times, 0.5);
  };
  return [
    {
      item: "redaction",
      value: perKilobyte(() => redactor.text(text)),
      floor: perKilobyte(() => text.toLowerCase().includes("no such word anywhere")),
      unit: "us/kB",
      budget: { most: 20 },
      note: `${Math.round(text.length / 1024)} kB of sources, 12 known values; floor: lower case and one search`,
    },
  ];
}

const GROUP = 250;
const GROUPS = 80;

/** As many events as gather in one group at the budget's rate, made durable together. */
async function journal(): Promise<Row[]> {
  using place = makePlace();
  const db = await openDatabase(join(place.home, "journal.db"));
  const journal = sqliteSessions(db, systemClock).create({ id: "bench", workspace: place.folder, title: "bench" });
  const file = openSync(join(place.home, "floor.jsonl"), "a");
  const rates: { own: number[]; bare: number[] } = { own: [], bare: [] };
  let seconds = 0;
  for (let group = 0; group < GROUPS; group++) {
    let started = performance.now();
    const events = Array.from({ length: GROUP }, (_, n) =>
      journal.append({
        kind: "message-added",
        message: { role: "user", parts: [{ type: "text", text: `event ${n}` }] },
        reason: "bench",
      }),
    );
    await journal.flushed();
    seconds += (performance.now() - started) / 1000;
    rates.own.push((GROUP * 1000) / (performance.now() - started));
    started = performance.now();
    writeSync(file, events.map((event) => `${JSON.stringify(event)}\n`).join(""));
    fdatasyncSync(file);
    rates.bare.push((GROUP * 1000) / (performance.now() - started));
  }
  await journal.close();
  closeSync(file);
  db.close();
  return [
    {
      item: "journal, durable",
      value: (GROUP * GROUPS) / seconds,
      unit: "events/s",
      floor: quantile(rates.bare, 0.5),
      budget: { least: 10_000 },
      note: `groups of ${GROUP}; floor: lines and fdatasync`,
    },
  ];
}

async function sandbox(): Promise<Row[]> {
  const times = await measureSandbox();
  const row = (item: string, kind: keyof typeof times, share: number): Row => ({
    item,
    value: quantile(times[kind], share),
    unit: "ms",
    floor: quantile(times.off, share),
  });
  return [
    { ...row("sandbox, waiting spare, p50", "spare", 0.5), note: "true; floor: no sandbox" },
    row("sandbox, waiting spare, p95", "spare", 0.95),
    row("sandbox, cold, p50", "cold", 0.5),
  ];
}
