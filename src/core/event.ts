/** The closed union of everything that happens, and its envelope. */
import type { AgentEvent } from "./events/agent.ts";
import type { CouncilEvent } from "./events/council.ts";
import type { GateEvent } from "./events/gate.ts";
import type { SessionEvent } from "./events/session.ts";

export type EventBody = SessionEvent | AgentEvent | GateEvent | CouncilEvent;
export type EventKind = EventBody["kind"];

/** Where an event belongs; filled in by who knows. */
export interface EventContext {
  readonly turn?: number;
  readonly voice?: string;
  readonly actor?: string;
}

export interface Envelope extends EventContext {
  /** Version of the event shapes. */
  readonly v: 1;
  /** 0 for deltas, which are never stored. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly session: string;
  readonly epoch: number;
}

export type Event = Envelope & EventBody;
export type EventOf<Kind extends EventKind> = Extract<Event, { readonly kind: Kind }>;

/** Producers get this; who listens is not their business. */
export type Emit = (body: EventBody, context?: EventContext) => Event;

const EPHEMERAL: ReadonlySet<string> = new Set([
  "text-delta",
  "thinking-delta",
  "tool-delta",
  "model-progress",
  "server-note",
]);

/** True for deltas: shown, never stored. */
export function isEphemeral(body: EventBody): boolean {
  return EPHEMERAL.has(body.kind);
}
