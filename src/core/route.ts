/** Which model answers, and why: the nouns of routing. */

/** What a model is used for. `embed` never answers. */
export type Tier = "fast" | "quality" | "embed";

export type RouteStrategy =
  | "override"
  | "availability"
  | "context"
  | "tools"
  | "residency"
  | "cost"
  | "quality"
  | "default";

/** A model that was looked at. `kept`: nothing spoke against it, another was better. */
export interface Considered {
  /** `provider/model`. */
  readonly model: string;
  readonly tier?: Tier;
  readonly outcome: "chosen" | "kept" | "rejected";
  readonly by: RouteStrategy;
  readonly reason: string;
  /** Predicted milliseconds: load + prefill of what is not cached + decode + queue. */
  readonly costMs?: number;
}

/** Why this model. The same input gives the same decision. */
export interface RouteDecision {
  readonly model: string;
  readonly tier?: Tier;
  readonly strategy: RouteStrategy;
  readonly reason: string;
  /** 0 (a format) to 1 (an architecture): the prior of how hard the prompt is. */
  readonly complexity: number;
  readonly considered: readonly Considered[];
  /** Longest wait for the first token (milliseconds). */
  readonly deadlineMs: number;
}
