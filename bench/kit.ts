/** Starts the built program and bare Node under the same conditions and measures them: time, processor time, memory. */
import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Play, Told } from "./server.ts";

/** The program as the package holds it: without sources beside it. Made by `installBuilt`. */
const BUILT = join(tmpdir(), `crucible-bench-built-${process.pid}`);

/** Builds dist/ and lays it out as an installed package; dispose it at the end. */
export function installBuilt(): Disposable {
  const root = resolve(import.meta.dirname, "..");
  execFileSync(process.execPath, [join(root, "scripts/build.ts")], { stdio: "inherit" });
  for (const name of ["bin", "dist", "package.json"]) cpSync(join(root, name), join(BUILT, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(BUILT, "node_modules"));
  return { [Symbol.dispose]: () => rmSync(BUILT, { recursive: true, force: true }) };
}

/** One line of the table. Times in the unit that `unit` names; a ratio is against `floor`. */
export interface Row {
  readonly item: string;
  readonly value: number;
  readonly unit: string;
  /** What bare Node needs for the same, measured in turn with it. */
  readonly floor?: number;
  readonly budget?: { readonly most: number } | { readonly least: number };
  /** The budget is on value / floor. */
  readonly byFloor?: boolean;
  readonly note?: string;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export interface ModelServer {
  readonly url: string;
  readonly told: Told[];
  stop(): void;
}

/** The scripted model in a process of its own. */
export async function startServer(play: Play): Promise<ModelServer> {
  const child: ChildProcess = fork(join(import.meta.dirname, "server.ts"), [JSON.stringify(play)]);
  const told: Told[] = [];
  const { promise, resolve: listening } = Promise.withResolvers<string>();
  child.on("message", (message: Told) => {
    if (message.kind === "listening") listening(message.place);
    else told.push(message);
  });
  return { url: await promise, told, stop: () => child.disconnect() };
}

export interface Place {
  /** The workspace: a git repository without any file but one. */
  readonly folder: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  [Symbol.dispose](): void;
}

/** A workspace and a home of their own, below one temporary folder. */
export function makePlace(name = "project"): Place {
  const base = mkdtempSync(join(tmpdir(), "crucible-bench-"));
  const folder = join(base, name);
  const home = join(base, "home");
  mkdirSync(join(folder, ".git"), { recursive: true });
  mkdirSync(home);
  writeFileSync(join(folder, ".git", "HEAD"), "ref: refs/heads/main\n");
  writeFileSync(join(folder, "readme.md"), "# A small project\n");
  const env = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: home,
    CODECRUCIBLE_HOME: join(home, "crucible"),
    LANG: "C.UTF-8",
  };
  return { folder, home, env, [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }) };
}

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  /** Start and end on the machine's monotonic clock, in milliseconds. */
  readonly started: number;
  readonly ended: number;
  /** Processor time in milliseconds and peak memory in MiB of the process itself; only with `usage`. */
  readonly cpuMs: number;
  readonly rssMib: number;
}

export interface Given {
  readonly place: Place;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input, whole. */
  readonly input?: string;
  /** The exit code that is due; 0 when absent. */
  readonly code?: number;
  /** Has the process write down what it used when it ends. */
  readonly usage?: boolean;
}

export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Runs Node with `args` and waits for its end. Throws when it ends with another code than is due. */
export async function runNode(args: readonly string[], given: Given): Promise<Run> {
  const file = join(given.place.home, "usage.json");
  const env = { ...given.place.env, ...given.env };
  const preload = given.usage ? ["--require", resolve(import.meta.dirname, "usage.cjs")] : [];
  const started = now();
  const child = spawn(process.execPath, [...preload, ...args], {
    cwd: given.place.folder,
    env: given.usage ? { ...env, CRUCIBLE_BENCH_USAGE: file } : env,
    stdio: [given.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  child.stdin?.end(given.input);
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
    });
  const { promise, resolve: done } = Promise.withResolvers<number | null>();
  let ended = 0;
  child.on("exit", () => {
    ended = now();
  });
  child.on("close", done);
  const code = await promise;
  if (code !== (given.code ?? 0))
    throw new Error(`${args.join(" ").slice(0, 200)} ended with ${code}: ${text.stderr || text.stdout}`);
  const used = given.usage
    ? (JSON.parse(readFileSync(file, "utf8")) as { cpuMs: number; rssMib: number })
    : { cpuMs: Number.NaN, rssMib: Number.NaN };
  return { code, stdout: text.stdout, started, ended, ...used };
}

/** The built program with `args`. */
export function runProgram(args: readonly string[], given: Given): Promise<Run> {
  return runNode([join(BUILT, "bin/crucible.mjs"), ...args], given);
}

/** Milliseconds of the monotonic clock at which the server told of something. */
export function toldAt(server: ModelServer, kind: Told["kind"], place = "/api/chat"): number {
  const found = kind === "answered" ? server.told.findLast : server.told.find;
  const told = found.call(server.told, (message) => message.kind === kind && message.place === place);
  if (!told) throw new Error(`the server was never told of ${kind} ${place}`);
  return Number(BigInt(told.at) / 1000n) / 1000;
}

/** Bare Node that sends one request and prints what comes: the least that a client of a model must do. */
export const BARE_CLIENT = `const r = process.getBuiltinModule("node:http").request(process.env.URL + "/api/chat", { method: "POST" }, (s) => {
  s.setEncoding("utf8"); let rest = "";
  s.on("data", (d) => { const l = (rest + d).split("\\n"); rest = l.pop(); for (const x of l) { const m = JSON.parse(x); if (m.message) process.stdout.write(m.message.content); } });
}); r.end('{"messages":[]}')`;
