/** `crucible acp`: the agent of an editor, Agent Client Protocol on standard input and output. */
import type { Command } from "commander";
import type { CommandContext } from "../../core/ports/cli.ts";
import { serving } from "../serving.ts";

export default function acp(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command
    .argument("[flags...]", "flags of a run: -m, --base-url, --permission-mode, --style ...")
    .allowUnknownOption()
    .addHelpText("after", "\nThe editor starts it; how to tell yours: docs/editors.md")
    .action(async (words: string[]) => {
      finish(await serving({ command: "crucible acp", words }, context, context.faces.acp));
    });
}
