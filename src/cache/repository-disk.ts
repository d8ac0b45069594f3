/** What was worked out about the files of one repository, by content hash, in one SQLite file that may be lost any time. */
import { mkdirSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { slices } from "../base/async.ts";
import type { FileStamp } from "../core/ports/hands.ts";

/** What kind of work; a number behind it changes when the work does. */
export type EntryKind = "symbols.1" | "graph.1" | "embedding.1" | "lsp.1";

export interface KnownFile extends FileStamp {
  readonly hash: string;
  /** False when it had changed so lately that a further change might not show in the stamp. */
  readonly sure: boolean;
}

export interface RepositoryDisk {
  /** Every file looked at so far, by path. */
  files(): Promise<Map<string, KnownFile>>;
  remember(files: readonly KnownFile[], gone: readonly string[]): Promise<void>;
  has(kind: EntryKind, key: string): boolean;
  /** The body as it was put; undefined when it is not there or damaged. */
  get(kind: EntryKind, key: string): Uint8Array | undefined;
  put(kind: EntryKind, entries: readonly (readonly [key: string, body: Uint8Array])[]): void;
  /** Drops symbols of contents that no file has any more, when there are many of them. */
  prune(): void;
  close(): void;
}

const SCHEMA = 1;
const TABLES = `
  CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, size REAL, mtime REAL, ctime REAL, inode REAL, hash TEXT, sure INTEGER) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS entries (kind TEXT, key TEXT, crc INTEGER, body BLOB, PRIMARY KEY (kind, key));
`;
/** Symbols of so many contents beyond three for each file are kept. */
const SPARE = 2000;
/** Rows that are read or written without letting the main thread do other work. */
const ROWS = 2000;
const SLICE_MS = 8;
/** Graphs of so many folders are kept. */
const GRAPHS = 8;

/** Opens `folder`/repository.db, or memory without a folder. A file that is damaged or of another schema is made anew. */
export function openRepositoryDisk(folder: string | undefined): RepositoryDisk {
  if (folder === undefined) return diskOf(prepare(new DatabaseSync(":memory:")));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = `${folder}/repository.db`;
  try {
    return diskOf(prepare(new DatabaseSync(file)));
  } catch (error) {
    if (!isDamage(error)) throw error;
    dropRepositoryDisk(folder);
    return diskOf(prepare(new DatabaseSync(file)));
  }
}

export function dropRepositoryDisk(folder: string): void {
  for (const ending of ["", "-wal", "-shm"]) rmSync(`${folder}/repository.db${ending}`, { force: true });
}

/** What was put is not there as it was put. */
export class RepositoryDamage extends Error {
  override readonly name = "RepositoryDamage";
}

/** Result codes of SQLite (sqlite.org/rescode.html): CORRUPT 11, NOTADB 26, ERROR 1 for tables that are not as ours. */
export function isDamage(error: unknown): boolean {
  if (error instanceof RepositoryDamage) return true;
  const code = typeof error === "object" && error !== null && "errcode" in error ? Number(error.errcode) & 0xff : 0;
  return code === 11 || code === 26 || code === 1;
}

/** Nothing here need survive a power cut. */
function prepare(db: DatabaseSync): DatabaseSync {
  try {
    db.exec("PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
    const version = Number(Object.values(db.prepare("PRAGMA user_version").get() ?? {})[0]);
    if (version !== SCHEMA) db.exec("DROP TABLE IF EXISTS files; DROP TABLE IF EXISTS entries");
    db.exec(`${TABLES} PRAGMA user_version = ${SCHEMA}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function diskOf(db: DatabaseSync): RepositoryDisk {
  const some = db.prepare(
    "SELECT path, size, mtime, ctime, inode, hash, sure FROM files WHERE path > ? ORDER BY path LIMIT ?",
  );
  some.setReturnArrays(true);
  const forget = db.prepare("DELETE FROM files WHERE path = ?");
  const note = db.prepare("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)");
  const find = db.prepare("SELECT 1 FROM entries WHERE kind = ? AND key = ?");
  const read = db.prepare("SELECT crc, body FROM entries WHERE kind = ? AND key = ?");
  const write = db.prepare("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)");
  const count = (text: string) => Number(Object.values(db.prepare(text).get() ?? {})[0]);
  const together = (work: () => void) => {
    db.exec("BEGIN IMMEDIATE");
    try {
      work();
      db.exec("COMMIT");
    } catch (error) {
      db.exec("ROLLBACK");
      throw error;
    }
  };
  return {
    files: async () => {
      const pause = slices(SLICE_MS);
      const files = new Map<string, KnownFile>();
      for (let last = ""; ; ) {
        const rows = some.all(last, ROWS) as unknown as [string, number, number, number, number, string, number][];
        for (const [path, size, mtimeMs, ctimeMs, inode, hash, sure] of rows)
          files.set(path, { path, size, mtimeMs, ctimeMs, inode, hash, sure: sure === 1 });
        if (rows.length < ROWS) return files;
        last = rows.at(-1)?.[0] ?? "";
        await pause();
      }
    },
    remember: async (files, gone) => {
      const pause = slices(SLICE_MS);
      for (let at = 0; at < Math.max(files.length, gone.length); at += ROWS) {
        together(() => {
          for (const path of gone.slice(at, at + ROWS)) forget.run(path);
          for (const { path, size, mtimeMs, ctimeMs, inode, hash, sure } of files.slice(at, at + ROWS))
            note.run(path, size, mtimeMs, ctimeMs, inode, hash, sure ? 1 : 0);
        });
        await pause();
      }
    },
    has: (kind, key) => find.get(kind, key) !== undefined,
    get: (kind, key) => {
      const row = read.get(kind, key);
      const body = row?.["body"];
      return body instanceof Uint8Array && crc32(body) === row?.["crc"] ? body : undefined;
    },
    put: (kind, entries) =>
      together(() => {
        for (const [key, body] of entries) write.run(kind, key, crc32(body), body);
      }),
    prune: () => {
      const kept = count("SELECT count(*) FROM files") * 3 + SPARE;
      if (count("SELECT count(*) FROM entries WHERE kind = 'symbols.1'") > kept)
        db.exec("DELETE FROM entries WHERE kind = 'symbols.1' AND key NOT IN (SELECT hash FROM files)");
      if (count("SELECT count(*) FROM entries WHERE kind = 'graph.1'") > GRAPHS)
        db.exec("DELETE FROM entries WHERE kind = 'graph.1'");
    },
    close: () => db.close(),
  };
}
