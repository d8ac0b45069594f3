/** Tier L2: Redis or Valkey, one server or a cluster, shared by the processes that hold the same key of ours. */
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import type { Cluster, ClusterNode, Redis } from "ioredis";
import type { Clock } from "../../base/clock.ts";
import type { CacheTier, TierEntry } from "../../core/ports/cache.ts";

export interface RedisSettings {
  /** `redis://` or `rediss://` (TLS) addresses: one server, or some nodes of a cluster. */
  readonly urls: readonly string[];
  readonly cluster: boolean;
  /** Starts every key; entries of other programs are never touched. */
  readonly prefix: string;
  readonly compression: boolean;
  readonly clock: Pick<Clock, "now">;
}

/** A cache that is slower than this is no cache (milliseconds). */
const COMMAND_MS = 250;
const CONNECT_MS = 1_000;
/** Smaller bodies gain nothing from compression (bytes). */
const WORTH_PACKING = 1_024;
const PACKED = 0x01;
const PLAIN = 0x00;

const pack = promisify(zstdCompress);
const unpack = promisify(zstdDecompress);
/** A small body must not unpack to gigabytes. */
const LARGEST = 64 * 2 ** 20;

/** Connects at the first command and again when it must; a command fails at once while nobody answers. */
export async function redisTier(settings: RedisSettings): Promise<CacheTier> {
  const { prefix, compression, clock } = settings;
  const client = await connect(settings);
  // Failures reach who gave the command; without a listener they would end the process.
  client.on("error", () => undefined);
  const nameOf = (key: string) => `${prefix}:${key}`;
  const masters = () =>
    "nodes" in client && typeof client.nodes === "function" ? client.nodes("master") : [client as Redis];
  const eachKey = async (visit: (node: Redis, keys: string[]) => Promise<void>) => {
    for (const node of masters() as Redis[])
      for await (const keys of node.scanStream({ match: `${prefix}:*`, count: 500 }))
        if (keys.length > 0) await visit(node, keys as string[]);
  };
  return {
    name: settings.cluster ? "redis cluster" : "redis",
    async get(key) {
      const bytes = await client.getBuffer(nameOf(key));
      return bytes ? decode(bytes) : undefined;
    },
    async set(key, entry) {
      const ttl = entry.expires - clock.now();
      if (ttl > 0) await client.psetex(nameOf(key), ttl, await encode(entry, compression));
    },
    async remove(key) {
      await client.del(nameOf(key));
    },
    async clear() {
      let removed = 0;
      await eachKey(async (node, keys) => {
        // One by one: keys of a node may lie in different slots of the cluster.
        removed += (await Promise.all(keys.map((name) => node.del(name)))).reduce((sum, count) => sum + count, 0);
      });
      return removed;
    },
    async size() {
      const total = { entries: 0, bytes: 0 };
      await eachKey(async (node, keys) => {
        total.entries += keys.length;
        const sizes = await Promise.all(keys.map((name) => node.strlen(name)));
        total.bytes += sizes.reduce((sum, size) => sum + size, 0);
      });
      return total;
    },
    async close() {
      client.disconnect();
    },
  };
}

async function connect({ urls, cluster }: RedisSettings): Promise<Redis | Cluster> {
  const library = await import("ioredis");
  const options = {
    lazyConnect: true,
    enableOfflineQueue: true,
    commandTimeout: COMMAND_MS,
    connectTimeout: CONNECT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt: number) => Math.min(attempt * 200, 5_000),
  };
  const [first = "redis://127.0.0.1:6379"] = urls;
  if (!cluster) return new library.Redis(first, options);
  const { username, password, protocol } = new URL(first);
  const login = {
    ...(username === "" ? {} : { username: decodeURIComponent(username) }),
    ...(password === "" ? {} : { password: decodeURIComponent(password) }),
    ...(protocol === "rediss:" ? { tls: {} } : {}),
  };
  return new library.Cluster(urls.map(nodeOf), {
    lazyConnect: true,
    redisOptions: { commandTimeout: COMMAND_MS, connectTimeout: CONNECT_MS, ...login },
    clusterRetryStrategy: (attempt) => Math.min(attempt * 200, 5_000),
  });
}

function nodeOf(url: string): ClusterNode {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port || 6_379) };
}

async function encode({ body, at, expires }: TierEntry, compression: boolean): Promise<Buffer> {
  const text = Buffer.from(JSON.stringify([at, expires, body]));
  if (!compression || text.length < WORTH_PACKING) return Buffer.concat([Buffer.from([PLAIN]), text]);
  const packed = await pack(text, { params: { [constants.ZSTD_c_compressionLevel]: 3 } });
  return Buffer.concat([Buffer.from([PACKED]), packed]);
}

/** Undefined for bytes that are not ours. */
async function decode(bytes: Buffer): Promise<TierEntry | undefined> {
  try {
    const text =
      bytes[0] === PACKED ? await unpack(bytes.subarray(1), { maxOutputLength: LARGEST }) : bytes.subarray(1);
    const [at, expires, body] = JSON.parse(text.toString()) as unknown[];
    return typeof at === "number" && typeof expires === "number" && typeof body === "string"
      ? { at, expires, body }
      : undefined;
  } catch {
    return undefined;
  }
}
