/** Background commands: each keeps a sandbox of its own until it ends, is killed, or its lease does. */
import { CrucibleError } from "../base/error.ts";
import { shortId } from "../base/id.ts";
import { isSecretPath } from "../base/secret-names.ts";
import type { Grant, Lease } from "../core/grant.ts";
import type { JobHands, JobStatus } from "../core/ports/hands.ts";
import { type Commands, type Foreground, refusalNotes, type Started } from "./commands.ts";
import type { SandboxContext } from "./options.ts";

/** Output kept between two polls, in bytes; the oldest is dropped first. */
const KEPT = 256 * 1024;

export interface Job {
  readonly id: string;
  readonly command: string;
  readonly started: Started;
  readonly ended: Promise<void>;
  readonly online: boolean;
  readonly secret: boolean;
  running: boolean;
  exitCode: number | null;
  chunks: Buffer[];
  size: number;
  dropped: number;
}

/** Job hands of one grant or lease; jobs outlive the grant and are found again by id. */
export function jobHands(
  context: SandboxContext,
  grant: Grant | Lease,
  commands: Commands,
  jobs: Map<string, Job>,
): JobHands {
  const find = (id: string) => {
    const job = jobs.get(id);
    if (!job)
      throw new CrucibleError("bad-input", `there is no job ${id}`, {
        hint: `known jobs: ${[...jobs.keys()].join(", ") || "none"}`,
      });
    return job;
  };
  return {
    start: async (command, options) => {
      const id = shortId("job", 6);
      const job = await startJob({ context, grant, commands }, id, { command, cwd: options.cwd });
      jobs.set(id, job);
      announce(context, grant, job);
      return { id };
    },
    poll: async (id) => status(find(id), grant.limits.outputBytes),
    kill: async (id) => {
      const job = find(id);
      job.started.launched.kill();
      await job.ended;
      return status(job, grant.limits.outputBytes);
    },
  };
}

interface Powers {
  readonly context: SandboxContext;
  readonly grant: Grant | Lease;
  readonly commands: Commands;
}

async function startJob(
  powers: Powers,
  id: string,
  order: { command: string; cwd?: string | undefined },
): Promise<Job> {
  const started = await powers.commands.start(powers.grant, order, (chunk) => keep(job, chunk));
  const job = jobOf(powers.grant, { id, command: order.command, started });
  return job;
}

/** A command that somebody waited for goes on as a job under `lease`. */
export function adopt(context: SandboxContext, lease: Lease, running: Foreground): Job {
  const job = jobOf(lease, { id: shortId("job", 6), command: running.command, started: running.started });
  running.release(job.id, (chunk) => keep(job, chunk));
  announce(context, lease, job);
  return job;
}

function announce(context: SandboxContext, { callId }: Grant | Lease, job: Job): void {
  context.emit({ kind: "job-start", callId, job: job.id, command: job.command });
  // A command that ended at once still tells its end after its start.
  job.ended.then(
    () => context.emit({ kind: "job-end", job: job.id, exitCode: job.exitCode }),
    () => undefined,
  );
}

function jobOf(grant: Grant | Lease, { id, command, started }: Pick<Job, "id" | "command" | "started">): Job {
  const buffer: Pick<Job, "chunks" | "size" | "dropped"> = { chunks: [], size: 0, dropped: 0 };
  const ended = started.ended.then(({ exit, notes, network }) => {
    job.running = false;
    job.exitCode = exit.code;
    for (const note of [...notes, ...refusalNotes(network)]) keep(job, Buffer.from(`[${note}]\n`));
  });
  const { hosts, reveals } = grant;
  const facts = { online: hosts.length > 0, secret: reveals.some(isSecretPath) };
  const job: Job = { id, command, started, ended, ...facts, running: true, exitCode: null, ...buffer };
  if ("signal" in grant) {
    const { signal } = grant;
    const stop = () => started.launched.kill();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  }
  return job;
}

function keep(job: Job, chunk: Buffer): void {
  job.chunks.push(chunk);
  job.size += chunk.length;
  while (job.size > KEPT && job.chunks.length > 1) {
    const length = job.chunks.shift()?.length ?? 0;
    job.size -= length;
    job.dropped += length;
  }
}

/** Hands out what came since the last poll and forgets it. */
function status(job: Job, cap: number): JobStatus {
  const bytes = Buffer.concat(job.chunks);
  const shown = cap > 0 && bytes.length > cap ? bytes.subarray(bytes.length - cap) : bytes;
  const left = job.dropped + bytes.length - shown.length;
  const output = `${left > 0 ? `… ${left} bytes left out …\n` : ""}${shown.toString("utf8")}`;
  Object.assign(job, { chunks: [], size: 0, dropped: 0 });
  const { id, command, running, exitCode, online, secret } = job;
  return { id, command, running, exitCode, output, online, secret };
}
