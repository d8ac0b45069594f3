/** `crucible prompt show`: what every request begins with. */
import type { Command } from "commander";
import type { CommandContext } from "../../core/ports/cli.ts";
import { workFolder } from "../files.ts";
import { harmless } from "../output.ts";
import { table } from "../table.ts";

export default function prompt(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command
    .command("show", { isDefault: true })
    .description("system text and tools array with their sizes")
    .option("--full", "with the texts themselves")
    .option("--json", "machine-readable")
    .action(async (options: { full?: boolean; json?: boolean }) => {
      const app = await context.makeApp({ workspace: workFolder(undefined), bare: false, flags: new Map() });
      const parts = await app.prompt();
      const total = parts.reduce((sum, part) => ({ bytes: sum.bytes + part.bytes, tokens: sum.tokens + part.tokens }), {
        bytes: 0,
        tokens: 0,
      });
      if (options.json) process.stdout.write(`${JSON.stringify({ parts, total, counted: "bytes/4" })}\n`);
      else {
        const rows = parts.map((part) => [part.name, String(part.bytes), String(part.tokens)]);
        process.stdout.write(
          table([
            ["PART", "BYTES", "TOKENS (bytes/4, estimated)"],
            ...rows,
            ["total", String(total.bytes), String(total.tokens)],
          ]),
        );
        if (options.full)
          for (const part of parts) process.stdout.write(harmless(`\n--- ${part.name}\n${part.text}\n`));
      }
      finish(0);
    });
}
