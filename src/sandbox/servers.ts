/** Foreign servers as confined processes: a sandbox, `/tmp` and HOME of its own for each, no network but the hosts of its lease. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { CrucibleError } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";
import { shellQuoted } from "../base/shell-words.ts";
import type { Lease } from "../core/grant.ts";
import type { ServerOrder, ServerProcess } from "../core/ports/mcp.ts";
import { chosenBackend, openBackend } from "./backend.ts";
import { type Commands, createCommands } from "./commands.ts";
import { measureHome } from "./housekeeping.ts";
import type { SandboxContext, SandboxOptions } from "./options.ts";

/** Private folders in place of the session's. */
export interface OwnPlace {
  readonly home: string;
  readonly tmp: string;
}

export interface Servers {
  start(lease: Lease, order: ServerOrder): Promise<ServerProcess>;
  /** Kills all and waits until they are gone. */
  close(): Promise<void>;
}

type Prepare = (options: SandboxOptions, own: OwnPlace) => SandboxContext;

const LAST_WORDS = 4096;

export function createServers(context: SandboxContext, prepare: Prepare): Servers {
  const rooms = new Map<string, Commands>();
  const roomFor = (order: ServerOrder): Commands => {
    const key = `${order.profile} ${order.server}`;
    const known = rooms.get(key);
    if (known) return known;
    const own = ownContext(context, order, prepare);
    const { mode, backends, config } = own;
    const backend = mode === "off" ? openBackend(own) : chosenBackend(own, backends, config.backend ?? "auto");
    const room = createCommands(own, backend, false);
    rooms.set(key, room);
    return room;
  };
  return {
    start: async (lease, order) => {
      const room = roomFor(order);
      const words: Buffer[] = [];
      let take: ((chunk: Buffer) => void) | undefined;
      const early: Buffer[] = [];
      const cwd = order.profile === "none" ? {} : { cwd: order.cwd };
      const command = commandOf(order, context.mode === "off");
      const started = await room.start(
        lease,
        { command, ...cwd, onErrorOutput: (chunk) => keepLast(words, chunk) },
        (chunk) => (take ? take(chunk) : void early.push(chunk)),
      );
      const stop = () => started.launched.kill();
      lease.signal.addEventListener("abort", stop, { once: true });
      if (lease.signal.aborted) stop();
      const ended = started.ended
        .then(({ exit }) => exit)
        .finally(() => lease.signal.removeEventListener("abort", stop));
      ended.catch(() => undefined);
      return {
        write: (text) => put(started.input, text),
        onOutput: (taker) => {
          take = taker;
          for (const chunk of early.splice(0)) taker(chunk);
        },
        lastWords: () => Buffer.concat(words).toString("utf8").slice(-LAST_WORDS),
        ended,
        kill: stop,
      };
    },
    close: async () => {
      await Promise.all([...rooms.values()].map((room) => room.close()));
    },
  };
}

/** The session's context with folders that no command shares; with profile `none` an empty folder for a workspace. */
function ownContext(
  context: SandboxContext,
  { server: name, profile, read }: ServerOrder,
  prepare: Prepare,
): SandboxContext {
  const place = join(context.stateDir, "sandbox", "servers", `${name}-${sha256(context.paths.workspace).slice(0, 12)}`);
  const home = join(place, "home");
  const tmp = join(context.stateDir, "sandbox", "tmp", `${context.session}-${name}`);
  const { paths: _paths, privateHome: _home, homeHost: _host, owner: _owner, ...rest } = context;
  const { readable: _readable, exposed: _exposed, ...shared } = rest;
  const inHome = (path: string) => path.replace(/^~(?=\/|$)/, context.home);
  // What the person opened for the agent is not opened for somebody else's program.
  const options = { ...shared, config: { ...context.config, env: {}, read: read.map(inHome), expose: [] } };
  measureHome(home).catch(() => undefined);
  if (profile !== "none") return prepare(options, { home, tmp });
  const { cwd: _cwd, ...elsewhere } = options;
  const empty = join(place, "empty");
  mkdirSync(empty, { recursive: true, mode: 0o700 });
  return prepare({ ...elsewhere, workspace: empty, addDirs: [] }, { home, tmp });
}

/**
 * The words of bash that become the server. Without a namespace nothing ends it with us: then a watch of its own
 * group does, a second after this process is gone.
 */
function commandOf({ words, env }: ServerOrder, open: boolean): string {
  const bad = Object.keys(env).find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (bad !== undefined) throw new CrucibleError("bad-input", `${JSON.stringify(bad)} is no name of a variable`);
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${shellQuoted(value)}; `);
  const watch = open ? "(while kill -0 $PPID; do sleep 1; done; kill -9 -- -$$) </dev/null >/dev/null 2>&1 & " : "";
  return `${watch}${exports.join("")}exec ${words.map(shellQuoted).join(" ")}`;
}

function keepLast(words: Buffer[], chunk: Buffer): void {
  words.push(chunk);
  let size = words.reduce((sum, each) => sum + each.length, 0);
  while (words.length > 1 && size - (words[0]?.length ?? 0) >= LAST_WORDS) size -= words.shift()?.length ?? 0;
}

function put(input: Writable | undefined, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (!input?.writable) reject(new CrucibleError("tool-failed", "the server has ended"));
  else input.write(text, (error) => (error ? reject(error) : resolve()));
  return promise;
}
