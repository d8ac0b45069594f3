/** The audit log: JSON lines in one hash chain over all processes of this user; each record is on disk before its action. */
import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { canonicalJson } from "../base/canonical-json.ts";
import type { Clock } from "../base/clock.ts";
import { CrucibleError } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";
import type { AuditPort, AuditRecord } from "../core/ports/store.ts";

/** Where the chain stands: the hash of its last record and the length of its file in bytes. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
  readonly bytes: number;
}

/** The chain begins here: the "previous hash" of record 1. */
export const GENESIS = "0".repeat(64);

/** Hash of a record: SHA-256 over the previous hash, a line feed and the record's canonical JSON without `hash`. */
export function chainHash(previous: string, record: object): string {
  return sha256(`${previous}\n${canonicalJson(record)}`);
}

/**
 * Opens the chain in `folder` (`audit.jsonl`, and `head.db`, which is both the lock between processes and
 * the remembered head). A torn last line was never acknowledged and is cut off.
 */
export function openAudit(folder: string, clock: Clock, redact: <T>(value: T) => T): AuditPort & { close(): void } {
  let files: { fd: number; head: DatabaseSync } | undefined;
  const open = () => {
    if (files) return files;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const head = openHead(folder);
    head.exec(
      "CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER, hash TEXT, bytes INTEGER)",
    );
    files = { fd: openSync(join(folder, "audit.jsonl"), "a+", 0o600), head };
    return files;
  };
  return {
    async append(record) {
      try {
        return appendLocked(open(), { at: new Date(clock.now()).toISOString(), ...record }, redact);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new CrucibleError("audit", `the audit log in ${folder} cannot be written: ${reason}`, {
          hint: "no action runs without its audit record: free disk space or make the folder writable, then `crucible -c`",
          cause: error,
        });
      }
    },
    close() {
      if (!files) return;
      closeSync(files.fd);
      files.head.close();
      files = undefined;
    },
  };
}

/** Opens the lock and head database of an audit folder. */
function openHead(folder: string): DatabaseSync {
  const head = new DatabaseSync(join(folder, "head.db"));
  // The JSON lines are the truth and are synchronised; the head may be rebuilt from them.
  head.exec("PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  return head;
}

function appendLocked(
  files: { fd: number; head: DatabaseSync },
  record: AuditRecord & { readonly at: string },
  redact: <T>(value: T) => T,
): { seq: number; hash: string } {
  const { fd, head } = files;
  head.exec("BEGIN IMMEDIATE");
  try {
    const last = catchUp(fd, readHead(head));
    const seq = last.seq + 1;
    const body = JSON.parse(JSON.stringify({ seq, ...redact(record), prev: last.hash })) as Record<string, unknown>;
    const hash = chainHash(last.hash, body);
    const line = Buffer.from(`${canonicalJson({ ...body, hash })}\n`);
    writeAll(fd, line, last.bytes);
    fdatasyncSync(fd);
    head
      .prepare(
        "INSERT INTO head (id, seq, hash, bytes) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, bytes = excluded.bytes",
      )
      .run(seq, hash, last.bytes + line.length);
    head.exec("COMMIT");
    return { seq, hash };
  } catch (error) {
    if (head.isTransaction) head.exec("ROLLBACK");
    throw error;
  }
}

/** A write cut short (full disk) leaves no half line behind. */
function writeAll(fd: number, line: Buffer, start: number): void {
  try {
    let written = 0;
    while (written < line.length) written += writeSync(fd, line, written);
  } catch (error) {
    ftruncateSync(fd, start);
    throw error;
  }
}

/** The remembered head, or the genesis of an empty chain. */
export function readHead(head: DatabaseSync): AuditHead {
  const row = head.prepare("SELECT seq, hash, bytes FROM head WHERE id = 1").get();
  if (!row) return { seq: 0, hash: GENESIS, bytes: 0 };
  return { seq: Number(row["seq"]), hash: String(row["hash"]), bytes: Number(row["bytes"]) };
}

/** Takes in whole lines that a crash left after the remembered head, and cuts a torn one. */
function catchUp(fd: number, head: AuditHead): AuditHead {
  const size = fstatSync(fd).size;
  if (size === head.bytes) return head;
  if (size < head.bytes) {
    throw new Error(
      `the log has ${size} bytes where ${head.bytes} were written: it was cut; run \`crucible audit verify\``,
    );
  }
  const tail = Buffer.alloc(size - head.bytes);
  readSync(fd, tail, 0, tail.length, head.bytes);
  const end = tail.lastIndexOf(0x0a) + 1;
  let current = head;
  for (const line of tail.subarray(0, end).toString("utf8").split("\n").filter(Boolean)) {
    const record = JSON.parse(line) as { seq: number; hash: string };
    current = { seq: record.seq, hash: record.hash, bytes: current.bytes };
  }
  if (end < tail.length) ftruncateSync(fd, head.bytes + end);
  return { ...current, bytes: head.bytes + end };
}
