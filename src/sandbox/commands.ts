/** Runs commands, each in a sandbox of its own: from the waiting spare when it fits, else from a cold start. */

import { dirname, join } from "node:path";
import type { Writable } from "node:stream";
import { abortable } from "../base/async.ts";
import { CrucibleError } from "../base/error.ts";
import { shortId } from "../base/id.ts";
import type { Grant, Lease } from "../core/grant.ts";
import type { CommandResult, ExecHands, NetworkUse } from "../core/ports/hands.ts";
import { type Backend, type Prepared, requireBackend } from "./backend.ts";
import { createControlWatch, sweepAfterKill } from "./control-watch.ts";
import { type Egress, openEgress } from "./egress.ts";
import type { Exit, Launched } from "./launch.ts";
import { limitWords } from "./limit-words.ts";
import { PUBLIC } from "./net.ts";
import type { SandboxContext } from "./options.ts";
import { outputSink } from "./output.ts";
import type { Terms } from "./profile.ts";
import { boundSockets } from "./sockets.ts";
import { dropTemporaries } from "./temporary.ts";
import { mergeTrees, type SecretFile, type Tree } from "./tree-scan.ts";

/** bash's argument limit (MAX_ARG_STRLEN) less room for its own words. */
const MAX_COMMAND = 120_000;

export interface Started {
  readonly launched: Launched;
  /** The open input of a command that speaks on its standard streams. */
  readonly input: Writable | undefined;
  /** Resolves when all is gone; gives the lines about control places that were moved away. */
  readonly ended: Promise<Ended>;
}

export interface Ended {
  readonly exit: Exit;
  readonly notes: readonly string[];
  /** Undefined when the command had no way out at all. */
  readonly network: readonly NetworkUse[] | undefined;
}

/** Sockets that were not there `before` and that no program outside has open. */
function bornSince(before: Tree, after: Tree): readonly SecretFile[] {
  const known = new Set(before.sockets.map(keyOf));
  const fresh = after.sockets.filter((socket) => !known.has(keyOf(socket)));
  if (fresh.length === 0) return [];
  const open = new Set(boundSockets(fresh.map(({ path }) => dirname(path))).map(keyOf));
  return fresh.filter((socket) => !open.has(keyOf(socket)));
}

const keyOf = ({ path, identity }: SecretFile) => `${identity} ${path}`;

interface Running {
  readonly key: string;
  readonly launched: Launched;
  readonly egress: Egress | undefined;
  readonly ends: Prepared["ends"];
}

export interface CommandOrder {
  readonly command: string;
  readonly cwd?: string | undefined;
  /** It speaks on its standard streams, and this gets its error output. */
  readonly onErrorOutput?: (chunk: Buffer) => void;
}

export interface Commands {
  /** Starts a shell for a spare, if a backend works and none waits. */
  warm(): Promise<void>;
  /** Starts one command. Throws `sandbox-unavailable`, `bad-input`. */
  start(grant: Grant | Lease, order: CommandOrder, onOutput: (chunk: Buffer) => void): Promise<Started>;
  /** Commands that somebody waits for, oldest first. */
  readonly foreground: Set<Foreground>;
  close(): Promise<void>;
}

/** A command that somebody waits for. */
export interface Foreground {
  readonly grant: Grant | Lease;
  readonly command: string;
  readonly started: Started;
  /** Nobody waits any more: what was printed so far is the result, the rest goes to `onOutput`. */
  release(job: string, onOutput: (chunk: Buffer) => void): void;
}

/** `spares`: a shell waits for the next command. */
export function createCommands(context: SandboxContext, backend: Backend, spares = true): Commands {
  let spare: Running | undefined;
  let closed = false;
  let last: Terms = { readOnly: context.mode === "read-only", reveals: [], hosts: [] };
  const live = new Set<Launched>();
  const own = new Set<string>();
  let latest = mergeTrees([]);
  const scan = () => {
    const tree = backend.scan();
    latest = tree;
    return own.size === 0 ? tree : { ...tree, sockets: tree.sockets.filter((socket) => !own.has(keyOf(socket))) };
  };
  const watch = createControlWatch(context, scan);
  // Before anything of this session starts: what a killed session's command made must not count as the user's.
  const leftovers = sweepAfterKill(context);

  const open = (grant: Terms, tree: Tree): Running => {
    const egress = grant.hosts.length > 0 && context.mode !== "off" ? egressFor(context, grant) : undefined;
    try {
      const planned = backend.plan(grant, tree, egress?.path);
      const launched = planned.start();
      live.add(launched);
      const gone = () => {
        live.delete(launched);
        egress?.close();
      };
      launched.ended.then(gone, gone);
      return { key: planned.key, launched, egress, ends: planned.ends };
    } catch (error) {
      egress?.close();
      throw error;
    }
  };
  const replenish = () => {
    if (!spares || closed || context.mode === "off" || spare?.launched.waiting) return;
    try {
      spare = open(last, scan());
    } catch {
      // No spare: the next command starts cold and reports what is wrong.
      spare = undefined;
    }
  };
  /** The spare when its profile is still what the grant and the workspace ask for. */
  const take = async (grant: Grant, tree: Tree): Promise<Running> => {
    const waiting = spare;
    spare = undefined;
    if (waiting?.launched.waiting) {
      const fits =
        backend.plan(grant, tree).key === waiting.key &&
        (await waiting.launched.ready.then(
          () => true,
          () => false,
        ));
      if (fits && waiting.launched.waiting) return waiting;
    }
    waiting?.launched.kill();
    const running = open(grant, tree);
    await running.launched.ready;
    return running;
  };
  const start: Commands["start"] = async (grant, order, onOutput) => {
    await requireBackend(backend);
    if (closed) throw new CrucibleError("sandbox-unavailable", "the session has ended");
    const folder = folderOf(context, order.cwd);
    if (order.command.includes("\0")) throw new CrucibleError("bad-input", "the command holds a NUL character");
    if (Buffer.byteLength(order.command) > MAX_COMMAND)
      throw new CrucibleError("bad-input", "the command is longer than 120,000 bytes", {
        hint: "write it to a file and run that",
      });
    last = { readOnly: grant.readOnly, reveals: [], hosts: grant.hosts };
    const tree = scan();
    const { launched, egress, ends } = await take(grant, tree);
    if (order.onErrorOutput && (ends === "container" || ends === "remote")) {
      launched.kill();
      throw new CrucibleError("sandbox-unavailable", "servers cannot run in a container or on a machine elsewhere", {
        hint: "crucible config set sandbox.backend auto",
      });
    }
    const sweep = watch.begin(grant, tree);
    const { command, onErrorOutput } = order;
    const limits = limitWords(grant.limits, ends, context.owner?.uid ?? process.getuid?.() ?? 0);
    const input = launched.begin({ limits, folder, command, ...(onErrorOutput ? { onErrorOutput } : {}) }, onOutput);
    const ended = launched.ended.then(
      (exit) => {
        const notes = [...leftovers.splice(0), ...sweep()];
        // Listeners inside are gone: the next command may remove what they left.
        for (const socket of bornSince(tree, latest)) own.add(keyOf(socket));
        return { exit, notes, network: egress?.uses() };
      },
      (error: unknown) => {
        leftovers.push(...sweep());
        throw error;
      },
    );
    ended.then(
      () => setImmediate(replenish),
      () => undefined,
    );
    return { launched, input, ended };
  };
  return {
    start,
    foreground: new Set(),
    warm: async () => {
      if ((await backend.status()).backend === undefined) return;
      if (!context.copy) dropTemporaries(backend.scan().temporaries, context.clock.now());
      replenish();
    },
    close: async () => {
      closed = true;
      await backend.close();
      for (const launched of live) launched.kill();
      await Promise.allSettled([...live].map((launched) => launched.ended));
    },
  };
}

/** Exec hands of one grant: foreground commands. */
export function execHands(context: SandboxContext, grant: Grant | Lease, commands: Commands): ExecHands {
  return { run: (command, options, signal) => run({ context, grant, commands }, command, options, signal) };
}

interface Powers {
  readonly context: SandboxContext;
  readonly grant: Grant | Lease;
  readonly commands: Commands;
}

async function run(
  powers: Powers,
  command: string,
  options: { cwd?: string; timeoutMs: number },
  signal: AbortSignal,
): Promise<CommandResult> {
  const { context, grant, commands } = powers;
  signal.throwIfAborted();
  const sink = sinkFor(context, grant);
  let print = sink.push;
  const begun = context.clock.monotonic();
  const starting = commands.start(grant, { command, cwd: options.cwd }, (chunk) => print(chunk));
  const started = await abortable(starting, signal).catch((error: unknown) => {
    // An abort while starting: what comes up late is killed at once.
    starting.then(
      (late) => late.launched.kill(),
      () => undefined,
    );
    throw error;
  });
  let timedOut = false;
  const wall = grant.limits.wallMs > 0 ? Math.min(options.timeoutMs, grant.limits.wallMs) : options.timeoutMs;
  const timer = setTimeout(() => {
    timedOut = true;
    started.launched.kill();
  }, wall);
  const onAbort = () => started.launched.kill();
  const signals = "signal" in grant ? [signal, grant.signal] : [signal];
  for (const each of signals) each.addEventListener("abort", onAbort, { once: true });
  if (signals.some((each) => each.aborted)) onAbort();
  const released = Promise.withResolvers<string>();
  const waiting: Foreground = {
    ...{ grant, command, started },
    release(job, onOutput) {
      print = onOutput;
      released.resolve(job);
    },
  };
  commands.foreground.add(waiting);
  try {
    const ending = await Promise.race([started.ended, released.promise]);
    if (typeof ending === "string") {
      const durationMs = context.clock.monotonic() - begun;
      return { exitCode: null, signal: null, ...sink.finish(), timedOut: false, durationMs, job: ending };
    }
    const { exit, network, ...told } = ending;
    const notes = [...told.notes, ...refusalNotes(network)];
    const { output, ...rest } = sink.finish();
    signal.throwIfAborted();
    const durationMs = context.clock.monotonic() - begun;
    const text = notes.length === 0 ? output : `${output}${notes.map((note) => `[${note}]\n`).join("")}`;
    const how = timedOut ? { code: null, signal: "SIGKILL" } : exit;
    const used = network === undefined ? {} : { network };
    return { exitCode: how.code, signal: how.signal, output: text, ...rest, timedOut, durationMs, ...used };
  } finally {
    commands.foreground.delete(waiting);
    clearTimeout(timer);
    for (const each of signals) each.removeEventListener("abort", onAbort);
  }
}

/** What the model is told, so that it does not try again. */
export function refusalNotes(network: readonly NetworkUse[] = []): string[] {
  const refused = network.filter((use) => use.decision === "refused");
  return refused.map(({ host, reason }) => `network: ${host} was refused: ${reason}`);
}

function egressFor(context: SandboxContext, { hosts }: Terms): Egress {
  const { config, dialling = PUBLIC } = context;
  return openEgress({ hosts, closed: config.closed ?? [], dialling, folder: join(context.stateDir, "sandbox", "net") });
}

/** A sink that emits `tool-delta` for the grant's call and spills into the session's private `/tmp`. */
function sinkFor(context: SandboxContext, grant: Grant) {
  const name = `${shortId("output")}.txt`;
  const { tmp } = context.paths;
  return outputSink({
    cap: grant.limits.outputBytes > 0 ? grant.limits.outputBytes : 30_000,
    spill: { host: `${tmp.host}/${name}`, shown: `${tmp.view}/${name}` },
    owner: context.owner,
    onDelta: (text) => void context.emit({ kind: "tool-delta", callId: grant.callId, text }),
  });
}

function folderOf(context: SandboxContext, cwd: string | undefined): string {
  const fact = context.paths.look(cwd ?? ".");
  if (fact.root === undefined)
    throw new CrucibleError("outside-workspace", `${fact.absolute} is outside the workspace`);
  if (fact.kind !== "directory") throw new CrucibleError("bad-input", `${fact.absolute} is not a directory`);
  return fact.resolved;
}
