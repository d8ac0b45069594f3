/** The entry: answers `--version` at once and hands every other command line on. */
import manifest from "../package.json" with { type: "json" };

const argv = process.argv.slice(2);
if (argv.length === 1 && /^(?:-v|-V|--version)$/.test(argv[0] ?? "")) process.stdout.write(`${manifest.version}\n`);
else {
  const { main } = await import("./program.ts");
  process.exitCode = await main(argv, manifest.version);
}
