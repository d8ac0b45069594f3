/** Sends the running command to the background: its single-use grant becomes a lease, on record before anything moves. */
import { LOCAL_USER } from "../core/actor.ts";
import type { GateOptions } from "./gate.ts";

/** False when no command runs. Throws `audit`. */
export async function sendToBackground(options: GateOptions): Promise<boolean> {
  const { sandbox, audit, journal, mint, lifetime } = options;
  const grant = sandbox.foreground();
  if (!grant) return false;
  const { tool, callId } = grant;
  await audit.append({ action: "lease-start", session: journal.session, actor: LOCAL_USER, tool, callId });
  return sandbox.background(mint.lease({ ...grant, signal: lifetime }));
}
