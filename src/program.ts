/** The program behind the entry: command line in, exit code out. */
import { createApp } from "./app.ts";
import { run } from "./cli/main.ts";
import { readEnvironment } from "./config/load.ts";

export function main(argv: readonly string[], version: string): Promise<number> {
  return run(argv, {
    version,
    env: readEnvironment(),
    faces: {
      mcp: async (serving) => (await import("./serve-mcp.ts")).serveMcp(serving),
      acp: async (serving) => (await import("./serve-acp.ts")).serveAcp(serving),
    },
    makeApp: (options) => createApp({ ...options, version }),
  });
}
