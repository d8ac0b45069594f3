/** The program behind the entry: command line in, exit code out. */
import { createApp } from "./app.ts";
import { run } from "./cli/main.ts";
import { readEnvironment } from "./config/load.ts";

export function main(argv: readonly string[], version: string): Promise<number> {
  return run(argv, {
    version,
    env: readEnvironment(),
    makeApp: (options) => createApp({ ...options, version }),
  });
}
