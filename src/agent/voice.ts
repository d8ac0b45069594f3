/** What one voice works with: the parts of its loop, and the state of one run. */
import type { Clock } from "../base/clock.ts";
import type { EditClock } from "../core/edit-clock.ts";
import type { Emit } from "../core/event.ts";
import type { Label } from "../core/label.ts";
import type { Sampling } from "../core/model.ts";
import type { AnswerCache } from "../core/ports/cache.ts";
import type { Gate } from "../core/ports/gate.ts";
import type { OpenModel } from "../core/ports/models.ts";
import type { Journal } from "../core/ports/store.ts";
import type { Denial, Task } from "../core/task.ts";
import type { Surroundings } from "./context.ts";
import { createLoopGuard, type LoopGuard } from "./loop-guard.ts";

export interface VoiceOptions {
  readonly voice: string;
  readonly system: string;
  readonly model: OpenModel;
  readonly sampling: Sampling;
  readonly gate: Gate;
  readonly journal: Journal;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly edits: EditClock;
  readonly surroundings: Surroundings;
  readonly cache?: VoiceCache;
  /** Before messages give way to a summary. */
  readonly beforeCompaction?: (signal: AbortSignal) => Promise<unknown>;
}

/** The cache of answers and the label of all that the thread holds. */
export interface VoiceCache {
  readonly answers: AnswerCache;
  readonly label: () => Label;
}

/** The state of one run of the loop. */
export interface Run {
  readonly options: VoiceOptions;
  readonly task: Task;
  readonly signal: AbortSignal;
  readonly guard: LoopGuard;
  /** Edit clock at the start of the run. */
  readonly startClock: number;
  /** Sequence number of the run's first event. */
  readonly startSeq: number;
  readonly denials: Map<string, Denial>;
  /** Ids of every call of the session: after a compaction a server may give one out again. */
  readonly callIds: Set<string>;
  requests: number;
  toolCalls: number;
  tokens: number;
  strikes: number;
  /** Checks that failed after an edit, one after the other. */
  failedChecks: number;
  /** Exec was needed and no sandbox passes. */
  sandboxMissing: boolean;
  text: string;
}

/** What a single model request needs to know of its run. */
export type Asker = Pick<Run, "signal" | "callIds" | "requests" | "tokens"> & {
  readonly options: Pick<VoiceOptions, "voice" | "model" | "journal" | "emit" | "clock">;
  readonly task: Pick<Task, "turn">;
  /** It speaks beside the thread: its text is not shown as it comes, and a person's request goes first. */
  readonly aside?: { readonly onFirst: () => void };
};

export function startRun(options: VoiceOptions, task: Task, signal: AbortSignal): Run {
  return {
    options,
    task,
    signal,
    guard: createLoopGuard(),
    startClock: options.edits.value,
    startSeq: options.journal.events().at(-1)?.seq ?? 0,
    denials: new Map(),
    callIds: new Set(
      options.journal.events().flatMap((event) => (event.kind === "tool-requested" ? [event.callId] : [])),
    ),
    requests: 0,
    toolCalls: 0,
    tokens: 0,
    strikes: 0,
    failedChecks: 0,
    sandboxMissing: false,
    text: "",
  };
}

/** Emits with this run's turn and voice. */
export function emitFor(run: Asker): Emit {
  return (body, context) => run.options.emit(body, { turn: run.task.turn, voice: run.options.voice, ...context });
}
