/** Real Redis and Postgres servers on loopback, each test its own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { tempFolder } from "./temp.ts";

const onPath = (program: string) =>
  (process.env["PATH"] ?? "").split(":").some((folder) => existsSync(join(folder, program)));

/** Why these tests are skipped, or undefined. */
export const noRedis = onPath("redis-server") ? undefined : "redis-server is not installed";
const postgresFolder = existsSync("/usr/lib/postgresql")
  ? readdirSync("/usr/lib/postgresql")
      .map((version) => `/usr/lib/postgresql/${version}/bin`)
      .find((folder) => existsSync(join(folder, "initdb")))
  : undefined;
export const noPostgres = postgresFolder ? undefined : "postgresql is not installed";

/** A port that is free now; a cluster's bus uses port + 10,000, so it stays below 55,536. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const low = 10_000 + (port % 40_000);
    if ((await isFree(low)) && (await isFree(low + 10_000))) return low;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = createConnection(port, "127.0.0.1", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface RealServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
  start(): Promise<void>;
}

async function startRedis(folder: string, words: readonly string[] = []): Promise<RealServer> {
  const port = await freePort();
  const own = join(folder, String(port));
  mkdirSync(own);
  let child: ChildProcess | undefined;
  const start = async () => {
    const given = [
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--dir",
      own,
      "--save",
      "",
      "--appendonly",
      "no",
      ...words,
    ];
    child = spawn("redis-server", given, { stdio: "ignore" });
    await listening(port, child);
  };
  const stop = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child?.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  };
  await start();
  return { url: `redis://127.0.0.1:${port}`, port, start, stop, [Symbol.asyncDispose]: stop };
}

export async function redisServer(words: readonly string[] = []): Promise<RealServer> {
  const folder = tempFolder();
  const server = await startRedis(folder.path, words);
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      await server.stop();
      folder[Symbol.dispose]();
    },
  };
}

/** Six nodes on loopback: three masters, one replica each. */
export async function redisCluster(): Promise<AsyncDisposable & { readonly nodes: readonly RealServer[] }> {
  const folder = tempFolder();
  const nodes: RealServer[] = [];
  for (let n = 0; n < 6; n++)
    nodes.push(await startRedis(folder.path, ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]));
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  execFileSync("redis-cli", ["--cluster", "create", ...addresses, "--cluster-replicas", "1", "--cluster-yes"], {
    stdio: "ignore",
  });
  for (;;) {
    const info = execFileSync("redis-cli", ["-p", String(nodes[0]?.port), "cluster", "info"]).toString();
    if (/cluster_state:ok/.test(info)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    nodes,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.stop()));
      folder[Symbol.dispose]();
    },
  };
}

/** Postgres refuses to run as root: then it runs as `nobody`. */
export async function postgresServer(): Promise<RealServer> {
  const folder = tempFolder();
  const data = join(folder.path, "data");
  mkdirSync(data, { mode: 0o700 });
  const root = process.getuid?.() === 0;
  const as = root ? { uid: 65_534, gid: 65_534 } : {};
  if (root) {
    chownSync(folder.path, 65_534, 65_534);
    chownSync(data, 65_534, 65_534);
  }
  const bin = postgresFolder ?? "";
  execFileSync(join(bin, "initdb"), ["-D", data, "-U", "crucible", "--auth=trust", "--no-sync"], {
    stdio: "ignore",
    cwd: folder.path,
    ...as,
  });
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = async () => {
    child = spawn(join(bin, "postgres"), ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder.path, "-F"], {
      stdio: "ignore",
      cwd: folder.path,
      ...as,
    });
    await listening(port, child);
    for (;;) {
      try {
        execFileSync(
          join(bin, "psql"),
          ["-h", "127.0.0.1", "-p", String(port), "-U", "crucible", "-d", "postgres", "-c", "select 1"],
          { stdio: "ignore" },
        );
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    }
  };
  const stop = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child?.once("exit", resolve));
    child.kill("SIGINT");
    await ended;
  };
  await start();
  return {
    url: `postgres://crucible@127.0.0.1:${port}/postgres`,
    port,
    start,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      folder[Symbol.dispose]();
    },
  };
}
