/** `crucible demo`: the main job against a scripted model server, openly labelled as a script. */
import type { Command } from "commander";
import { CrucibleError } from "../../base/error.ts";
import type { CommandContext } from "../../core/ports/cli.ts";

export default function demo(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command
    .argument("[what]", "`council`: ten scripted voices propose, test and vote on a change of the same shop")
    .option("--json", "one line of JSON, the last of standard output")
    .action(async (what: string | undefined, { json = false }: { json?: boolean }) => {
      if (what !== undefined && what !== "council")
        throw new CrucibleError("usage", `there is no demo of ${what}`, {
          hint: "crucible demo, or crucible demo council",
        });
      const { runDemo } = await import("../../../demo/run.ts");
      finish(await runDemo(context, { json, council: what === "council" }));
    });
}
