/** `crucible help spiral`: a spiral itself is a prompt run with flags of its own. */
import type { Command } from "commander";
import type { CommandContext } from "../../core/ports/cli.ts";
import { helpText } from "../help.ts";

export default function spiral(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command.argument("[work...]", "what is to be done").action(() => {
    process.stdout.write(helpText(context.version));
    finish(0);
  });
}
