/** `crucible commit`: a message from what is staged, shown and asked for; never pushes. */
import type { Command } from "commander";
import type { CommandContext } from "../../core/ports/cli.ts";
import { NOBODY } from "../../core/ports/human.ts";
import { commit } from "../commit.ts";
import { workFolder } from "../files.ts";
import { parseFlags } from "../flags.ts";
import { configFlags } from "../open-options.ts";
import { harmless, processOutput } from "../output.ts";
import { terminalHuman } from "../terminal.ts";

interface Options {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly model?: string;
  readonly baseUrl?: string;
  readonly localProvider?: string;
}

export default function commitCommand(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command
    .option("-a, --all", "stage every change of tracked files first")
    .option("--dry-run", "show the message, commit nothing")
    .option("-y, --yes", "commit without a question")
    .option("-m, --model <provider/model>", "model that writes the message")
    .option("--base-url <url>", "its server")
    .option("--local-provider <name>", "which local server it is")
    .action(async (options: Options) => {
      const words = [
        ...(options.model === undefined ? [] : ["--model", options.model]),
        ...(options.baseUrl === undefined ? [] : ["--base-url", options.baseUrl]),
        ...(options.localProvider === undefined ? [] : ["--local-provider", options.localProvider]),
      ];
      const flags = parseFlags(words, context.env);
      const app = await context.makeApp({ workspace: workFolder(undefined), bare: false, flags: configFlags(flags) });
      const here = Boolean(process.stdin.isTTY && process.stdout.isTTY);
      const human = here ? terminalHuman(processOutput("auto", context.env), () => undefined) : NOBODY;
      const signal = AbortSignal.timeout(600_000);
      const code = await commit({
        ...{ app, flags, human, all: options.all ?? false, dryRun: options.dryRun ?? false, yes: options.yes ?? false },
        say: (...lines) => void process.stdout.write(lines.map((line) => `${harmless(line)}\n`).join("")),
        choose: (title, choices) => human.ask(title, choices, signal),
        line: (title) => human.ask(title, [], signal),
      });
      finish(code);
    });
}
