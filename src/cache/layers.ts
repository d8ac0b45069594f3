/** The tiers as one: the nearest that has an entry gives it, and the nearer ones learn it. A tier that fails is left alone for a while. */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { CrucibleError } from "../base/error.ts";
import type { CacheTier, TierEntry, TierStats } from "../core/ports/cache.ts";

/** A failed tier is not asked for this long (milliseconds). */
const PAUSE_MS = 10_000;

export interface LayersOptions {
  /** Nearest first. */
  readonly tiers: readonly CacheTier[];
  readonly clock: Pick<Clock, "now">;
  /** Seals every body: what others write into a shared tier is no entry. */
  readonly secret: Uint8Array;
}

export interface Layers {
  /** The body that was put under `key`, and where it was; undefined when it is nowhere or no tier answers. */
  get(key: string): Promise<{ readonly body: string; readonly at: number; readonly tier: string } | undefined>;
  /** Resolves when every tier that works has it. */
  set(key: string, body: string, ttlMs: number): Promise<void>;
  remove(key: string): Promise<void>;
  /** How many entries were removed, by tier. Throws `storage` when a tier was not cleared; the others are empty then. */
  clear(): Promise<Readonly<Record<string, number>>>;
  /** Drops what this process alone holds. */
  forget(): Promise<void>;
  stats(): Promise<readonly TierStats[]>;
  close(): Promise<void>;
}

interface Place {
  readonly tier: CacheTier;
  hits: number;
  misses: number;
  /** Not asked before this time. */
  until: number;
  problem: string | undefined;
}

export function createLayers({ tiers, clock, secret }: LayersOptions): Layers {
  const places: readonly Place[] = tiers.map((tier) => ({ tier, hits: 0, misses: 0, until: 0, problem: undefined }));
  const seal = (key: string, { body, at, expires }: TierEntry) =>
    createHmac("sha256", secret).update(`${key}\n${at}\n${expires}\n${body}`).digest("hex");
  const attempt = async <T>(place: Place, work: () => Promise<T>): Promise<T | undefined> => {
    if (clock.now() < place.until) return undefined;
    try {
      const result = await work();
      place.problem = undefined;
      return result;
    } catch (error) {
      place.until = clock.now() + PAUSE_MS;
      place.problem = error instanceof Error ? error.message : String(error);
      return undefined;
    }
  };
  const opened = (key: string, entry: TierEntry | undefined): TierEntry | undefined => {
    if (!entry || entry.expires <= clock.now()) return undefined;
    const [given, body] = [entry.body.slice(0, 64), entry.body.slice(64)];
    const own = seal(key, { ...entry, body });
    return given.length === own.length && timingSafeEqual(Buffer.from(given), Buffer.from(own))
      ? { ...entry, body }
      : undefined;
  };
  return {
    async get(key) {
      for (const [index, place] of places.entries()) {
        const sealed = await attempt(place, () => place.tier.get(key));
        const entry = opened(key, sealed);
        if (!entry) {
          place.misses++;
          continue;
        }
        place.hits++;
        if (sealed)
          await Promise.all(
            places.slice(0, index).map((nearer) => attempt(nearer, () => nearer.tier.set(key, sealed))),
          );
        return { body: entry.body, at: entry.at, tier: place.tier.name };
      }
      return undefined;
    },
    async set(key, body, ttlMs) {
      const at = clock.now();
      const expires = at + ttlMs;
      const entry = { body: seal(key, { body, at, expires }) + body, at, expires };
      await Promise.all(places.map((place) => attempt(place, () => place.tier.set(key, entry))));
    },
    async remove(key) {
      await Promise.all(places.map((place) => attempt(place, () => place.tier.remove(key))));
    },
    async clear() {
      const counts: [string, number][] = [];
      const failures: string[] = [];
      const clearOne = async ({ tier }: Place) => {
        try {
          counts.push([tier.name, await tier.clear()]);
        } catch (error) {
          failures.push(`${tier.name} (${error instanceof Error ? error.message : String(error)})`);
        }
      };
      for (const place of places) await clearOne(place);
      if (failures.length === 0) return Object.fromEntries(counts);
      throw new CrucibleError("storage", `not cleared: ${failures.join(", ")}; every other place is empty`, {
        hint: "when it answers again: crucible cache clear",
        retryable: true,
      });
    },
    async forget() {
      await places.find(({ tier }) => tier.name === "memory")?.tier.clear();
    },
    stats: () =>
      Promise.all(
        places.map(async (place) => {
          const size = await attempt(place, () => place.tier.size());
          const { hits, misses, problem } = place;
          const state = problem === undefined ? ("up" as const) : ("down" as const);
          return { name: place.tier.name, state, ...(problem === undefined ? {} : { problem }), ...size, hits, misses };
        }),
      ),
    async close() {
      await Promise.allSettled(places.map(({ tier }) => tier.close()));
    },
  };
}
