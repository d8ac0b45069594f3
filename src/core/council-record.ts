/** What councils decided and what became of it: the rows of the record, and what they add up to. */
import type { Ballot, CouncilEvidence, CouncilKind, Id, ModelGroup, OptionId, VoiceId } from "./council.ts";

/** Who said what was right; a later word of a stronger source replaces that of a weaker one. */
export const OUTCOME_SOURCES = ["gate", "accepted", "reverted", "human"] as const;
export type OutcomeSource = (typeof OUTCOME_SOURCES)[number];

/** SHA-256 of the bytes of a file; null: it was not there. */
export interface FileChange {
  readonly before: string | null;
  readonly after: string | null;
}

export interface OutcomeRow {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly council: Id;
  /** Real path of the folder that was worked in: `files` lie below it. */
  readonly workspace: string;
  readonly kind: CouncilKind;
  readonly domain?: string;
  readonly language?: string;
  readonly options: readonly OptionId[];
  /** The right option, or `none`; absent while nobody knows. */
  readonly truth?: OptionId | "none";
  readonly source?: OutcomeSource;
  readonly ballots: readonly Ballot[];
  readonly evidence: readonly CouncilEvidence[];
  /** What was applied, by path: the way to see later that it was undone. */
  readonly files: Readonly<Record<string, FileChange>>;
}

export interface VoiceStats {
  readonly voice: VoiceId;
  /** Absent: of all domains. */
  readonly domain?: string;
  /** Votes whose outcome is known. */
  readonly outcomes: number;
  /** Share of right votes, later ones counting more, shrunk to what voices are like. */
  readonly accuracy: number;
  /** What one vote adds, in log-odds, among as many options as is usual. */
  readonly weight: number;
}

export interface CouncilStats {
  readonly outcomes: number;
  /** Rows whose right answer nobody knows yet. */
  readonly open: number;
  readonly sources: Readonly<Partial<Record<OutcomeSource, number>>>;
  /** The usual number of options: weights are for so many. */
  readonly options: number;
  readonly voices: readonly VoiceStats[];
  readonly confidence: {
    readonly used: boolean;
    readonly votes: number;
    /** Chance that a right vote is more confident than a wrong one; absent while it cannot be told. */
    readonly area?: number;
  };
  readonly groups: readonly { readonly group: ModelGroup; readonly voices: number; readonly coupling: number }[];
  /** The rule in use for each kind, and whether it earned its place. */
  readonly rules: readonly { readonly kind: "answer" | "rank"; readonly rule: string; readonly learned: boolean }[];
}
