/** `crucible trust`: shows what a workspace would have run or steer, and trusts exactly that. */
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { CrucibleError } from "../../base/error.ts";
import type { TrustSubject } from "../../core/ports/app.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import { workFolder } from "../files.ts";
import { harmless } from "../output.ts";
import { table } from "../table.ts";

interface Options {
  readonly yes?: boolean;
  readonly show?: boolean;
  readonly revoke?: boolean;
  readonly json?: boolean;
}

/** Lines of a file of settings that stand before the question. */
const MOST_LINES = 60;

export default function trust(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command
    .option("--show", "print the files, trust nothing")
    .option("--yes", "trust them without a question")
    .option("--revoke", "trust nothing here any more")
    .option("--json", "list them for programs, trust nothing")
    .action(async (options: Options) => {
      const app = await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() });
      const view = app.trust();
      if (options.revoke) {
        await view.revoke();
        process.stdout.write(`nothing in ${app.workspace} is trusted now\n`);
        return finish(0);
      }
      const subjects = view.subjects();
      process.stdout.write(options.json ? `${JSON.stringify(subjects)}\n` : listed(app.workspace, subjects, options));
      const open = subjects.filter(({ state }) => state !== "trusted");
      if (options.json || options.show || open.length === 0) return finish(0);
      if (!(await agreed(options))) {
        process.stdout.write("nothing was changed\n");
        return finish(0);
      }
      await view.give(subjects);
      process.stdout.write(`trusted, as they are now: a change to any of them has to be trusted again\n`);
      finish(0);
    });
}

function listed(workspace: string, subjects: readonly TrustSubject[], options: Options): string {
  if (subjects.length === 0) return `nothing in ${workspace} would run or steer anything: there is nothing to trust\n`;
  const rows = subjects.map(({ path, bytes, state }) => [harmless(path), `${bytes} bytes`, state]);
  // What is settings starts programs and names hosts: nobody is asked about it without having seen it.
  const open = subjects.filter(({ path, state }) => state !== "trusted" && /\.jsonc?$/.test(path));
  const shown = options.show ? subjects : open;
  const texts = shown.map(
    ({ path, text }) => `\n--- ${harmless(path)}\n${options.show ? harmless(text) : begun(text)}\n`,
  );
  return `${table(rows)}${texts.join("")}`;
}

/** The first lines of a text, and how many there are more. */
function begun(text: string): string {
  const lines = harmless(text.trimEnd()).split("\n");
  const more = lines.length - MOST_LINES;
  return more > 0
    ? `${lines.slice(0, MOST_LINES).join("\n")}\n… ${more} more lines: crucible trust --show`
    : lines.join("\n");
}

async function agreed(options: Options): Promise<boolean> {
  if (options.yes) return true;
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new CrucibleError("usage", "nobody is here to say yes", {
      hint: "look at them with: crucible trust --show; then: crucible trust --yes",
    });
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const question = "These files may start programs and change settings. Trust them? [y/N] ";
    return /^y(?:es)?$/i.test((await lines.question(question)).trim());
  } finally {
    lines.close();
  }
}
