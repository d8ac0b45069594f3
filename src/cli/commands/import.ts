/** `crucible import`: takes over what another agent's setup holds; runs nothing of it and copies no secrets. */
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { CrucibleError } from "../../base/error.ts";
import { plural } from "../../base/text.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import { workFolder } from "../files.ts";
import { harmless } from "../output.ts";
import { table } from "../table.ts";

interface Options {
  readonly dryRun?: boolean;
  readonly workspace?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export default function importSetup(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command
    .option("--dry-run", "show what would be taken, write nothing")
    .option("--workspace", "also what stands in this folder (never its hooks)")
    .option("--yes", "write without a question")
    .option("--json", "list it for programs, write nothing")
    .action(async (options: Options) => {
      const app = await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() });
      const plan = await app.importPlan({ workspace: options.workspace ?? false });
      const due = plan.items.filter(({ to }) => to !== undefined);
      if (options.json) print(JSON.stringify({ items: plan.items, notes: plan.notes }));
      else if (plan.items.length === 0) print("no other agent's setup was found");
      else
        print(
          table(
            plan.items.map(({ what, name, from, to, note = "" }) =>
              [what, name, from, to === undefined ? "-" : `-> ${to}`, note].map(harmless),
            ),
          ).trimEnd(),
        );
      for (const note of plan.notes) print(harmless(note));
      if (options.json || options.dryRun || due.length === 0) return finish(0);
      if (!(await agreed(options, due.length))) {
        print("nothing was written");
        return finish(0);
      }
      print(`${plural(await plan.write(), "thing")} written; nothing was run`);
      finish(0);
    });
}

async function agreed(options: Options, count: number): Promise<boolean> {
  if (options.yes) return true;
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new CrucibleError("usage", "nobody is here to say yes", {
      hint: "look with: crucible import --dry-run; then: crucible import --yes",
    });
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const question = `Write ${plural(count, "thing")} into your own configuration? [y/N] `;
    return /^y(?:es)?$/i.test((await lines.question(question)).trim());
  } finally {
    lines.close();
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
