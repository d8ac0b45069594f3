/** Runs the real binary as a person would, with a home of its own, and collects what it says. */
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The sources: a bundle in dist/ may be older than they are. */
export const BIN = resolve(import.meta.dirname, "../../src/main.ts");

export interface BinaryRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface BinaryOptions {
  readonly cwd: string;
  /** Becomes CODECRUCIBLE_HOME and HOME. */
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Called with the process once it runs. */
  readonly running?: (child: {
    pid: number;
    kill(signal: NodeJS.Signals): void;
    onOutput(listener: (text: string) => void): void;
  }) => void;
}

/** The environment of a run: nothing of ours leaks in but PATH and the coverage folder. */
export function binaryEnv(options: Pick<BinaryOptions, "home" | "env">): Record<string, string> {
  const coverage = process.env["CRUCIBLE_TEST_COVERAGE"];
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: options.home,
    CODECRUCIBLE_HOME: `${options.home}/crucible`,
    LANG: "C.UTF-8",
    // No journey may find a server of this machine by chance.
    OLLAMA_HOST: "127.0.0.1:9",
    // Every test has a home of its own, the program is the same.
    NODE_COMPILE_CACHE: join(tmpdir(), "crucible-test-compiled"),
    ...(coverage ? { NODE_V8_COVERAGE: coverage } : {}),
    ...options.env,
  };
}

export async function runBinary(args: readonly string[], options: BinaryOptions): Promise<BinaryRun> {
  const started = performance.now();
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: options.cwd,
    env: binaryEnv(options),
    stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  const listeners: ((text: string) => void)[] = [];
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
      for (const listener of listeners) listener(chunk);
    });
  }
  if (options.stdin !== undefined) child.stdin?.end(options.stdin);
  options.running?.({
    pid: child.pid ?? 0,
    kill: (signal) => void child.kill(signal),
    onOutput: (listener) => void listeners.push(listener),
  });
  const { promise, resolve: done } = Promise.withResolvers<BinaryRun>();
  child.on("close", (code, signal) => done({ code, signal, ...text, ms: performance.now() - started }));
  return promise;
}
