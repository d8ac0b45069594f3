/** `crucible completion bash|zsh|fish|powershell`: prints a script that completes commands, options and their values. */
import type { Command } from "commander";
import { CrucibleError } from "../../base/error.ts";
import { nearest } from "../../base/text.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import { completionScript, SHELLS } from "../completion-scripts.ts";
import { commandWords, flagWords } from "../words.ts";

export default function completion(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command.argument("<shell>", SHELLS.join(", ")).action(async (name: string) => {
    const shell = SHELLS.find((each) => each === name);
    if (!shell) {
      const near = nearest(name, SHELLS);
      throw new CrucibleError("usage", `there is no completion for ${name}; there is for ${SHELLS.join(", ")}`, {
        ...(near ? { hint: `did you mean ${near}?` } : {}),
      });
    }
    process.stdout.write(completionScript(shell, { flags: flagWords(), commands: await commandWords(context) }));
    finish(0);
  });
}
