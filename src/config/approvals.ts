/** Remembered approvals on disk: given, revoked, expired. */
import { join } from "node:path";
import * as z from "zod/mini";
import { shortId } from "../base/id.ts";
import type { Approval, Approvals } from "../core/approval.ts";
import type { Places } from "./places.ts";
import { appendRecord, readRecords } from "./record-file.ts";

function makeGiven() {
  return z.strictObject({
    kind: z.literal("given"),
    id: z.string(),
    workspace: z.string(),
    tool: z.string(),
    words: z.optional(z.array(z.string())),
    open: z.optional(z.boolean()),
    path: z.optional(z.string()),
    host: z.optional(z.string()),
    pin: z.optional(z.string()),
    cwd: z.string(),
    by: z.string(),
    at: z.number(),
    expiresAt: z.number(),
  });
}

/** Made when the file is first read: most sessions never do. */
const makeRecord = () =>
  z.union([makeGiven(), z.strictObject({ kind: z.literal("revoked"), id: z.string(), at: z.number() })]);

export interface ApprovalStore {
  /** Those of all workspaces that hold at this moment, oldest first. Throws `bad-config`. */
  list(): readonly Approval[];
  revoke(ids: readonly string[]): void;
  /** The approvals of one workspace, as the gate sees them. */
  of(workspace: string): Approvals;
}

/** `days` is how long a new approval holds; `now` is in milliseconds since the epoch. */
export function approvalStore(places: Places, { days, now }: { days: number; now: () => number }): ApprovalStore {
  const file = join(places.state, "approvals.jsonl");
  let record: ReturnType<typeof makeRecord> | undefined;
  const list = (): readonly Approval[] => {
    const held = new Map<string, Approval>();
    record ??= makeRecord();
    for (const entry of readRecords(file, record)) {
      if (entry.kind === "revoked") held.delete(entry.id);
      else held.set(entry.id, approvalOf(entry));
    }
    // A clock that was set back must not revive anything: what seems to be given in the future does not hold either.
    return [...held.values()].filter(({ at, expiresAt }) => at <= now() && now() < expiresAt);
  };
  return {
    list,
    revoke: (ids) => {
      for (const id of ids) appendRecord(file, { kind: "revoked", id, at: now() });
    },
    of: (workspace) => ({
      current: () => list().filter((approval) => approval.workspace === workspace),
      add: (scopes, by) =>
        scopes.map((scope) => {
          const at = now();
          const approval = { ...scope, id: shortId("a"), workspace, by, at, expiresAt: at + days * 86_400_000 };
          appendRecord(file, { kind: "given", ...approval });
          return approval;
        }),
    }),
  };
}

function approvalOf({
  kind: _kind,
  words: parsed,
  open,
  path,
  host,
  pin,
  ...rest
}: z.infer<ReturnType<typeof makeGiven>>): Approval {
  return {
    ...rest,
    ...(parsed ? { words: parsed } : {}),
    ...(open ? { open } : {}),
    ...(path === undefined ? {} : { path }),
    ...(host === undefined ? {} : { host }),
    ...(pin === undefined ? {} : { pin }),
  };
}
