/** Flags of a run for a face that speaks a protocol: what each of its sessions is opened with. */
import { CrucibleError } from "../base/error.ts";
import type { CommandContext } from "../core/ports/cli.ts";
import { NOBODY } from "../core/ports/human.ts";
import type { Ground, Serving } from "../core/ports/serving.ts";
import type { Mode } from "../core/verdict.ts";
import { workFolder } from "./files.ts";
import { type FlagName, parseFlags } from "./flags.ts";
import { budgetOf, configFlags, openOptions } from "./open-options.ts";
import { lineOf } from "./output.ts";
import { onSignals } from "./signals.ts";

/** What is about one prompt, one session or the form of output. */
const MEANINGLESS: readonly FlagName[] = [
  ...(["print", "output-format", "input-format", "json-schema", "image", "quiet", "verbose", "color"] as const),
  ...(["continue", "resume", "fork-session", "session-id", "name", "council", "goal", "attempts"] as const),
];

export interface ServingOptions {
  /** As in `crucible mcp serve`, for faults. */
  readonly command: string;
  readonly words: readonly string[];
  /** The mode where no flag names one; without it the configuration decides. */
  readonly mode?: Mode;
}

/** Runs `serve` until it ends or a signal comes; gives the exit code. Throws `usage`. */
export async function serving(
  { command, words, mode }: ServingOptions,
  context: CommandContext,
  serve: (serving: Serving) => Promise<void>,
): Promise<number> {
  refuse(command, words);
  const flags = parseFlags(words, context.env);
  const signals = onSignals();
  const ground = async (folder?: string): Promise<Ground> => {
    const workspace = workFolder(folder ?? flags.text("cd"));
    const app = await context.makeApp({ workspace, bare: flags.has("bare"), flags: configFlags(flags) });
    const opening = { app, human: NOBODY, title: "", work: "ask" as const, onEvent: () => undefined };
    const {
      human: _human,
      onEvent: _onEvent,
      title: _title,
      signal: _signal,
      ...base
    } = openOptions(flags, {
      ...opening,
      signal: signals.signal,
    });
    const named = mode === undefined || flags.has("permission-mode") ? {} : { mode };
    return { app, base: { ...base, ...named }, budget: budgetOf(app) };
  };
  const tell = (line: string) => void process.stderr.write(`crucible: ${lineOf(line)}\n`);
  try {
    await serve({ version: context.version, signal: signals.signal, ground, tell });
    return signals.exitCode() ?? 0;
  } finally {
    signals.stop();
  }
}

function refuse(command: string, words: readonly string[]): void {
  const given = parseFlags(words, {});
  const hint = { hint: `see: ${command} --help` };
  if (given.words.length > 0) throw new CrucibleError("usage", `${command} takes no words: ${given.words[0]}`, hint);
  const lost = MEANINGLESS.find((name) => given.has(name));
  if (lost) throw new CrucibleError("usage", `--${lost} means nothing for ${command}`, hint);
}
