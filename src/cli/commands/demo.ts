/** `crucible demo`: the main job against a scripted model server, openly labelled as a script. */
import type { Command } from "commander";
import type { CommandContext } from "../../core/ports/cli.ts";

export default function demo(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command
    .option("--json", "one line of JSON, the last of standard output")
    .action(async (options: { json?: boolean }) => {
      const { runDemo } = await import("../../../demo/run.ts");
      finish(await runDemo(context, { json: options.json ?? false }));
    });
}
