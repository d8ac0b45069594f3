/** Settles what a crash left open when a session is taken up again. */
import type { Emit, Event } from "../core/event.ts";
import { WORKSPACE_LABEL } from "../core/label.ts";

/**
 * Closes calls that have no `tool-end`. Without a `tool-start` the call did not run; after it the effect is unknown,
 * is told to the model as such and never silently repeated.
 */
export function settleOpenCalls(events: readonly Event[], emit: Emit): void {
  const open = new Map<string, { tool: string; started: boolean; turn: number | undefined }>();
  for (const event of events) {
    if (event.kind === "tool-requested") open.set(event.callId, { tool: event.tool, started: false, turn: event.turn });
    else if (event.kind === "tool-start") open.set(event.callId, { tool: event.tool, started: true, turn: event.turn });
    else if (event.kind === "tool-end") open.delete(event.callId);
  }
  for (const [callId, { tool, started, turn }] of open) {
    const text = started
      ? "Interrupted: it is not known whether this took effect. Look at the present state before doing it again."
      : "Interrupted before it ran.";
    emit(
      {
        kind: "tool-end",
        callId,
        tool,
        parts: [{ type: "text", text }],
        failed: true,
        denied: false,
        durationMs: 0,
        label: WORKSPACE_LABEL,
        details: { interrupted: true, started },
      },
      turn === undefined ? {} : { turn },
    );
  }
}
