/** Programs of the person's own configuration: they run as the person, unconfined, each under a lease and in a process group of its own. */
import { spawn } from "node:child_process";
import { CrucibleError } from "../base/error.ts";
import { userPath } from "../base/user-path.ts";
import type { Lease } from "../core/grant.ts";

export interface OwnProgram {
  readonly command: string;
  readonly input: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export interface OwnExit {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly problem?: string;
}

/** Bytes of each stream that are kept. */
const MOST = 64 * 1024;

/**
 * The command in a shell whose whole group dies with it, with us (a watch ends it a second after our process is gone),
 * with the lease or at its timeout (milliseconds).
 */
const SCRIPT = [
  '(while kill -0 "$1" 2>/dev/null; do sleep 1; done; kill -9 -$$) </dev/null >/dev/null 2>&1 &',
  'exec /bin/sh -c "$2"',
].join(" ");

export async function runOwnProgram(
  verify: (lease: Lease) => boolean,
  lease: Lease,
  order: OwnProgram,
  signal: AbortSignal,
): Promise<OwnExit> {
  if (!verify(lease)) throw new CrucibleError("denied", `no valid lease for ${lease.tool}`);
  if (signal.aborted || lease.signal.aborted) return { code: undefined, stdout: "", stderr: "", problem: "cancelled" };
  const child = spawn("/bin/sh", ["-c", SCRIPT, "sh", String(process.pid), order.command], {
    cwd: order.cwd,
    // What npm put before the person's programs is the workspace's.
    env: { ...order.env, PATH: userPath(order.env["PATH"]) },
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const streams = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      if (streams[name].length < MOST) streams[name] += text;
    });
  // It may end without reading what it was told.
  child.stdin.on("error", () => undefined);
  child.stdin.end(order.input);
  let problem: string | undefined;
  const end = (why: string) => () => {
    problem ??= why;
    killGroup(child.pid);
  };
  const timer = setTimeout(end(`it took longer than ${order.timeoutMs / 1000} s`), order.timeoutMs);
  const cancel = end("cancelled");
  for (const each of [signal, lease.signal]) each.addEventListener("abort", cancel, { once: true });
  try {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    child.on("error", (error) => {
      problem ??= error.message;
      resolve(undefined);
    });
    child.on("exit", (code, killed) => {
      if (code === null) problem ??= `ended by ${killed ?? "a signal"}`;
      // What it left behind would keep the streams open.
      killGroup(child.pid);
    });
    child.on("close", (code) => resolve(code ?? undefined));
    const code = await promise;
    return { code: problem === undefined ? code : undefined, ...streams, ...(problem ? { problem } : {}) };
  } finally {
    clearTimeout(timer);
    for (const each of [signal, lease.signal]) each.removeEventListener("abort", cancel);
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It is gone.
  }
}
