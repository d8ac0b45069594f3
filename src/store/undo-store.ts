/** The undo store: contents, the last look at each root, changes by turn; a SQLite file of its own with a cap. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../base/clock.ts";
import { CrucibleError } from "../base/error.ts";
import type { UndoStore } from "../core/ports/undo.ts";
import { storageError } from "./schema.ts";
import { intents } from "./undo-intents.ts";
import { listings } from "./undo-listings.ts";
import { type Room, SCHEMA, VERSION } from "./undo-schema.ts";
import { turns } from "./undo-turns.ts";

export interface UndoStoreOptions {
  readonly file: string;
  readonly workspace: string;
  readonly session: string;
  /** What is covered. */
  readonly roots: readonly string[];
  /** Cap of the file, and turns that are kept for each workspace. */
  readonly bytes: number;
  readonly turns: number;
  readonly clock: Clock;
  /** Names this process (host, pid, start time), and tells whether another still runs. */
  readonly owner: string;
  readonly isAlive: (owner: string) => boolean;
}

/** Opens or makes `options.file`. Throws `storage`. */
export function openUndoStore(options: UndoStoreOptions): UndoStore {
  const db = open(options.file);
  const room: Room = { ...options, db };
  const has = db.prepare("SELECT 1 FROM objects WHERE hash = ?");
  const select = db.prepare("SELECT bytes FROM objects WHERE hash = ?");
  const insert = db.prepare("INSERT INTO objects (hash, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING");
  const guard = <A extends readonly unknown[], R>(work: (...args: A) => R) => {
    return (...args: A): R => {
      try {
        return work(...args);
      } catch (error) {
        if (db.isOpen && db.isTransaction) db.exec("ROLLBACK");
        throw CrucibleError.isInstance(error) ? error : storageError("undo material cannot be kept", error);
      }
    };
  };
  const kept = listings(room);
  const past = turns(room);
  const begun = intents(room);
  return {
    cap: options.bytes,
    has: guard((hash) => has.get(hash) !== undefined),
    get: guard((hash) => {
      const bytes = select.get(hash)?.["bytes"];
      return bytes instanceof Uint8Array ? bytes : undefined;
    }),
    put: guard((contents) => {
      db.exec("BEGIN IMMEDIATE");
      for (const [hash, bytes] of contents) insert.run(hash, bytes);
      db.exec("COMMIT");
    }),
    listing: guard(kept.take),
    save: guard((step) => {
      db.exec("BEGIN IMMEDIATE");
      // Changes first: they hold on to what the listing lets go.
      past.save(step);
      for (const listing of step.listings ?? []) kept.update(listing);
      db.exec("COMMIT");
    }),
    alive: guard(past.alive),
    cut: guard(past.cut),
    turn: guard(past.read),
    prune: guard(past.prune),
    begin: guard(begun.begin),
    isRestoring: guard(begun.isRestoring),
    unfinished: guard(begun.unfinished),
    end: guard(begun.end),
    close: () => db.close(),
  };
}

function open(file: string): DatabaseSync {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const db = new DatabaseSync(file);
    db.exec("PRAGMA busy_timeout = 10000; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL");
    db.exec("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216");
    const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (version > VERSION) {
      db.close();
      throw new CrucibleError("storage", `${file} was written by a newer version`, {
        hint: "update codecrucible, or move that file away: what it can undo goes with it",
      });
    }
    db.exec(`BEGIN IMMEDIATE; ${SCHEMA}; PRAGMA user_version = ${VERSION}; COMMIT`);
    return db;
  } catch (error) {
    throw CrucibleError.isInstance(error) ? error : storageError(`cannot open ${file}`, error);
  }
}
