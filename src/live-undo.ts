/** Prompts and undo of a live session: they keep out of each other's way. */
import { CrucibleError } from "./base/error.ts";
import { LOCAL_USER } from "./core/actor.ts";
import type { EditClock } from "./core/edit-clock.ts";
import type { LiveSession } from "./core/ports/app.ts";
import type { Sandbox } from "./core/ports/sandbox.ts";
import type { AuditPort } from "./core/ports/store.ts";
import type { UndoOptions } from "./core/ports/undo.ts";
import type { Session } from "./session/session.ts";
import type { UndoPlace } from "./undo.ts";
import type { Bench } from "./workbench.ts";

interface LiveParts {
  readonly bench: Bench;
  readonly sandbox: Sandbox;
  readonly edits: EditClock;
  readonly audit: AuditPort;
  readonly session: Session;
}

export function liveUndo(own: LiveParts): Pick<LiveSession, "prompt" | "undo"> {
  const { bench, sandbox, edits, audit, session } = own;
  const { house, files, given } = bench;
  const { journal } = files;
  let busy = 0;
  let taking: Promise<unknown> = Promise.resolve();
  const take = async (options: UndoOptions) => {
    await sandbox.checkpoints?.settled();
    const { undoTurns } = await import("./undo.ts");
    const record: UndoPlace["audit"] = (about) =>
      audit.append({ session: journal.session, actor: LOCAL_USER, ...about });
    const place = { house, journal, emit: bench.emit, audit: record, addDirs: given.addDirs, tick: edits.tick };
    try {
      return await undoTurns(place, options);
    } finally {
      await sandbox.checkpoints?.restored();
    }
  };
  return {
    async prompt(prompt, options) {
      busy++;
      try {
        await taking;
        return await session.prompt(prompt, options);
      } finally {
        busy--;
      }
    },
    async undo(options) {
      if (busy > 0) throw new CrucibleError("session-busy", "a turn is still at work", { hint: "stop it first" });
      if (!given.persist) throw new CrucibleError("usage", "nothing of this session is kept, so nothing can be undone");
      const next = taking.then(() => take(options));
      taking = next.catch(() => undefined);
      return next;
    },
  };
}
