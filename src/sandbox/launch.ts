/** Starts one shell that waits for its one command, and makes sure that nothing of it is left at the end. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { CrucibleError } from "../base/error.ts";
import { processState } from "../base/process-stat.ts";
import { INFO_FD, READY_FD, SERVE } from "./bwrap.ts";
import { STARTED } from "./container-init.ts";

export interface LaunchPlan {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The environment of the command where that is another one. */
  readonly variables?: Readonly<Record<string, string>>;
  /**
   * How everything ends: by the first process of a pid namespace, by a keeper told with SIGTERM, by the first process
   * of a container whose input ends, or by the process group.
   */
  readonly ends: "namespace" | "keeper" | "container" | "group";
  /** File with the seccomp program, to be read from descriptor `FILTER_FD`. */
  readonly filter?: string;
}

export interface Order {
  /** `letter=value` pairs for bash's ulimit. */
  readonly limits: string;
  readonly folder: string;
  readonly command: string;
  /** It speaks on its standard streams; this gets what it writes to its error output. */
  readonly onErrorOutput?: (chunk: Buffer) => void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface Launched {
  /** Resolves when the inner shell waits; rejects with `sandbox-unavailable` when it never will. */
  readonly ready: Promise<void>;
  /** True while the shell can still take an order. */
  readonly waiting: boolean;
  /** Resolves when every process is gone and all output has arrived. */
  readonly ended: Promise<Exit>;
  /** What it returns is the input of a command that speaks on its standard streams; it stays open. */
  begin(order: Order, onOutput: (chunk: Buffer) => void): Writable | undefined;
  /** Kills everything inside. May be called at any time, more than once. */
  kill(): void;
}

const REAP_MS = 2_000;
/** A client that is killed while its engine makes a container leaves one behind that never ran. */
const CONTAINER_MS = 15_000;
/** Without a namespace a process that left the group may keep the output open; it is not waited for. */
const LINGER_MS = 200;

export function launch(plan: LaunchPlan): Launched {
  const child = start(plan);
  const [readyPipe, infoPipe] = [child.stdio[READY_FD] as Readable, child.stdio[INFO_FD] as Readable];
  let init: InitProcess | undefined;
  let killed = false;
  let waiting = true;
  let problem = "";
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined);
  const waits = () => {
    ready.resolve();
    if (waiting) hold(child, false);
  };
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    if (plan.ends === "container" && text.includes(STARTED)) waits();
    problem += text.slice(0, 2000 - problem.length);
  });
  const kill = () => {
    killed = true;
    waiting = false;
    hold(child, true);
    if (plan.ends === "keeper") return endKeeper(child);
    if (plan.ends === "container") return endContainer(child);
    if (plan.ends === "group") return killGroup(child);
    // While bubblewrap starts, its child waits for it and is not yet tied to its life: killing only the parent
    // would leave that child behind for ever. It tells the child's number within milliseconds; then the child goes first.
    if (!init) return;
    init.kill();
    child.kill("SIGKILL");
  };
  onText(infoPipe, (text) => {
    const pid = Number(/"child-pid": *(\d+)/.exec(text)?.[1]);
    if (pid > 0) init ??= initProcess(pid);
    if (killed) kill();
  });
  readyPipe.once("data", waits);
  const ended = end(child, plan, () => init).then((exit) => {
    waiting = false;
    ready.reject(
      new CrucibleError(
        "sandbox-unavailable",
        `the sandbox did not start: ${problem.trim() || `exit code ${exit.code}`}`,
        { hint: "crucible doctor" },
      ),
    );
    return exit;
  });
  ended.catch((error: unknown) => ready.reject(error));
  const begin = (order: Order, onOutput: (chunk: Buffer) => void) => {
    waiting = false;
    hold(child, true);
    child.stdout?.on("data", onOutput);
    const { onErrorOutput } = order;
    if (onErrorOutput) child.stderr?.on("data", (text: string) => onErrorOutput(Buffer.from(text)));
    const limits = onErrorOutput ? `${order.limits} ${SERVE}` : order.limits;
    child.stdin?.write(`${limits}\0${order.folder}\0${order.command}\0`);
    if (onErrorOutput) return child.stdin ?? undefined;
    if (plan.ends !== "container") child.stdin?.end();
    return undefined;
  };
  child.stdin?.on("error", () => undefined);
  return {
    ready: ready.promise,
    get waiting() {
      return waiting;
    },
    ended,
    begin,
    kill,
  };
}

function start(plan: LaunchPlan): ChildProcess {
  const filter = plan.filter === undefined ? [] : [openSync(plan.filter, "r")];
  const stdio = ["pipe", "pipe", "pipe", "pipe", "pipe", ...filter] as const;
  try {
    return spawn(plan.file, plan.args, {
      // Node hands this one variable of its own on to every child unless the child's environment names it.
      env: { NODE_V8_COVERAGE: undefined, ...plan.env },
      stdio: [...stdio],
      detached: plan.ends !== "namespace",
      cwd: "/",
    });
  } finally {
    for (const fd of filter) closeSync(fd);
  }
}

/** A shell that only waits must not keep this process alive. */
function hold(child: ChildProcess, held: boolean): void {
  const streams = child.stdio as readonly ({ ref?(): void; unref?(): void } | null)[];
  for (const part of [child, ...streams]) {
    if (held) part?.ref?.();
    else part?.unref?.();
  }
}

function onText(pipe: Readable, take: (text: string) => void): void {
  let text = "";
  pipe.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
    take(text);
  });
  pipe.on("error", () => undefined);
}

async function end(child: ChildProcess, plan: LaunchPlan, init: () => InitProcess | undefined): Promise<Exit> {
  const exited = Promise.withResolvers<Exit>();
  const closed = Promise.withResolvers<void>();
  child.on("error", (error) => {
    exited.reject(
      new CrucibleError("sandbox-unavailable", `${plan.file} could not be started: ${error.message}`, {
        hint: "crucible doctor",
      }),
    );
  });
  child.on("exit", (code, signal) => exited.resolve({ code, signal }));
  child.on("close", () => closed.resolve());
  const exit = await exited.promise;
  if (plan.ends === "namespace") await init()?.gone();
  else killGroup(child);
  const shut = () => {
    for (const stream of child.stdio) stream?.destroy();
  };
  const timer = setTimeout(shut, plan.ends === "namespace" ? REAP_MS : LINGER_MS);
  // A spare that never began still has unread output.
  child.stdout?.resume();
  await closed.promise;
  clearTimeout(timer);
  return exit;
}

/** It kills all that it keeps before it ends; one that does not answer goes with its group. */
function endKeeper(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => killGroup(child), REAP_MS);
  child.once("exit", () => clearTimeout(timer));
}

/** Its first process ends with its input; a client that does not answer goes too, which also ends that input. */
function endContainer(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.stdin?.end();
  const timer = setTimeout(() => killGroup(child), CONTAINER_MS);
  child.once("exit", () => clearTimeout(timer));
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is empty already.
  }
}

interface InitProcess {
  kill(): void;
  /** Kills it and waits until the kernel has ended every process of its namespace. */
  gone(): Promise<void>;
}

/** The first process of a pid namespace, told from a later owner of its number by its start time. */
function initProcess(pid: number): InitProcess {
  const started = stateOf(pid)?.started;
  const state = () => {
    const now = stateOf(pid);
    return now && now.started === started ? now.state : undefined;
  };
  const kill = () => {
    const now = state();
    if (now === undefined || now === "Z" || now === "X") return;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended between the look and the signal.
    }
  };
  const gone = async () => {
    const begun = performance.now();
    kill();
    // A zombie first process is the kernel's word that its whole namespace has ended.
    for (let now = state(); now !== undefined && now !== "Z" && now !== "X"; now = state()) {
      const waited = performance.now() - begun;
      if (waited > REAP_MS) throw new CrucibleError("tool-failed", `process ${pid} of a sandbox could not be killed`);
      // It is nearly always over within a millisecond: a timer would be the longest part.
      await new Promise<void>((resolve) => (waited < 3 ? setImmediate(resolve) : setTimeout(resolve, 1)));
    }
  };
  return { kill, gone };
}

function stateOf(pid: number): ReturnType<typeof processState> | undefined {
  try {
    return processState(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return undefined;
  }
}
