/** `crucible undo`: takes turns back, files and conversation; what you changed since stays. */
import type { Command } from "commander";
import { CrucibleError } from "../../base/error.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import type { Checkpoint, UndoOptions } from "../../core/ports/undo.ts";
import { workFolder } from "../files.ts";
import { harmless } from "../output.ts";
import { undoText } from "../render/undo-text.ts";
import { table } from "../table.ts";

interface Options {
  readonly to?: string;
  readonly session?: string;
  readonly list?: boolean;
  readonly dryRun?: boolean;
  readonly keepMine?: boolean;
  readonly doubtful?: boolean;
  readonly redo?: boolean;
  readonly outputFormat?: string;
}

export default function undo(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command
    .argument("[n]", "how many turns, from the last one", "1")
    .option("--to <turn>", "back to the state before this turn (numbers: --list)")
    .option("--session <id>", "another session than the newest here")
    .option("--list", "the turns that can be gone back to")
    .option("--dry-run", "say what would change, change nothing")
    .option("--keep-mine", "leave files that were changed since, undo all others")
    .option("--doubtful", "also what changed while a background command ran, or after the work was cut off")
    .option("--redo", "take the last undo back")
    .option("-o, --output-format <format>", "text or json", "text")
    .action(async (count: string, options: Options) => {
      const json = isJson(options);
      const app = await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() });
      const view = await app.undo();
      for (const line of await view.finish()) process.stderr.write(`crucible: ${line}\n`);
      if (options.list) {
        const found = await view.list(options.session);
        process.stdout.write(json ? `${JSON.stringify(found)}\n` : listed(found.checkpoints));
        return finish(0);
      }
      const report = await view.undo(optionsOf(count, options), options.session);
      process.stdout.write(json ? `${JSON.stringify(report)}\n` : undoText(report, options, app.workspace));
      finish(report.done || options.dryRun ? 0 : 1);
    });
}

function isJson({ outputFormat }: Options): boolean {
  if (outputFormat === "json" || outputFormat === "text") return outputFormat === "json";
  throw new CrucibleError("usage", `-o ${outputFormat}: text or json`);
}

function optionsOf(count: string, options: Options): UndoOptions {
  const number = (text: string, what: string) => {
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    throw new CrucibleError("usage", `${what}: ${text} is no number of turns`, { hint: "see: crucible undo --list" });
  };
  return {
    turns: number(count, "undo"),
    ...(options.to === undefined ? {} : { to: number(options.to, "--to") }),
    dryRun: options.dryRun === true,
    keepMine: options.keepMine === true,
    doubtful: options.doubtful === true,
    redo: options.redo === true,
  };
}

function listed(checkpoints: readonly Checkpoint[]): string {
  if (checkpoints.length === 0) return "no turns here yet\n";
  return table([
    ["TURN", "BEGUN", "FILES", "LINES", "PROMPT"],
    ...checkpoints.map(({ turn, at, files, added, removed, undone, title }) => [
      String(turn),
      new Date(at).toISOString().slice(0, 16).replace("T", " "),
      String(files),
      added + removed === 0 ? "-" : `+${added} -${removed}`,
      `${undone ? "(undone) " : ""}${harmless(title)}`,
    ]),
  ]);
}
