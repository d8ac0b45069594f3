/** The program behind the entry: command line in, exit code out. */
import { run } from "./cli/main.ts";
import { readEnvironment } from "./config/load.ts";

export function main(argv: readonly string[], version: string): Promise<number> {
  return run(argv, {
    version,
    env: readEnvironment(),
    makeApp: async (options) => (await import("./app.ts")).createApp({ ...options, version }),
  });
}
