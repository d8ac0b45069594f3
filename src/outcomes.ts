/** Wires the record of councils. */
import type { CouncilReport } from "./core/council.ts";
import type { VoicePort } from "./core/ports/council.ts";
import type { Voice } from "./core/voice.ts";
import type { CouncilPlan } from "./council/plan.ts";
import { NO_RECORD, type Weights } from "./council/weights.ts";
import type { House } from "./house.ts";

export function recordOf(_house: House) {
  return {
    weights: async (_port: VoicePort, _voices: readonly Voice[]): Promise<Weights> => NO_RECORD,
    keep: async (_report: CouncilReport, _plan: CouncilPlan, _applied: readonly string[]) => undefined,
  };
}
