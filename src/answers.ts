/** Wires the cache of answers: which tiers it has, whose answers they are, and which model compares questions. */
import { systemClock } from "./base/clock.ts";
import { createAnswers } from "./cache/answers.ts";
import { openEntryBook } from "./cache/entry-book.ts";
import { createLayers } from "./cache/layers.ts";
import { sealKey } from "./cache/seal-key.ts";
import { memoryTier } from "./cache/tiers/memory.ts";
import { sqliteTier } from "./cache/tiers/sqlite.ts";
import { LOCAL_USER } from "./core/actor.ts";
import type { AnswerCache, CacheTier } from "./core/ports/cache.ts";
import type { Embedder, Models } from "./core/ports/models.ts";
import { createRedactor } from "./guard/redact.ts";
import type { House } from "./house.ts";
import { knownSecrets } from "./redaction.ts";

/** Seldom more than a few hundred answers are asked for again in one process. */
const MEMORY_ENTRIES = 1_000;
const MEMORY_BYTES = 16 * 2 ** 20;
const MIB = 2 ** 20;
/** Longest wait for the embedding model's server at the first question (milliseconds). */
const FIND_MS = 10_000;

export async function openAnswers(house: House, models: () => Promise<Models>): Promise<AnswerCache> {
  const { config, home, workspace } = house;
  const folder = config.places.data;
  const semantic = config.get("cache.answers") === "semantic" && config.get("tiers.embed") !== undefined;
  let found: Promise<Embedder> | undefined;
  const embedder = () => {
    found ??= models().then((known) => known.embedder({}, AbortSignal.timeout(FIND_MS)));
    // A server that is started later is found by a later question.
    found.catch(() => {
      found = undefined;
    });
    return found;
  };
  const redactor = createRedactor("cache", knownSecrets(house));
  return createAnswers({
    scope: { user: `${LOCAL_USER.id} ${home}`, workspace, role: LOCAL_USER.role },
    layers: createLayers({ tiers: await tiersOf(house), clock: systemClock, secret: sealKey(`${folder}/cache.key`) }),
    book: openEntryBook(`${folder}/answers.db`, config.get<number>("cache.maxEntries")),
    ...(semantic ? { embedder } : {}),
    clock: systemClock,
    ttlMs: config.get<number>("cache.ttl") * 1_000,
    maxBytes: config.get<number>("cache.maxMegabytes") * MIB,
    similarity: config.get<number>("cache.similarity"),
    anyTemperature: config.get<boolean>("cache.anyTemperature"),
    hasSecret: (text) => redactor.text(text) !== text,
  });
}

/** Nearest first: this process, the shared tier, the disk or the database. */
async function tiersOf({ config }: House): Promise<readonly CacheTier[]> {
  const clock = systemClock;
  const maxEntries = config.get<number>("cache.maxEntries");
  const maxBytes = config.get<number>("cache.maxMegabytes") * MIB;
  const near = memoryTier({
    clock,
    maxEntries: Math.min(MEMORY_ENTRIES, maxEntries),
    maxBytes: Math.min(MEMORY_BYTES, maxBytes),
  });
  const urls = config.get<string[]>("cache.redis");
  const postgres = config.get<string | undefined>("cache.postgres");
  const shared = urls.length === 0 ? [] : [await sharedTier(config, urls)];
  if (postgres === undefined)
    return [near, ...shared, sqliteTier({ file: `${config.places.data}/cache.db`, clock, maxEntries, maxBytes })];
  const { postgresTier } = await import("./cache/tiers/postgres.ts");
  return [near, ...shared, await postgresTier({ url: postgres, clock, maxEntries })];
}

async function sharedTier(config: House["config"], urls: readonly string[]): Promise<CacheTier> {
  const { redisTier } = await import("./cache/tiers/redis.ts");
  return redisTier({
    urls,
    cluster: config.get<boolean>("cache.redisCluster"),
    prefix: config.get<string>("cache.redisPrefix"),
    compression: config.get<boolean>("cache.compression"),
    clock: systemClock,
  });
}
