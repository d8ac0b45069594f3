/** Every command, subcommand, option and flag with its values: the one table behind completion and the manual page. */
import { Command } from "commander";
import type { CommandContext } from "../core/ports/cli.ts";
import { FLAGS, type Flag } from "./flags.ts";

export interface OptionWord {
  /** `--model`. */
  readonly long: string;
  readonly short?: string;
  readonly about: string;
  /** It takes a value: one of these when there are any. */
  readonly values?: readonly string[];
}

export interface CommandWord {
  readonly name: string;
  readonly about: string;
  readonly options: readonly OptionWord[];
  readonly below: readonly CommandWord[];
}

/** Flags of a prompt run. */
export function flagWords(): readonly OptionWord[] {
  return Object.entries<Flag>(FLAGS).map(([name, { short, kind, about, choices }]) => ({
    long: `--${name}`,
    ...(short === undefined ? {} : { short: `-${short}` }),
    about,
    ...(kind === "switch" ? {} : { values: choices ?? [] }),
  }));
}

/** Commands as they declare themselves; nothing is run. */
export async function commandWords(context: CommandContext): Promise<readonly CommandWord[]> {
  const words: CommandWord[] = [];
  for (const [name, { about, load }] of Object.entries(context.commands ?? {})) {
    const command = new Command(name).description(about);
    (await load()).default(command as never, context, () => undefined);
    words.push(wordOf(command));
  }
  return words;
}

function wordOf(command: Command): CommandWord {
  return {
    name: command.name(),
    about: command.description(),
    options: command.options.flatMap(({ long, short, description, required, optional, argChoices }) =>
      long
        ? [
            {
              long,
              ...(short ? { short } : {}),
              about: description,
              ...(required || optional ? { values: argChoices ?? [] } : {}),
            },
          ]
        : [],
    ),
    below: command.commands.map(wordOf),
  };
}
