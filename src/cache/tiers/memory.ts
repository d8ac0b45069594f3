/** Tier L1: entries in this process, the least recently used go first. */
import type { Clock } from "../../base/clock.ts";
import type { CacheTier, TierEntry } from "../../core/ports/cache.ts";

export interface MemoryOptions {
  readonly clock: Pick<Clock, "now">;
  /** Bytes of bodies and keys; an entry larger than a quarter of it is not kept. */
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** What an entry costs beside its text, in bytes. */
const OVERHEAD = 128;

export function memoryTier({ clock, maxBytes, maxEntries }: MemoryOptions): CacheTier {
  // A Map keeps the order of insertion: the first key is the one longest unused.
  const kept = new Map<string, TierEntry>();
  let bytes = 0;
  const cost = (key: string, { body }: TierEntry) => key.length + body.length * 2 + OVERHEAD;
  const remove = (key: string) => {
    const entry = kept.get(key);
    if (!entry) return;
    bytes -= cost(key, entry);
    kept.delete(key);
  };
  return {
    name: "memory",
    async get(key) {
      const entry = kept.get(key);
      if (!entry) return undefined;
      if (entry.expires <= clock.now()) {
        remove(key);
        return undefined;
      }
      kept.delete(key);
      kept.set(key, entry);
      return entry;
    },
    async set(key, entry) {
      remove(key);
      const size = cost(key, entry);
      if (size > maxBytes / 4) return;
      kept.set(key, entry);
      bytes += size;
      for (const oldest of kept.keys()) {
        if (bytes <= maxBytes && kept.size <= maxEntries) break;
        remove(oldest);
      }
    },
    async remove(key) {
      remove(key);
    },
    async clear() {
      const { size } = kept;
      kept.clear();
      bytes = 0;
      return size;
    },
    size: async () => ({ entries: kept.size, bytes }),
    close: async () => undefined,
  };
}
