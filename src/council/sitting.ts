/** One council while it sits: its plan, what it may touch, and what it has used up. */
import type { Clock } from "../base/clock.ts";
import type { CouncilVoiceReport } from "../core/council.ts";
import type { Emit } from "../core/event.ts";
import type { CopyPort, Steps, VoicePort } from "../core/ports/council.ts";
import { type Budget, createBudget } from "./budget.ts";
import type { CouncilPlan } from "./plan.ts";

export interface CouncilPorts {
  readonly voices: VoicePort;
  readonly steps: Steps;
  /** Absent: nothing can be run, and patches are judged by votes alone. */
  readonly copies?: CopyPort;
  readonly clock: Clock;
  readonly emit: Emit;
}

export interface Sitting {
  readonly plan: CouncilPlan;
  readonly ports: CouncilPorts;
  readonly signal: AbortSignal;
  readonly budget: Budget;
  readonly emit: Emit;
  /** Everyone who was asked, in order. */
  readonly voices: CouncilVoiceReport[];
}

export function sit(plan: CouncilPlan, ports: CouncilPorts, signal: AbortSignal): Sitting {
  return { plan, ports, signal, budget: createBudget(plan.budget, ports.clock), emit: ports.emit, voices: [] };
}
