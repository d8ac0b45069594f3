/** The audit log as one session sees it: its beginning is recorded before its first action, its end after its last. */
import { type Actor, LOCAL_USER } from "./core/actor.ts";
import type { AuditRecord } from "./core/audit-event.ts";
import type { AuditPort } from "./core/ports/store.ts";

type Details = NonNullable<AuditRecord["details"]>;

export interface SessionAudit extends AuditPort {
  /** Records something about the session itself. */
  note(action: "sandbox-off" | "lease-end" | "cache-hit", details?: Details): Promise<void>;
  /** The last record, where there was any. */
  end(): Promise<void>;
}

/** A session that only talks leaves no record; `details` say how one that acts was started. */
export function sessionAudit(
  audit: AuditPort,
  session: string,
  details: Details,
  actor: Actor = LOCAL_USER,
): SessionAudit {
  let begun: Promise<void> | undefined;
  const own = (action: AuditRecord["action"], about: Details = {}) =>
    audit.append({ action, session, actor, details: about });
  const begin = (): Promise<void> => {
    begun ??= own("session-start", details).catch((error: unknown) => {
      // The next action tries again: the disk may have room by then.
      begun = undefined;
      throw error;
    });
    return begun;
  };
  return {
    async append(record) {
      await begin();
      await audit.append(record);
    },
    async note(action, about) {
      await begin();
      await own(action, about);
    },
    async end() {
      if (begun !== undefined) await own("session-end");
    },
  };
}
