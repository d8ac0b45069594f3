/** `crucible audit verify|head`. */
import type { Command } from "commander";
import type { CommandContext } from "../../core/ports/cli.ts";
import { workFolder } from "../files.ts";

export default function audit(command: Command, context: CommandContext, finish: (code: number) => void): void {
  const view = async () =>
    (await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() })).audit;
  command
    .command("verify")
    .description("check the whole chain offline")
    .option("--head <hash>", "a head kept elsewhere: it must be in the chain")
    .option("--json", "machine-readable")
    .action(async (options: { head?: string; json?: boolean }) => {
      const log = await view();
      const report = await log.verify(options.head);
      if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
      else if (report.ok) process.stdout.write(`${report.records} records, chain intact, head ${report.head}\n`);
      else process.stderr.write(`crucible: the audit log in ${log.folder} is not intact: ${report.problem}\n`);
      finish(report.ok ? 0 : 3);
    });
  command
    .command("head")
    .description("the hash of the last record: keep it elsewhere")
    .action(async () => {
      const head = await (await view()).head();
      process.stdout.write(head ? `${head.seq} ${head.hash}\n` : "no records yet\n");
      finish(0);
    });
}
