/** Wires the record of councils: what became of each, how far voices are believed for it, and what was undone since. */
import { systemClock } from "./base/clock.ts";
import { uuid } from "./base/id.ts";
import { languageOf } from "./base/languages.ts";
import type { Ballot, CouncilReport, OptionId } from "./core/council.ts";
import type { CouncilStats, FileChange, OutcomeRow } from "./core/council-record.ts";
import type { Outcomes } from "./core/ports/outcomes.ts";
import { undone, weightsFrom, weightsKey } from "./council/record.ts";
import { statsOf } from "./council/stats.ts";
import type { Weights } from "./council/weights.ts";
import type { House } from "./house.ts";
import { openDatabase } from "./store/database.ts";
import { keptValue } from "./store/kept-value.ts";
import { sqliteOutcomes } from "./store/outcomes.ts";

export interface CouncilRecord {
  /** `groups`: the model that answers for each voice now. */
  weights(groups: Readonly<Record<string, string>>): Weights;
  stats(groups: Readonly<Record<string, string>>): CouncilStats;
  /** Adds a council that ended; `files` is what it changed in the workspace. */
  keep(report: CouncilReport, files: Readonly<Record<string, FileChange>>): void;
  /** Accepted work whose files are again what they were counts as wrong from now on. Returns how many. */
  lookForUndone(hashOf: (path: string) => Promise<string | null>): Promise<number>;
  /** What a person says was right: an option, or `none`. False when the council is not on record. */
  settle(council: string, truth: OptionId | "none"): boolean;
  close(): void;
}

export async function openRecord({ config, workspace }: House): Promise<CouncilRecord> {
  const db = await openDatabase(`${config.places.data}/journal.db`);
  const outcomes: Outcomes = sqliteOutcomes(db);
  const weights = (groups: Readonly<Record<string, string>>) => {
    const rows = outcomes.list();
    const file = `${config.places.state}/council-weights.json`;
    return keptValue(file, weightsKey(rows, groups), () => weightsFrom(rows, groups));
  };
  return {
    weights,
    stats: (groups) => statsOf(outcomes.list(), weights(groups)),
    keep: (report, files) => outcomes.add(rowOf(report, { files, workspace })),
    async lookForUndone(hashOf) {
      const rows = outcomes.list().filter((row) => row.workspace === workspace && row.source === "accepted");
      const now = new Map<string, string | null>();
      for (const path of new Set(rows.flatMap(({ files }) => Object.keys(files)))) now.set(path, await hashOf(path));
      const look = {
        workspace,
        hashNow: (path: string) => now.get(path) ?? null,
        now: systemClock.now(),
        days: config.get<number>("council.revertDays"),
      };
      const ids = undone(rows, look);
      for (const id of ids) outcomes.settle(id, "reverted", "none");
      return ids.length;
    },
    settle(council, truth) {
      const row = outcomes.list().find((one) => one.council === council && one.workspace === workspace);
      return row !== undefined && outcomes.settle(row.id, "human", truth);
    },
    close: () => db.close(),
  };
}

function rowOf(
  report: CouncilReport,
  { files, workspace }: { files: Readonly<Record<string, FileChange>>; workspace: string },
): OutcomeRow {
  const { id, kind, decision, options, evidence } = report;
  const at = systemClock.now();
  const standing = options.filter(({ problem }) => problem === undefined);
  const known = truthOf(report, files);
  const language = standing.flatMap(({ edits = [] }) => edits.map(({ path }) => languageOf(path))).find(Boolean);
  return {
    id: uuid(at),
    at,
    council: id,
    workspace,
    kind,
    ...(report.domain === undefined ? {} : { domain: report.domain }),
    ...(language === undefined ? {} : { language }),
    options: standing.map((option) => option.id),
    ...(known === undefined ? {} : { source: known, truth: decision.winner ?? "none" }),
    ballots: spokenIn(report),
    evidence,
    files,
  };
}

/** What is known when it ends: work that was put into the workspace, or that the repository's checks tell from others. */
function truthOf({ kind, decision, checks, evidence }: CouncilReport, files: object): "accepted" | "gate" | undefined {
  if (kind !== "patch" || decision.outcome !== "decided") return undefined;
  if (Object.keys(files).length > 0) return "accepted";
  const gates = checks.filter(({ trust, dropped }) => trust !== "generated" && dropped === undefined);
  const won = gates.some(({ id }) =>
    evidence.some((one) => one.checkId === id && one.proposalId === decision.winner && one.outcome === "pass"),
  );
  return won ? "gate" : undefined;
}

/** Ballots, and of a patch its authors: whoever wrote it has said what is right. */
function spokenIn({ kind, ballots, options, voices }: CouncilReport): Ballot[] {
  if (kind !== "patch") return [...ballots];
  const groups = new Map(voices.map(({ voice, group }) => [voice, group]));
  const written = options.flatMap(({ id, authors, problem }) =>
    problem === undefined
      ? authors.map((voice): Ballot => ({ voice, group: groups.get(voice) ?? "", choice: id }))
      : [],
  );
  const authors = new Set(written.map(({ voice }) => voice));
  return [...ballots.filter(({ voice }) => !authors.has(voice)), ...written];
}
