/** The record of councils in the database of the journal. */
import type { DatabaseSync } from "node:sqlite";
import type { Ballot } from "../core/council.ts";
import { OUTCOME_SOURCES, type OutcomeRow, type OutcomeSource } from "../core/council-record.ts";
import type { Outcomes } from "../core/ports/outcomes.ts";
import { storageError } from "./schema.ts";

const COLUMNS = "id, at, council, workspace, kind, domain, language, options, truth, source, ballots, evidence, files";

/** Outcomes in the `outcomes` table of an open database. */
export function sqliteOutcomes(db: DatabaseSync): Outcomes {
  const guarded = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw storageError(`the record of councils ${what}`, error);
    }
  };
  return {
    add: (row) =>
      guarded("cannot be written", () => {
        const { domain = null, language = null, truth = null, source = null } = row;
        const json = [row.ballots.map(silent), row.evidence, row.files].map((value) => JSON.stringify(value));
        db.prepare(`INSERT INTO outcomes (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
          ...[row.id, row.at, row.council, row.workspace, row.kind, domain, language],
          ...[JSON.stringify(row.options), truth, source, ...json],
        );
      }),
    list: () =>
      guarded("cannot be read", () => db.prepare(`SELECT ${COLUMNS} FROM outcomes ORDER BY at, id`).all().map(toRow)),
    settle: (id, source, truth) =>
      guarded("cannot be written", () => {
        const weaker = OUTCOME_SOURCES.slice(0, OUTCOME_SOURCES.indexOf(source) + 1);
        const marks = weaker.map(() => "?").join(", ");
        const settled = db
          .prepare(
            `UPDATE outcomes SET source = ?, truth = ? WHERE id = ? AND (source IS NULL OR source IN (${marks}))`,
          )
          .run(source, truth, id, ...weaker);
        return Number(settled.changes) > 0;
      }),
  };
}

/** What a voice said of its choice stays in the journal. */
function silent({ reason: _, unless: __, ...ballot }: Ballot): Ballot {
  return ballot;
}

function toRow(row: Record<string, unknown>): OutcomeRow {
  const text = (name: string) => String(row[name]);
  const maybe = (name: string) => (typeof row[name] === "string" ? { [name]: row[name] } : {});
  return {
    id: text("id"),
    at: Number(row["at"]),
    council: text("council"),
    workspace: text("workspace"),
    kind: text("kind") as OutcomeRow["kind"],
    ...maybe("domain"),
    ...maybe("language"),
    options: JSON.parse(text("options")) as OutcomeRow["options"],
    ...maybe("truth"),
    ...(row["source"] === null ? {} : { source: text("source") as OutcomeSource }),
    ballots: JSON.parse(text("ballots")) as OutcomeRow["ballots"],
    evidence: JSON.parse(text("evidence")) as OutcomeRow["evidence"],
    files: JSON.parse(text("files")) as OutcomeRow["files"],
  };
}
