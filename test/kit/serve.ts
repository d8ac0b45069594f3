/** The real binary as a server on its standard streams, with its process at hand. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { BIN, binaryEnv } from "./binary.ts";
import type { Journey } from "./journey.ts";

export interface Served extends AsyncDisposable {
  readonly child: ChildProcessWithoutNullStreams;
  readonly stderr: () => string;
  /** Exit code, or the signal. */
  readonly ended: Promise<number | string | null>;
}

export function serve(setting: Journey, words: readonly string[], env: Readonly<Record<string, string>> = {}): Served {
  const child = spawn(process.execPath, [BIN, ...words], {
    cwd: setting.folder,
    env: binaryEnv({ home: setting.home, env }),
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => undefined);
  const { promise: ended, resolve } = Promise.withResolvers<number | string | null>();
  child.on("close", (code, signal) => resolve(code ?? signal));
  return {
    child,
    stderr: () => stderr,
    ended,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await ended;
      clearTimeout(timer);
    },
  };
}
