/** One engine: a process of its own with one model in it, which can be killed at any time and costs no more than a new load. */
import { type ChildProcess, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { CrucibleError } from "../../base/error.ts";
import { HttpFailure, type HttpReply } from "../http.ts";
import type { FromEngine, Gpu, Line, Refusal, Setup, ToEngine } from "./protocol.ts";

export interface EngineOptions {
  readonly file: string;
  readonly gpu: Gpu;
  /** Longest wait for work to end that was told to (milliseconds); then the process is killed. */
  readonly graceMs: number;
}

export interface Order {
  readonly do: "chat" | "embed";
  /** JSON. */
  readonly body: string;
  /** Aborting ends the work; the reader is freed at once. */
  readonly signal: AbortSignal;
}

/** What one order gives back, line by line. */
interface Work {
  readonly take: (line: Line) => void;
  readonly end: () => void;
  readonly fail: (error: unknown) => void;
}

/** The built script lies beside the built program, the source beside this file. */
const SCRIPT = import.meta.url.endsWith(".ts") ? "./child.ts" : "./embedded-child.js";
const STDERR_BYTES = 2_000;

export class Engine {
  readonly #options: EngineOptions;
  readonly #child: ChildProcess;
  readonly #works = new Map<number, Work>();
  /** Without work it ends by itself when the channel closes. */
  readonly #onExit = () => this.busy && this.kill();
  #next = 1;
  #said = "";
  #gone = false;
  /** Tokens of the loaded window. */
  window: number | undefined;
  /** Resolves when the process is no more. */
  readonly ended: Promise<void>;

  constructor(options: EngineOptions) {
    this.#options = options;
    const setup: Setup = { file: options.file, gpu: options.gpu, threads: Math.max(1, availableParallelism() - 1) };
    const script = fileURLToPath(new URL(SCRIPT, import.meta.url));
    this.#child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, JSON.stringify(setup)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#child.on("message", (message: FromEngine) => this.#hear(message));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-STDERR_BYTES);
    });
    this.#child.on("error", (error) => this.#end(error.message, resolve));
    // `close` does not come after a disconnect; the last words on stderr may lie one turn behind `exit`.
    this.#child.on("exit", (code, signal) => {
      setImmediate(() => this.#end(`ended (${signal ?? `exit ${code}`})`, resolve));
    });
    process.on("exit", this.#onExit);
    this.#idle();
  }

  get gone(): boolean {
    return this.#gone;
  }

  get busy(): boolean {
    return this.#works.size > 0;
  }

  /** Ends an engine that nobody needs any more; resolves when its memory is free. */
  close(): Promise<void> {
    this.#gone = true;
    if (this.busy) this.kill();
    else if (this.#child.connected) {
      this.#child.disconnect();
      const late = setTimeout(() => this.kill(), this.#options.graceMs);
      return this.ended.finally(() => clearTimeout(late));
    }
    return this.ended;
  }

  kill(): void {
    this.#gone = true;
    this.#child.kill("SIGKILL");
  }

  /** Gives the work to the process; its lines are read as those of a server are. */
  order({ do: what, body, signal }: Order): HttpReply {
    const id = this.#next++;
    const lines = new LineQueue(signal);
    let grace: NodeJS.Timeout | undefined;
    const stop = () => {
      if (!this.#works.has(id) || grace) return;
      this.#send({ id, do: "stop" });
      grace = setTimeout(() => this.kill(), this.#options.graceMs);
    };
    const settle = (rest: () => void) => {
      clearTimeout(grace);
      signal.removeEventListener("abort", stop);
      this.#works.delete(id);
      if (this.#works.size === 0) this.#idle();
      rest();
    };
    this.#works.set(id, {
      take: (line) => lines.push(line),
      end: () => settle(() => lines.end()),
      fail: (error) => settle(() => lines.fail(error)),
    });
    this.#child.channel?.ref();
    signal.addEventListener("abort", stop, { once: true });
    this.#send({ id, do: what, body });
    return {
      status: 200,
      contentType: "application/x-ndjson",
      read: () => lines.read(),
      release: stop,
    };
  }

  #send(message: ToEngine): void {
    // A closed channel is followed by the end of the process, which fails every work.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  #hear(message: FromEngine): void {
    if ("loaded" in message) this.window = message.loaded;
    const work = this.#works.get(message.id);
    if (!work) return;
    if ("line" in message) work.take(message.line);
    else if ("end" in message) work.end();
    else if ("refusal" in message) work.fail(faultOf(message.refusal));
  }

  #end(how: string, done: () => void): void {
    this.#gone = true;
    process.removeListener("exit", this.#onExit);
    const last = this.#said.trim().split("\n").at(-1) ?? "";
    const text = `the engine of ${this.#options.file} ${how}${last === "" ? "" : `: ${last}`}`;
    for (const work of [...this.#works.values()]) work.fail(new HttpFailure("stream", "ECONNRESET", text));
    done();
  }

  /** An engine without work does not keep the program alive. */
  #idle(): void {
    this.#child.unref();
    this.#child.channel?.unref();
    (this.#child.stderr as unknown as { unref(): void } | null)?.unref();
  }
}

/** Lines between two processes; whoever reads takes all that are there. */
class LineQueue {
  readonly #signal: AbortSignal;
  #waiting: string[] = [];
  #ended = false;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#poke(), { once: true });
  }

  push(line: Line): void {
    this.#waiting.push(`${JSON.stringify(line)}\n`);
    this.#poke();
  }

  end(): void {
    this.#ended = true;
    this.#poke();
  }

  fail(error: unknown): void {
    this.#failure = error;
    this.#poke();
  }

  async read(): Promise<Buffer | undefined> {
    for (;;) {
      this.#signal.throwIfAborted();
      if (this.#waiting.length > 0) return Buffer.from(this.#waiting.splice(0).join(""));
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  #poke(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** The version that this program is tested with. */
const PACKAGE = "node-llama-cpp@3.21.1";

/** Where npm puts the package so that this program finds it: beside itself. */
export function installCommand(place: string): string {
  const at = place.lastIndexOf("/node_modules/codecrucible/");
  if (at < 0) return `npm install ${PACKAGE}`;
  const root = place.slice(0, at);
  // npm keeps global packages in <prefix>/lib/node_modules, on Windows in <prefix>/node_modules.
  return /\/(?:lib|npm)$/.test(root) ? `npm install -g ${PACKAGE}` : `npm install --prefix ${root} ${PACKAGE}`;
}

function faultOf({ code, message, hint }: Refusal): CrucibleError {
  if (code !== "no-package") return new CrucibleError(code, message, hint === undefined ? {} : { hint });
  return new CrucibleError(
    "model-unfit",
    "the embedded engine needs the package node-llama-cpp, which is not installed",
    {
      hint: `install it with: ${installCommand(fileURLToPath(import.meta.url))}`,
    },
  );
}
