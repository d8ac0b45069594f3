/** Checks the audit chain offline: order, gaps, hashes, and that nothing was cut off the end. */
import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { canonicalJson } from "../base/canonical-json.ts";
import { type AuditHead, chainHash, GENESIS, readHead } from "./audit.ts";

export interface AuditReport {
  readonly ok: boolean;
  readonly records: number;
  readonly head: string;
  /** The first problem found, with its line number. */
  readonly problem?: string;
}

/** The head as last written, without reading the whole log; undefined when nothing was recorded yet. */
export function auditHead(folder: string): AuditHead | undefined {
  const file = join(folder, "head.db");
  if (!existsSync(file)) return undefined;
  const db = openForReading(file);
  try {
    const head = readHead(db);
    return head.seq === 0 ? undefined : head;
  } finally {
    db.close();
  }
}

/** A copy on a read-only disk has no room for SQLite's side files: it is read as it lies there. */
function openForReading(file: string): DatabaseSync {
  try {
    const db = new DatabaseSync(file, { readOnly: true });
    db.prepare("SELECT count(*) FROM sqlite_master").get();
    return db;
  } catch {
    return new DatabaseSync(`${pathToFileURL(file).href}?immutable=1`, { readOnly: true });
  }
}

/**
 * Verifies every record of `folder`. `expectedHead` is a head kept elsewhere (printed by `audit head`):
 * it must be in the chain, so that a cut tail shows even when the remembered head was changed as well.
 */
export async function verifyAudit(folder: string, expectedHead?: string): Promise<AuditReport> {
  const file = join(folder, "audit.jsonl");
  const state = { records: 0, hash: GENESIS, seen: expectedHead === undefined || expectedHead === GENESIS };
  const fail = (problem: string): AuditReport => ({ ok: false, records: state.records, head: state.hash, problem });
  if (existsSync(file)) {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: 0 })) {
      const problem = checkLine(line, state);
      if (problem) return fail(`line ${state.records + 1}: ${problem}`);
      state.seen ||= state.hash === expectedHead;
    }
  }
  const remembered = auditHead(folder);
  if (remembered && remembered.seq > state.records) {
    return fail(`the log ends at record ${state.records}, but record ${remembered.seq} was written: the tail was cut`);
  }
  if (!state.seen) return fail(`the expected head ${expectedHead} is not in the chain: the tail was cut or rewritten`);
  return { ok: true, records: state.records, head: state.hash };
}

function checkLine(line: string, state: { records: number; hash: string }): string | undefined {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return "not a JSON record";
  }
  const { hash, ...body } = record;
  if (body["seq"] !== state.records + 1)
    return `record ${String(body["seq"])} stands where ${state.records + 1} is due`;
  if (body["prev"] !== state.hash) return "it does not follow the record before it";
  if (canonicalJson(record) !== line) return "not in canonical form";
  if (chainHash(state.hash, body) !== hash) return "its content does not match its hash";
  state.records++;
  state.hash = String(hash);
  return undefined;
}
