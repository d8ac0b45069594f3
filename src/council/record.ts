/** What the record of councils teaches about the models that answer now, and which accepted work was undone. Pure. */
import { canonicalJson } from "../base/canonical-json.ts";
import { sha256 } from "../base/hash.ts";
import type { CouncilOutcome, ModelGroup, VoiceId } from "../core/council.ts";
import type { OutcomeRow } from "../core/council-record.ts";
import { fit as learn } from "./fit.ts";
import { votesOf } from "./votes.ts";
import { shrunkAccuracy, type Weights } from "./weights.ts";

/** Raised when `fit` learns something else from the same record: weights that were kept are then made anew. */
export const ENGINE_VERSION = 1;

/** The model that answers for each voice now. */
export type GroupsNow = Readonly<Record<VoiceId, ModelGroup>>;

/** Names the weights of `weightsFrom`: equal for equal rows, models and engine. */
export function weightsKey(rows: readonly OutcomeRow[], groupsNow: GroupsNow): string {
  return sha256(canonicalJson({ engine: ENGINE_VERSION, groups: groupsNow, rows: outcomesOf(rows) }));
}

/**
 * Rows whose answer is known, oldest first. What a voice said through another model than it has now teaches nothing of
 * it: until it has a record of its own, such a voice is believed as far as other voices of its model are.
 */
export function weightsFrom(rows: readonly OutcomeRow[], groupsNow: GroupsNow): Weights {
  const known = outcomesOf(rows);
  const own = known.map((outcome) => ({
    ...outcome,
    ballots: outcome.ballots.filter(({ voice, group }) => (groupsNow[voice] ?? group) === group),
  }));
  const weights = learn(own);
  const fresh = Object.entries(groupsNow).filter(([voice]) => weights.voices[voice] === undefined);
  const believed = fresh.flatMap(([voice, group]) => {
    const accuracy = groupAccuracy(known, group);
    return accuracy === undefined ? [] : [[voice, { accuracy, seen: 0, domains: {} }] as const];
  });
  return { ...weights, voices: { ...weights.voices, ...Object.fromEntries(believed) } };
}

function outcomesOf(rows: readonly OutcomeRow[]): CouncilOutcome[] {
  return rows.flatMap(({ kind, domain, options, truth, ballots, evidence }) =>
    truth === undefined
      ? []
      : [{ kind, ...(domain === undefined ? {} : { domain }), options, truth, ballots, evidence }],
  );
}

/** How often voices of this model were right, whoever they were; undefined when none ever voted. */
function groupAccuracy(record: readonly CouncilOutcome[], group: ModelGroup): number | undefined {
  const right = record.flatMap(({ ballots, options, truth }) =>
    votesOf(ballots, options)
      .filter((vote) => vote.group === group)
      .map(({ choice }) => choice === truth),
  );
  return right.length === 0 ? undefined : shrunkAccuracy(right.filter(Boolean).length, right.length);
}

export interface RevertLook {
  readonly workspace: string;
  /** SHA-256 of a file below the workspace as it is now; null: it is not there. */
  readonly hashNow: (path: string) => string | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly days: number;
}

const DAY_MS = 86_400_000;

/** Ids of accepted rows of the last days whose every touched file is again what it was before. */
export function undone(rows: readonly OutcomeRow[], { workspace, hashNow, now, days }: RevertLook): string[] {
  return rows
    .filter((row) => row.source === "accepted" && row.workspace === workspace && now - row.at <= days * DAY_MS)
    .filter(({ files }) => {
      const touched = Object.entries(files).filter(([, { before, after }]) => before !== after);
      return touched.length > 0 && touched.every(([path, { before }]) => hashNow(path) === before);
    })
    .map(({ id }) => id);
}
