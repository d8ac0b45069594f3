/** Modes and models as an editor offers them. */
import type { SessionConfigOption, SessionModeState } from "@agentclientprotocol/sdk";
import { nameOf } from "../core/message.ts";
import type { Ground } from "../core/ports/serving.ts";
import type { Mode } from "../core/verdict.ts";

const MODES: readonly { readonly id: Mode; readonly name: string; readonly description: string }[] = [
  { id: "default", name: "Default", description: "asks where something is doubtful" },
  { id: "auto", name: "Auto", description: "asks nothing: what would be asked is refused" },
  { id: "plan", name: "Plan", description: "only reads, and ends with a plan" },
];

/** The value that stands for the model of the configuration or of the session. */
export const CONFIGURED = "configured";
/** Longest look for models (milliseconds). */
const LOOK_MS = 2_000;

export function modeNamed(id: string): Mode | undefined {
  return MODES.find((mode) => mode.id === id)?.id;
}

export function modesNow(currentModeId: Mode): SessionModeState {
  return { currentModeId, availableModes: MODES.map((mode) => ({ ...mode })) };
}

/** Which models answer now; a server that does not answer offers none. */
export async function modelOption({ app, base }: Ground, current: string): Promise<SessionConfigOption[]> {
  const found = await app
    .models()
    .then((models) => models.list(base.model, AbortSignal.timeout(LOOK_MS)))
    .then(({ models }) => models.map(({ ref }) => nameOf(ref)))
    .catch(() => []);
  const names = [...new Set([CONFIGURED, ...found, current])];
  const options = names.map((value) => ({ value, name: value === CONFIGURED ? "as configured" : value }));
  return [{ type: "select", id: "model", name: "Model", category: "model", currentValue: current, options }];
}
