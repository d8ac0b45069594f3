/** Old names of configuration keys. */

/** Names of earlier documents for keys of today. */
export const ALIASES: Readonly<Record<string, string>> = {
  "cacheConfig.similarityThreshold": "cache.similarity",
  "cacheConfig.maxCacheSize": "cache.maxEntries",
  "cacheConfig.ttl": "cache.ttl",
  "cacheConfig.compressionEnabled": "cache.compression",
  "redis.cluster.enabled": "cache.redisCluster",
  "redis.optimization.compression": "cache.compression",
};
