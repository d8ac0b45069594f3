/** Reads the command line: a known first word is a command, everything else is a prompt. */
import { CrucibleError, toFault } from "../base/error.ts";
import { nearest } from "../base/text.ts";
import type { CommandContext } from "../core/ports/cli.ts";
import { ask } from "./ask.ts";
import { COMMANDS } from "./commands.ts";
import { createDebug } from "./debug.ts";
import { EXIT } from "./exit-codes.ts";
import { type Flags, parseFlags, type Work } from "./flags.ts";
import { faultLine } from "./render/renderer.ts";
import type { Run } from "./worktree.ts";

/** Runs the program and returns its exit code. */
export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  try {
    const [first, ...rest] = argv;
    if (first === "help") return await helpOn(rest[0], context);
    const command = first === undefined ? undefined : COMMANDS[first];
    const work = workOf(first, rest[0]);
    if (work) {
      const flags = parseFlags(rest, context.env);
      if (flags.has("help")) return await help(context, 0);
      return await placed(flags, context, (own, at) => ask(own, at, work));
    }
    if (command) {
      const { runCommand } = await import("./run-command.ts");
      return await runCommand(first ?? "", command, rest, { ...context, commands: COMMANDS });
    }
    const flags = parseFlags(argv, context.env);
    if (flags.has("version")) {
      process.stdout.write(`${context.version}\n`);
      return 0;
    }
    if (flags.has("help")) return await help(context, 0);
    // With -p a word is a prompt, also when a command has its name: git diff | crucible -p review
    if (!(flags.has("print") && COMMANDS[flags.words[0] ?? ""])) refuseTypo(flags.words);
    const talking = talks(flags);
    return await placed(flags, context, async (own, at) =>
      talking ? (await import("./interactive.ts")).interactive(own, at) : ask(own, at),
    );
  } catch (error) {
    const fault = toFault(error);
    process.stderr.write(`crucible: ${faultLine(fault)}\n`);
    if (argv.some((word) => word === "--debug" || word === "-d") || context.env["CODECRUCIBLE_DEBUG"])
      createDebug(undefined).error(error);
    return EXIT[fault.code];
  }
}

/** Where the person stands, unless a worktree is asked for, or a session that may have worked in one. */
async function placed(flags: Flags, context: CommandContext, run: Run): Promise<number> {
  const named = flags.has("resume") && flags.text("resume") !== "newest";
  if (!flags.has("worktree") && !named) return run(flags, context);
  return (await import("./worktree.ts")).inPlace(flags, context, run);
}

/** A person at a terminal who did not ask for one answer alone. */
function talks(flags: Flags): boolean {
  const once = ["print", "quiet", "json-schema", "output-format", "input-format", "council"] as const;
  // The flags first: to look at standard input at all costs milliseconds.
  return !once.some((name) => flags.has(name)) && Boolean(process.stdin.isTTY && process.stdout.isTTY);
}

/** Words that begin a prompt of their own kind; `council show` and its like look back instead. */
function workOf(first: string | undefined, second: string | undefined): Work | undefined {
  if (first === "spiral" || first === "review") return first;
  const looksBack = second !== undefined && ["show", "replay", "what-if", "stats", "list", "outcome"].includes(second);
  return first === "council" && !looksBack ? "council" : undefined;
}

/** `crucible help` and `crucible help models`. */
async function helpOn(name: string | undefined, context: CommandContext): Promise<number> {
  if (name === undefined) return help(context, 0);
  const command = COMMANDS[name];
  if (!command) {
    const near = nearest(name, Object.keys(COMMANDS));
    throw new CrucibleError("usage", `there is no command ${name}`, {
      hint: near ? `did you mean crucible ${near}?` : "see: crucible help",
    });
  }
  const { runCommand } = await import("./run-command.ts");
  return runCommand(name, command, ["--help"], context);
}

/** `crucible doctr` is a mistyped command, not a prompt for a model. */
function refuseTypo(words: readonly string[]): void {
  const [word] = words;
  if (words.length !== 1 || word === undefined || /\s/.test(word)) return;
  const near = nearest(word, Object.keys(COMMANDS));
  if (near)
    throw new CrucibleError("usage", `there is no command ${word}`, {
      hint: `did you mean crucible ${near}? For a prompt of one word: crucible -p -- "${word} …"`,
    });
}

async function help(context: CommandContext, code: number): Promise<number> {
  const { helpText } = await import("./help.ts");
  process.stdout.write(helpText(context.version));
  return code;
}
