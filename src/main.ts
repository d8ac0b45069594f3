/** The program: answers `--version` at once, hands every other command line on, and sets the exit code. */
import manifest from "../package.json" with { type: "json" };

const argv = process.argv.slice(2);
const { version } = manifest;

if (argv.length === 1 && /^(?:-v|-V|--version)$/.test(argv[0] ?? "")) process.stdout.write(`${version}\n`);
else {
  const [{ run }, { readEnvironment }] = await Promise.all([import("./cli/main.ts"), import("./config/load.ts")]);
  process.exitCode = await run(argv, {
    version,
    env: readEnvironment(),
    makeApp: async (options) => (await import("./app.ts")).createApp({ ...options, version }),
  });
}
