/** Ports of what may be reused: tiers that keep bodies under exact keys, and the cache of answers above them. */

/** A body and its times (milliseconds since the epoch). */
export interface TierEntry {
  readonly body: string;
  readonly at: number;
  readonly expires: number;
}

export interface TierStats {
  readonly name: string;
  /** `down` with the reason: slower, never wrong. */
  readonly state: "up" | "down";
  readonly problem?: string;
  readonly entries?: number;
  readonly bytes?: number;
  readonly hits: number;
  readonly misses: number;
}

/** A place for entries. Keys are hashes in hex; a tier may forget any entry at any time, and gives back what was put in or nothing. */
export interface CacheTier {
  readonly name: string;
  get(key: string): Promise<TierEntry | undefined>;
  set(key: string, entry: TierEntry): Promise<void>;
  remove(key: string): Promise<void>;
  /** Removes everything this program has put here; how much that was. */
  clear(): Promise<number>;
  size(): Promise<{ readonly entries: number; readonly bytes: number }>;
  close(): Promise<void>;
}
