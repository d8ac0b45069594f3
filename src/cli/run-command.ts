/** Runs one command through commander; its errors become usage faults. */
import { Command, CommanderError } from "commander";
import { toFault } from "../base/error.ts";
import type { CommandContext } from "../core/ports/cli.ts";
import type { CommandEntry } from "./commands.ts";
import { createDebug } from "./debug.ts";
import { EXIT } from "./exit-codes.ts";
import { allowClosedPipes } from "./output.ts";
import { faultLine } from "./render/renderer.ts";

/** Loads and runs `entry` with the words after its name. */
export async function runCommand(
  name: string,
  entry: CommandEntry,
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  allowClosedPipes();
  const { default: declare } = await entry.load();
  const command = new Command(`crucible ${name}`).description(entry.about);
  let code = 0;
  declare(command, context, (result) => {
    code = result;
  });
  for (const each of [command, ...command.commands])
    each
      .exitOverride()
      .showSuggestionAfterError()
      .configureOutput({ writeErr: () => undefined });
  try {
    await command.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (error.code === "commander.help") process.stderr.write(command.helpInformation());
      else
        process.stderr.write(
          `crucible ${name}: ${error.message
            .replace(/^error: /, "")
            .replaceAll("\n", " ")
            .replace(/\.$/, "")}. See: crucible ${name} --help\n`,
        );
      return 2;
    }
    const fault = toFault(error);
    process.stderr.write(`crucible: ${faultLine(fault)}\n`);
    if (context.env["CODECRUCIBLE_DEBUG"]) createDebug(undefined).error(error);
    return EXIT[fault.code];
  }
}
