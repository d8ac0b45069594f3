/** Who a command is on this machine: never real uid 0, and new files belong to the workspace's owner. */
import type { SandboxContext } from "./options.ts";

/** Stands for root inside when the workspace is root's (an id-mapped mount turns it back). */
const NOBODY = 65532;

export interface Identity {
  readonly kind: "self" | "owner" | "mapped";
  readonly uid: number;
  readonly gid: number;
}

/** Started as a user: that user. As root: the workspace's owner, or an id-mapped stand-in for root. */
export function identityOf(context: SandboxContext): Identity {
  const { owner } = context;
  if (!owner) return { kind: "self", uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  if (owner.uid !== 0) return { kind: "owner", ...owner };
  return { kind: "mapped", uid: NOBODY, gid: NOBODY };
}

export function describeIdentity(identity: Identity): string {
  if (identity.kind === "self") return `your own uid ${identity.uid}`;
  return identity.kind === "owner"
    ? `the workspace owner's uid ${identity.uid}`
    : `uid ${identity.uid} through an id-mapped mount`;
}
