/** The program: reads its version, hands the command line on, and sets the exit code. */
import manifest from "../package.json" with { type: "json" };
import { run } from "./cli/main.ts";
import { readEnvironment } from "./config/load.ts";

process.exitCode = await run(process.argv.slice(2), {
  version: manifest.version,
  env: readEnvironment(),
  makeApp: async (options) => (await import("./app.ts")).createApp({ ...options, version: manifest.version }),
});
