/** One command on one machine elsewhere: lay the workspace out, run, take the changes back, end the machine. */
import { CrucibleError } from "../base/error.ts";
import { INSTALLED } from "./command-env.ts";
import type { Exit, Launched, Order } from "./launch.ts";
import type { SandboxContext } from "./options.ts";
import type { Terms } from "./profile.ts";
import type { Machine } from "./remote.ts";
import { gather, parseFound, type Sent, takeBack } from "./remote-files.ts";
import { confinedEnv } from "./stand-ins.ts";
import { tar } from "./tar.ts";
import type { Tree } from "./tree-scan.ts";

export interface RemoteJob {
  readonly context: SandboxContext;
  readonly grant: Terms;
  readonly tree: Tree;
  create(signal: AbortSignal): Promise<Machine>;
}

const ARCHIVE = "/tmp/.crucible.tar";
/** Names of this machine's places that mean nothing there. */
const LOCAL = new Set([...INSTALLED, "PATH", "HOME", "USER", "LOGNAME", "GIT_CONFIG_GLOBAL"]);

/** The roots come as arguments. What is made by root is given to the user; the clock is read when all is laid out. */
const LAY_OUT = `set -e; for root in "$@"; do mkdir -p "$root"; done
tar -xf ${ARCHIVE} -C /; rm ${ARCHIVE}; chown -R user: "$@"; sleep 0.1; date +%s.%N; sleep 0.1`;
const LIST = String.raw`find "$@" -type f -printf '%C@ %m %s %p\0'`;
const RUN = `exec 2>&1 </dev/null; ulimit -c 0; folder=$2
for limit in $1; do ulimit -"\${limit%%=*}" "\${limit#*=}" || exit 125; done
cd -- "$folder" || exit 125; set -- "$3"; unset limit folder; eval "set --; $1"`;

export function runRemotely(job: RemoteJob): Launched {
  if (job.grant.hosts.length > 0)
    throw new CrucibleError("sandbox-unavailable", "commands on a machine elsewhere have no way to the network", {
      hint: "crucible config set sandbox.backend auto",
    });
  const stop = new AbortController();
  const ended = Promise.withResolvers<Exit>();
  let begun = false;
  let killed = false;
  const kill = () => {
    killed = true;
    stop.abort(new CrucibleError("aborted", "the command was ended"));
    if (!begun) ended.resolve({ code: null, signal: "SIGKILL" });
  };
  const begin: Launched["begin"] = (order, onOutput) => {
    begun = true;
    play(job, order, { onOutput, signal: stop.signal }).then(
      (code) => ended.resolve({ code, signal: null }),
      (error: unknown) => (killed ? ended.resolve({ code: null, signal: "SIGKILL" }) : ended.reject(error)),
    );
    return undefined;
  };
  return {
    ready: Promise.resolve(),
    // It is made for one grant and one look at the workspace: none waits as a spare.
    waiting: false,
    ended: ended.promise,
    begin,
    kill,
  };
}

interface Wire {
  readonly onOutput: (chunk: Buffer) => void;
  readonly signal: AbortSignal;
}

async function play(job: RemoteJob, order: Order, wire: Wire): Promise<number> {
  const sent = await gather(job, wire.signal);
  const machine = await job.create(wire.signal);
  try {
    const roots = job.context.paths.roots.filter((root) => root !== job.context.paths.tmp.view);
    await machine.upload(ARCHIVE, tar(sent.files));
    const since = Number(await asRoot(machine, LAY_OUT, roots));
    const args = [order.limits, order.folder, order.command];
    const code = await machine.run({ user: "user", script: RUN, args, env: envOf(job.context) }, wire.onOutput);
    const notes = job.grant.readOnly ? [] : await collect(job, { machine, sent, roots, since });
    for (const note of [...sent.notes, ...notes]) wire.onOutput(Buffer.from(`[e2b: ${note}]\n`));
    return code;
  } finally {
    await machine.close();
  }
}

async function collect(
  job: RemoteJob,
  end: { readonly machine: Machine; readonly sent: Sent; readonly roots: readonly string[]; readonly since: number },
): Promise<string[]> {
  const { machine, sent, roots, since } = end;
  if (!(since > 0)) throw new CrucibleError("sandbox-unavailable", "the machine told no time: nothing was taken back");
  const found = parseFound(await asRoot(machine, LIST, roots), since);
  return takeBack(job, sent, { found, fetch: machine.download });
}

async function asRoot(machine: Machine, script: string, args: readonly string[]): Promise<string> {
  const chunks: Buffer[] = [];
  const code = await machine.run({ user: "root", script, args, env: {} }, (chunk) => void chunks.push(chunk));
  const text = Buffer.concat(chunks).toString("utf8");
  if (code !== 0)
    throw new CrucibleError("sandbox-unavailable", `the machine could not be prepared: ${text.slice(-200).trim()}`);
  return text;
}

function envOf(context: SandboxContext): Record<string, string> {
  const own = context.config.env;
  return Object.fromEntries(Object.entries(confinedEnv(context)).filter(([name]) => !LOCAL.has(name) || name in own));
}
