/** Undo without a live session: for `crucible undo`, and for the restore that a kill cut off. */
import { auditOptions } from "./audit-view.ts";
import { CrucibleError } from "./base/error.ts";
import { LOCAL_USER } from "./core/actor.ts";
import type { SessionRow, Sessions } from "./core/ports/store.ts";
import type { UndoView } from "./core/ports/undo.ts";
import { lastClock } from "./core/standing.ts";
import type { House } from "./house.ts";
import { openAudit } from "./observe/audit.ts";
import { checkpointsOf } from "./session/checkpoints.ts";
import { finishRestores, isUnfinished, type UndoPlace, undoTurns } from "./undo.ts";

/** `sessions` is the register of all sessions. */
export function undoView(house: House, sessions: Sessions): UndoView {
  const { workspace } = house;
  const find = (wanted: string | undefined): SessionRow => {
    const row = wanted === undefined ? sessions.list(workspace)[0] : sessions.find(wanted, workspace);
    if (!row) throw new CrucibleError("session-missing", `there is no session in ${workspace} yet`);
    if (row.workspace === workspace) return row;
    throw new CrucibleError("usage", `session ${row.id} belongs to ${row.workspace}`, {
      hint: `go there: cd ${row.workspace}`,
    });
  };
  const finish = async () =>
    isUnfinished(house) ? finishRestores(house, async (id) => opened(house, sessions, id)) : [];
  return {
    async list(wanted) {
      const { id } = find(wanted);
      return { session: id, checkpoints: checkpointsOf(sessions.read(id)) };
    },
    async undo(options, wanted) {
      const { id } = find(wanted);
      const place = opened(house, sessions, id);
      try {
        return await undoTurns(place, options);
      } finally {
        await place.close();
      }
    },
    finish,
  };
}

/** Opens a session for writing: nobody else writes to it meanwhile. */
function opened(house: House, sessions: Sessions, id: string): UndoPlace & { close(): Promise<void> } {
  const journal = sessions.open(id);
  return {
    house,
    journal,
    emit: (body) => journal.append(body),
    async audit(record) {
      const log = openAudit(auditOptions(house.config, (value) => value));
      try {
        await log.append({ session: id, actor: LOCAL_USER, ...record });
      } finally {
        log.close();
      }
    },
    addDirs: [],
    tick: () => lastClock(journal.events()) + 1,
    close: () => journal.close(),
  };
}
