/** Events of a council and of a spiral. `work` is the id of one council or spiral in its session. */
import type { Json } from "../../base/canonical-json.ts";
import type { CouncilReport, CouncilVoiceReport, VoiceId } from "../council.ts";
import type { ReviewReport } from "../review.ts";
import type { Phase, SpiralReport } from "../spiral.ts";

export type CouncilEvent =
  /** `plan`: all that the course of the work depends on, frozen; a resumption and a replay take it from here. */
  | {
      readonly kind: "council-start";
      readonly work: string;
      readonly question: string;
      /** What it may cost, in words. */
      readonly price: string;
      /** What follows a decision: `report`, `apply` or `write`. */
      readonly next: string;
      readonly plan: Json;
    }
  /** The result of something that is done once, whatever happens to the process. */
  | { readonly kind: "step-done"; readonly work: string; readonly key: string; readonly value: Json }
  | { readonly kind: "voice-asked"; readonly work: string; readonly stage: string; readonly asked: VoiceId }
  | {
      readonly kind: "voice-answered";
      readonly work: string;
      readonly stage: string;
      readonly asked: VoiceId;
      readonly status: CouncilVoiceReport["status"];
      /** One line of what it said. */
      readonly text: string;
      readonly ms: number;
    }
  | {
      readonly kind: "evidence-found";
      readonly work: string;
      readonly check: string;
      readonly proposal: string;
      readonly outcome: string;
    }
  /** `plan`: what the work and its limits are; a resumption takes them from here. */
  | { readonly kind: "spiral-start"; readonly work: string; readonly task: string; readonly plan: Json }
  | {
      readonly kind: "phase-start";
      readonly work: string;
      readonly phase: Phase;
      /** From 1. */
      readonly loop: number;
    }
  | {
      readonly kind: "phase-end";
      readonly work: string;
      readonly phase: Phase;
      readonly loop: number;
      readonly text: string;
    }
  | { readonly kind: "spiral-end"; readonly work: string; readonly report: SpiralReport }
  | { readonly kind: "review-end"; readonly work: string; readonly report: ReviewReport }
  | { readonly kind: "decision-made"; readonly work: string; readonly report: CouncilReport };
