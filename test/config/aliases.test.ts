/** Names of earlier documents still set the keys of today. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runBinary } from "../kit/binary.ts";
import { tempFolder } from "../kit/temp.ts";

test("cacheConfig and redis blocks are read; what is wrong in them is told with its place", async () => {
  using folder = tempFolder();
  const config = join(folder.path, "crucible/config");
  mkdirSync(config, { recursive: true });
  const show = (text: string) => {
    writeFileSync(join(config, "config.jsonc"), text);
    return runBinary(["config", "show", "--origin"], { cwd: folder.path, home: folder.path });
  };
  const blocks = {
    cacheConfig: { similarityThreshold: 0.9, maxCacheSize: 1_000, ttl: 60, compressionEnabled: false },
    redis: { cluster: { enabled: true } },
  };
  const { code, stdout } = await show(JSON.stringify(blocks));
  expect(code).toBe(0);
  for (const line of [
    /cache\.similarity +0\.9/,
    /cache\.maxEntries +1000/,
    /cache\.ttl +60/,
    /cache\.compression +false/,
    /cache\.redisCluster +true/,
  ])
    expect(stdout).toMatch(line);
  const wrong = await show('{\n  "cacheConfig": { "ttl": "soon" }\n}');
  expect(wrong.code).toBe(52);
  expect(wrong.stderr).toMatch(/config\.jsonc:2: cache\.ttl: /);
});
