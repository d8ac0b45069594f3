/** Asks the sandbox for undo material before a call that may change files. */
import type { Emit, EventContext } from "../core/event.ts";
import type { Sandbox } from "../core/ports/sandbox.ts";
import type { Action } from "./action.ts";

/** It is on disk before anything changes. Throws `storage`. */
export async function keepUndo(
  { sandbox, emit }: { readonly sandbox: Sandbox; readonly emit: Emit },
  { call, tool, readOnly }: Action,
  { where, signal }: { readonly where: EventContext; readonly signal: AbortSignal },
): Promise<void> {
  const { checkpoints } = sandbox;
  if (!checkpoints || readOnly || !tool) return;
  const own = { callId: call.id, turn: where.turn ?? 0 };
  if (tool.effects.includes("exec")) {
    const taken = await checkpoints.before(own, signal);
    emit({ kind: "snapshot-taken", callId: call.id, ...taken }, where);
  } else if (tool.effects.includes("write")) await checkpoints.writes(own);
}
