/** The voices and councils of this folder, and whether they can be relied on. */
import type { CouncilPreset, Voice } from "../voice.ts";
import type { OpenModel } from "./models.ts";

export interface VoiceList {
  readonly voices: readonly Voice[];
  readonly councils: readonly CouncilPreset[];
  /** Lines for the person: files of the project that nobody trusts yet. */
  readonly notes: readonly string[];
}

/** What was found in one file. */
export interface VoiceFinding {
  readonly id: string;
  readonly file: string;
  /** Length of its prompt, estimated: bytes / 4. */
  readonly tokens: number;
  readonly problems: readonly string[];
}

/** One request to a voice, bound to the form of its answer. */
export interface VoiceTrial {
  /** The answer met the form. */
  readonly ok: boolean;
  readonly problem?: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly ms: number;
}

export interface VoicesView {
  /** Throws `bad-config` with file:line. */
  list(): Promise<VoiceList>;
  /** Every file, the broken ones too. */
  check(): Promise<readonly VoiceFinding[]>;
  trial(voice: Voice, model: OpenModel, signal: AbortSignal): Promise<VoiceTrial>;
}
