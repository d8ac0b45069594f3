/** The powers of foreign servers: every process and connection is leased by the gate and on record before it begins. */
import { canonicalJson, type Json } from "../base/canonical-json.ts";
import { sha256 } from "../base/hash.ts";
import type { Actor } from "../core/actor.ts";
import type { EventContext } from "../core/event.ts";
import type { Lease } from "../core/grant.ts";
import type { DialOrder, ForeignHands, ServerOrder } from "../core/ports/mcp.ts";
import type { CallLimits } from "./action.ts";
import type { GateOptions } from "./gate.ts";
import { limitsOf } from "./limits.ts";

/** What leases are made of and recorded with. */
export interface ForeignRoom
  extends Pick<GateOptions, "audit" | "clock" | "emit" | "lifetime" | "mint" | "redactor" | "sandbox"> {
  readonly journal: Pick<GateOptions["journal"], "session">;
  readonly policy: { readonly limits: CallLimits };
}

export interface ForeignCall {
  readonly actor: Actor;
  /** Empty when no call of a model asks. */
  readonly callId: string;
  /** Whatever the entry says, nothing may be written. */
  readonly readOnly: boolean;
  readonly where: EventContext;
}

export function foreignHands(room: ForeignRoom, call: ForeignCall): ForeignHands {
  const { callId } = call;
  const deltas = room.redactor.stream();
  const lease = async (order: ServerOrder | DialOrder, readOnly: boolean): Promise<Lease> => {
    await room.audit.append({
      action: "lease-start",
      session: room.journal.session,
      actor: call.actor,
      tool: `mcp__${order.server}`,
      ...(callId === "" ? {} : { callId }),
      digest: sha256(canonicalJson(order as unknown as Json)),
      details: room.redactor.deep(detailsOf(order, readOnly)),
    });
    return room.mint.lease({
      ...{ callId, tool: `mcp__${order.server}`, inputHash: "", effects: ["jobs"], readOnly, reveals: [] },
      hosts: order.hosts,
      limits: { ...limitsOf(room.policy.limits), wallMs: 0 },
      expiresAt: room.clock.now() + 60_000,
      signal: room.lifetime,
    });
  };
  return {
    serve: async (order, signal) => {
      const readOnly = call.readOnly || order.profile === "workspace-read";
      const granted = await lease(order, readOnly);
      signal.throwIfAborted();
      const started = await room.sandbox.serve(granted, order);
      if (signal.aborted) started.kill();
      return started;
    },
    dial: async (order) => room.sandbox.dial(await lease(order, true), order),
    progress: (text) => {
      if (callId !== "") room.emit({ kind: "tool-delta", callId, text: deltas.push(text) }, call.where);
    },
    spill: (text) => room.sandbox.spill(room.redactor.text(text)),
  };
}

/** Words and hosts; values of variables are nobody's business. */
function detailsOf(order: ServerOrder | DialOrder, readOnly: boolean): { readonly [key: string]: Json } {
  const hosts = [...order.hosts];
  if (!("words" in order)) return { hosts };
  return { words: [...order.words], profile: order.profile, variables: Object.keys(order.env), readOnly, hosts };
}
