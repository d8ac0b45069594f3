/** A voice of the council: a duty that yields its own kind of evidence, as its file describes it. */
import type { VoiceId } from "./council.ts";

/** What a voice hands in before anybody votes: a solution, claims that can be refuted, or checks that run. */
export type Yield = "proposal" | "claims" | "checks";

export interface Voice {
  readonly id: VoiceId;
  readonly title: string;
  /** One line: what this voice answers for. */
  readonly duty: string;
  /** What it is told, after everything that all voices share; at most 150 tokens with the stage's own words. */
  readonly prompt: string;
  readonly temperature: number;
  readonly yields: readonly Yield[];
  /** Tools it may use when it works alone; empty: it answers from what it is shown. */
  readonly tools: readonly string[];
  /** The tier that suits it, where tiers are configured. */
  readonly model: "fast" | "quality";
  /** Its record is kept for this domain. */
  readonly domain: string;
  /** False: it comments and never votes on what is right. */
  readonly votes: boolean;
  readonly origin: "built-in" | "user" | "project";
  readonly file: string;
}

export interface CouncilMember {
  readonly voice: VoiceId;
  /** Voices whose contribution it reads before its own: it is no longer blind to them. */
  readonly dependsOn: readonly VoiceId[];
}

/** Which voices sit together, for what. */
export interface CouncilPreset {
  readonly id: string;
  readonly title: string;
  readonly domain?: string;
  readonly members: readonly CouncilMember[];
  readonly origin: "built-in" | "user" | "project";
}
