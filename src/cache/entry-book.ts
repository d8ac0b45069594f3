/** The answers of each scope with their vectors and evidence, in the cache's SQLite file: what the index is rebuilt from. */
import * as z from "zod/mini";
import { CacheEntry, CacheEvidence, type CacheScope } from "../core/cache.ts";
import { openOrRemake } from "./open-file.ts";

export interface BookRow {
  readonly entry: CacheEntry;
  /** Of the embedding model named by the space; absent until it was embedded. */
  readonly vector?: Float32Array;
}

export interface EntryBook {
  /** Newest first, none past its time. */
  list(scope: CacheScope, model: string, now: number): readonly BookRow[];
  put(row: BookRow & { readonly model: string; readonly expires: number }): void;
  update(entry: CacheEntry): void;
  remove(id: string): void;
  evidence(kind: string): CacheEvidence;
  setEvidence(kind: string, evidence: CacheEvidence): void;
  kinds(): readonly (CacheEvidence & { readonly kind: string })[];
  count(): number;
  clear(): number;
  /** How often the file was cleared, by whichever process. */
  cleared(): number;
  close(): void;
}

const SCHEMA = `CREATE TABLE IF NOT EXISTS answers (
  id TEXT PRIMARY KEY, scope TEXT NOT NULL, model TEXT NOT NULL, entry TEXT NOT NULL, vector BLOB, created INTEGER NOT NULL, expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_by_scope ON answers (scope, model, created);
CREATE TABLE IF NOT EXISTS evidence (kind TEXT PRIMARY KEY, agreed INTEGER NOT NULL, disagreed INTEGER NOT NULL) WITHOUT ROWID;`;
const NONE: CacheEvidence = { agreed: 0, disagreed: 0 };

/** `maxEntries`: the oldest of all scopes go first. */
export function openEntryBook(file: string, maxEntries: number): EntryBook {
  const db = openOrRemake(file, SCHEMA);
  const keyOf = ({ user, workspace, role }: CacheScope) => JSON.stringify([user, workspace, role]);
  const run = (sql: string) => db.prepare(sql);
  const statements = {
    list: run(
      "SELECT entry, vector FROM answers WHERE scope = ? AND model IN (?, '') AND expires > ? ORDER BY created DESC",
    ),
    put: run("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)"),
    update: run("UPDATE answers SET entry = ? WHERE id = ?"),
    remove: run("DELETE FROM answers WHERE id = ?"),
    trim: run(
      "DELETE FROM answers WHERE expires <= ? OR id IN (SELECT id FROM answers ORDER BY created DESC LIMIT -1 OFFSET ?)",
    ),
    evidence: run("SELECT agreed, disagreed FROM evidence WHERE kind = ?"),
    setEvidence: run("INSERT OR REPLACE INTO evidence VALUES (?, ?, ?)"),
    kinds: run("SELECT kind, agreed, disagreed FROM evidence ORDER BY kind"),
    count: run("SELECT count(*) AS count FROM answers"),
    clear: run("DELETE FROM answers"),
    forget: run("DELETE FROM evidence"),
  };
  const version = run("PRAGMA user_version");
  const cleared = () => Number(version.get()?.["user_version"]);
  return {
    list: (scope, model, now) => statements.list.all(keyOf(scope), model, now).flatMap(rowOf),
    put({ entry, vector, model, expires }) {
      const bytes = vector ? new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength) : null;
      statements.put.run(
        entry.id,
        keyOf(entry.scope),
        vector ? model : "",
        JSON.stringify(entry),
        bytes,
        entry.createdAt,
        expires,
      );
      statements.trim.run(entry.createdAt, maxEntries);
    },
    update: (entry) => void statements.update.run(JSON.stringify(entry), entry.id),
    remove: (id) => void statements.remove.run(id),
    evidence(kind) {
      const found = z.safeParse(CacheEvidence, { ...statements.evidence.get(kind) });
      return found.success ? found.data : NONE;
    },
    setEvidence: (kind, { agreed, disagreed }) => void statements.setEvidence.run(kind, agreed, disagreed),
    kinds: () =>
      statements.kinds.all().map((row) => ({
        kind: String(row["kind"]),
        agreed: Number(row["agreed"]),
        disagreed: Number(row["disagreed"]),
      })),
    count: () => Number(statements.count.get()?.["count"]),
    clear() {
      statements.forget.run();
      const { changes } = statements.clear.run();
      db.exec(`PRAGMA user_version = ${(cleared() + 1) % 2 ** 31}`);
      return Number(changes);
    },
    cleared,
    close: () => db.close(),
  };
}

/** A row that an older version wrote in another form is none. */
function rowOf(row: Record<string, unknown>): BookRow[] {
  let json: unknown;
  try {
    json = JSON.parse(String(row["entry"]));
  } catch {
    return [];
  }
  const entry = z.safeParse(CacheEntry, json);
  if (!entry.success) return [];
  const bytes = row["vector"];
  if (!(bytes instanceof Uint8Array)) return [{ entry: entry.data }];
  return [{ entry: entry.data, vector: new Float32Array(Uint8Array.from(bytes).buffer) }];
}
