/** The record of councils, kept for as long as the journal. */
import type { OptionId } from "../council.ts";
import type { OutcomeRow, OutcomeSource } from "../council-record.ts";

export interface Outcomes {
  /** Durable when it returns; the words of voices are not kept. Throws `storage`. */
  add(row: OutcomeRow): void;
  /** All rows, oldest first. */
  list(): readonly OutcomeRow[];
  /** What turned out to be right. False when there is no such row, or a stronger source has spoken. */
  settle(id: string, source: OutcomeSource, truth: OptionId | "none"): boolean;
}
