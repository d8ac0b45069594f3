/** A conversation: takes a prompt, hands it to the conductor, publishes every event, and ends each turn on disk. */
import type { Clock } from "../base/clock.ts";
import { toFault } from "../base/error.ts";
import { type Actor, LOCAL_USER } from "../core/actor.ts";
import type { Emit, Event } from "../core/event.ts";
import type { ResourceUse } from "../core/performance.ts";
import type { PromptOptions, Work } from "../core/ports/app.ts";
import type { Conductor } from "../core/ports/conductor.ts";
import type { Journal } from "../core/ports/store.ts";
import { turnsBegun } from "../core/standing.ts";
import type { Outcome, Said } from "../core/task.ts";

/** Appends to the journal and tells the listeners; a listener that throws is not heard of again. */
export function createBus(journal: Journal): {
  readonly emit: Emit;
  subscribe(listener: (event: Event) => void): () => void;
} {
  const listeners = new Set<(event: Event) => void>();
  const emit: Emit = (body, context) => {
    const event = journal.append(body, context);
    for (const listener of listeners) {
      try {
        listener(event);
      } catch {
        listeners.delete(listener);
      }
    }
    return event;
  };
  return {
    emit,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

export interface SessionPrompt extends PromptOptions {
  readonly actor?: Actor;
}

export interface Session {
  prompt(prompt: Said, options: SessionPrompt): Promise<Outcome>;
}

export interface SessionOptions {
  readonly journal: Journal;
  readonly emit: Emit;
  /** Who does this turn's work. */
  readonly conductor: (work: Work | undefined) => Conductor;
  readonly clock: Clock;
  /** Who asks, unless the prompt says otherwise; the person at this machine when absent. */
  readonly actor?: Actor | undefined;
  /** What the process used since it was last asked. */
  readonly measure?: () => ResourceUse;
}

/** A session over an open journal; one turn at a time. */
export function createSession(options: SessionOptions): Session {
  const { journal, emit, conductor, clock, measure } = options;
  let queue: Promise<unknown> = Promise.resolve();
  const turn = async (prompt: Said, given: SessionPrompt): Promise<Outcome> => {
    const number = turnsBegun(journal.events()) + 1;
    const actor = given.actor ?? options.actor ?? LOCAL_USER;
    const started = clock.monotonic();
    emit({ kind: "turn-start", prompt }, { turn: number, actor: actor.id });
    await journal.flushed();
    const { budget, answerSchema, steering, work, signal } = given;
    const more = { ...(answerSchema ? { answerSchema } : {}), ...(steering ? { steering } : {}) };
    const outcome = await conductor(work).run({ turn: number, prompt, actor, budget, ...more }, signal);
    if (outcome.fault) emit({ kind: "fault-raised", fault: outcome.fault }, { turn: number });
    const resources = measure ? { resources: measure() } : {};
    const durationMs = Math.round(clock.monotonic() - started);
    emit({ kind: "turn-end", outcome, durationMs, ...resources }, { turn: number });
    return flushedOutcome(journal, outcome);
  };
  return {
    prompt(prompt, given) {
      const next = queue.then(() => turn(prompt, given));
      queue = next.catch(() => undefined);
      return next;
    },
  };
}

/** Done is only said of what is on disk. */
async function flushedOutcome(journal: Journal, outcome: Outcome): Promise<Outcome> {
  try {
    await journal.flushed();
    return outcome;
  } catch (error) {
    return { ...outcome, status: "failed", fault: toFault(error) };
  }
}
