/** `crucible man`: the manual page, written from the same tables as help: `crucible man | man -l -`. */
import type { Command } from "commander";
import type { CommandContext } from "../../core/ports/cli.ts";
import { manualPage } from "../manual-page.ts";
import { commandWords } from "../words.ts";

export default function man(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command.action(async () => {
    process.stdout.write(manualPage(context.version, await commandWords(context)));
    finish(0);
  });
}
