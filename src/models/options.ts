/** What this room is handed: places to look, what the user configured, time, memory and a place for what is learned. */
import type { Clock } from "../base/clock.ts";
import type { Profile, Sampling } from "../core/model.ts";
import type { QuirkStore } from "../core/ports/models.ts";
import type { Tier } from "../core/route.ts";
import type { Calibration } from "./calibrate.ts";
import type { ModelEnv, ServerConfig } from "./discover.ts";
import type { Gpu } from "./embedded/protocol.ts";
import type { Http } from "./http.ts";
import type { Lane, Seats } from "./lane.ts";
import type { RateBook } from "./rates.ts";
import type { Timeouts } from "./timeouts.ts";

export interface EmbeddedOptions {
  /** File with the list of added models. */
  readonly registry: string;
  /** Some model was added: the engine is looked at when nothing else is named. */
  readonly any: boolean;
  readonly gpu: Gpu;
}

export interface ModelsOptions {
  readonly env: ModelEnv;
  /** Servers of the configuration, in its order. */
  readonly servers: readonly ServerConfig[];
  /** `provider/model` of the configuration. */
  readonly defaultModel?: string;
  /** `provider/model` for each use. */
  readonly tiers?: Readonly<Partial<Record<Tier, string>>>;
  /** `provider/model` names that answer when the others cannot. */
  readonly fallback?: readonly string[];
  /** Configured windows in tokens, by `provider/model`. */
  readonly windows: Readonly<Record<string, number>>;
  /** For every model; a profile wins over it. */
  readonly sampling?: Sampling;
  /** By `provider/model`. */
  readonly profiles?: Readonly<Record<string, Profile>>;
  /** For model files that this program runs itself. */
  readonly embedded?: EmbeddedOptions;
  readonly quirks: QuirkStore;
  readonly clock: Clock;
  readonly freeMemoryBytes: () => number;
  /** Loopback ports to try; default 11434, 1234, 8080, 8000. */
  readonly ports?: readonly number[];
  readonly timeouts?: Partial<Timeouts>;
}

/** What opening a model needs of the whole. */
export interface ModelsContext extends ModelsOptions {
  readonly limits: Timeouts;
  readonly http: Http;
  /** By model digest, so that two sessions of one process share what was measured. */
  readonly calibrations: Map<string, Calibration>;
  /** By model digest. */
  readonly rates: Map<string, RateBook>;
  /** By server and model. */
  readonly lanes: Map<string, Lane>;
  /** By server. */
  readonly seats: Map<string, Seats>;
}
