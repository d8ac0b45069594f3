/** Tables of the undo store, and how contents that nothing names any more are let go. */
import type { DatabaseSync } from "node:sqlite";
import type { SavedEntry } from "../core/ports/undo.ts";
import type { UndoStoreOptions } from "./undo-store.ts";

export const VERSION = 1;

/**
 * `listings` and `files`: each root as one process last saw it. `windows`: commands that run. `turns` and `changes`:
 * what each turn did, in order. `restores`: restores that were begun. `before_hash`, `after_hash` and `hash` name objects.
 */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS objects (hash TEXT PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS listings (id INTEGER PRIMARY KEY, root TEXT NOT NULL, owner TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS files (
  listing INTEGER NOT NULL, path TEXT NOT NULL, entry TEXT NOT NULL, stamp TEXT NOT NULL, hash TEXT,
  PRIMARY KEY (listing, path)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_by_hash ON files (hash);
CREATE TABLE IF NOT EXISTS windows (
  owner TEXT NOT NULL, call TEXT NOT NULL, session TEXT NOT NULL, turn INTEGER NOT NULL, workspace TEXT NOT NULL,
  until INTEGER NOT NULL, background INTEGER NOT NULL, PRIMARY KEY (session, call)
);
CREATE TABLE IF NOT EXISTS turns (
  session TEXT NOT NULL, turn INTEGER NOT NULL, workspace TEXT NOT NULL, at INTEGER NOT NULL,
  uncovered TEXT NOT NULL DEFAULT '[]', roots TEXT NOT NULL, PRIMARY KEY (session, turn)
);
CREATE INDEX IF NOT EXISTS turns_by_age ON turns (workspace, at);
CREATE TABLE IF NOT EXISTS changes (
  id INTEGER PRIMARY KEY, session TEXT NOT NULL, turn INTEGER NOT NULL, path TEXT NOT NULL,
  before TEXT, after TEXT, doubtful INTEGER NOT NULL, before_hash TEXT, after_hash TEXT
);
CREATE INDEX IF NOT EXISTS changes_by_turn ON changes (session, turn);
CREATE INDEX IF NOT EXISTS changes_by_before ON changes (before_hash);
CREATE INDEX IF NOT EXISTS changes_by_after ON changes (after_hash);
CREATE TABLE IF NOT EXISTS restores (
  id INTEGER PRIMARY KEY, workspace TEXT NOT NULL, owner TEXT NOT NULL, intent TEXT NOT NULL
)`;

export interface Room extends UndoStoreOptions {
  readonly db: DatabaseSync;
}

/** The content that an entry names. */
export function hashIn(entry: SavedEntry): string | null {
  return entry?.startsWith("f ") ? entry.slice(entry.lastIndexOf(" ") + 1) : null;
}

/** Removes contents among `hashes` that nothing names any more. */
export function releaser({ db }: Room): (hashes: Iterable<string | null>) => void {
  const release = db.prepare(`DELETE FROM objects WHERE hash = ?1
    AND NOT EXISTS (SELECT 1 FROM files WHERE hash = ?1)
    AND NOT EXISTS (SELECT 1 FROM changes WHERE before_hash = ?1)
    AND NOT EXISTS (SELECT 1 FROM changes WHERE after_hash = ?1)`);
  return (hashes) => {
    for (const hash of new Set(hashes)) if (hash !== null) release.run(hash);
  };
}
