/** A prompt run: one session, one or more turns, one exit code. */
import { CrucibleError, type Fault, toFault } from "../base/error.ts";
import { fenced } from "../base/fenced.ts";
import { EXTERNAL_LABEL } from "../core/label.ts";
import type { ImagePart, TextPart } from "../core/message.ts";
import type { App, LiveSession, OpenOptions } from "../core/ports/app.ts";
import type { CommandContext } from "../core/ports/cli.ts";
import { type Human, NOBODY } from "../core/ports/human.ts";
import type { Outcome } from "../core/task.ts";
import { createDebug, type Debug } from "./debug.ts";
import { EXIT, exitOf } from "./exit-codes.ts";
import { readImage, readSchema, readStdin, stdinCarriesText, workFolder } from "./files.ts";
import type { Flags, Work } from "./flags.ts";
import { budgetOf, configFlags, openOptions } from "./open-options.ts";
import { type Output, processOutput } from "./output.ts";
import { inlineRenderer } from "./render/inline.ts";
import { jsonRenderer } from "./render/json.ts";
import { plainRenderer } from "./render/plain.ts";
import type { Renderer } from "./render/renderer.ts";
import { onSignals, type Signals } from "./signals.ts";
import { terminalHuman } from "./terminal.ts";

/** Runs the prompt on the command line and returns the exit code. */
export async function ask(flags: Flags, context: CommandContext, work: Work = "ask"): Promise<number> {
  const output = processOutput(flags.text("color") ?? "auto", context.env);
  const renderer = await rendererFor(flags, output, work);
  const debug = flags.has("debug") || flags.has("debug-file") ? createDebug(flags.text("debug-file")) : undefined;
  const signals = onSignals();
  try {
    return await runPrompts(flags, context, { output, renderer, debug, signals, work });
  } catch (error) {
    debug?.error(error);
    const stopped = signals.exitCode();
    const fault = stopped === undefined ? toFault(error) : CANCELLED;
    renderer.fault(fault, stopped ?? EXIT[fault.code]);
    return stopped ?? EXIT[fault.code];
  } finally {
    await output.drained();
    signals.stop();
  }
}

const CANCELLED: Fault = { code: "aborted", message: "cancelled", retryable: false };

interface Face {
  readonly output: Output;
  readonly renderer: Renderer;
  readonly debug: Debug | undefined;
  readonly signals: Signals;
  readonly work: Work;
}

async function rendererFor(flags: Flags, output: Output, work: Work): Promise<Renderer> {
  const format = flags.text("output-format") ?? "text";
  if (flags.has("sarif")) return (await import("./render/sarif.ts")).sarifRenderer(output);
  if (format !== "text") return jsonRenderer(output, format === "stream-json");
  const verbose = flags.has("verbose");
  const larger = work !== "ask" || flags.has("council");
  const works = larger ? (await import("./render/works.ts")).works : undefined;
  const calm = output.isTTY && !flags.has("print") && !flags.has("quiet") && !flags.has("json-schema");
  return calm
    ? inlineRenderer(output, { verbose, works })
    : plainRenderer(output, { verbose, quiet: flags.has("quiet"), structured: flags.has("json-schema"), works });
}

async function runPrompts(flags: Flags, context: CommandContext, face: Face): Promise<number> {
  const workspace = workFolder(flags.text("cd"));
  const prompts = await promptsOf(flags, face.work);
  const schema = flags.text("json-schema");
  const answerSchema = schema === undefined ? undefined : readSchema(schema);
  const app = await context.makeApp({ workspace, bare: flags.has("bare"), flags: configFlags(flags) });
  const { signals } = face;
  const custom = await customOf(app, prompts);
  const redact = face.debug ? (await app.redaction()).deep : undefined;
  const opening = {
    app,
    human: humanFor(flags, face),
    title: titleOf(prompts),
    work: face.work,
    signal: signals.signal,
  };
  const live = await app.open(
    withModel(custom?.model, flags, {
      ...opening,
      onEvent(event) {
        if (redact) face.debug?.event(redact(event));
        face.renderer.event(event);
      },
      onFlushed: (seq) => face.renderer.flushed?.(seq),
    }),
  );
  const started = performance.now();
  try {
    refuseBlind(live, prompts);
    face.renderer.start(live);
    const said = custom ? await custom.expand(live, signals.signal) : prompts;
    const outcome = await runTurns(live, said, {
      only: custom?.only,
      // Larger work keeps within its limits itself, and then still tells what it found.
      budget: face.work === "ask" ? budgetOf(app) : {},
      ...(answerSchema ? { answerSchema } : {}),
      signal: signals.signal,
    });
    const exitCode = signals.exitCode() ?? exitOf(outcome);
    face.renderer.end({ outcome, exitCode, durationMs: Math.round(performance.now() - started) });
    return exitCode;
  } finally {
    await live.close();
  }
}

/** `/name words` of a command or skill: what the first prompt stands for. Nothing of it is loaded for other prompts. */
async function customOf(app: App, [first, ...more]: readonly Prompt[]) {
  const [part, ...rest] = first ?? [];
  if (part?.type !== "text" || !part.text.startsWith("/")) return undefined;
  const { customIn, expandCustom } = await import("./custom.ts");
  const found = await customIn(app, part.text);
  if (!found) return undefined;
  const { custom, words } = found;
  return {
    only: custom.only,
    model: custom.model,
    expand: async (live: LiveSession, signal: AbortSignal): Promise<readonly Prompt[]> => [
      [...(await expandCustom(custom, words, live, signal)), ...rest],
      ...more,
    ],
  };
}

/** A command's own model, where the person names none. */
function withModel(model: string | undefined, flags: Flags, opening: Parameters<typeof openOptions>[1]): OpenOptions {
  const options = openOptions(flags, opening);
  const named = options.model.model !== undefined || options.model.baseUrl !== undefined;
  return model === undefined || named ? options : { ...options, model: { ...options.model, model } };
}

/** A model that cannot see gets no pictures. */
function refuseBlind(live: LiveSession, prompts: readonly Prompt[]): void {
  const pictures = prompts.some((prompt) => prompt.some((part) => part.type === "image"));
  if (!pictures || live.model.vision !== "no") return;
  throw new CrucibleError("model-unfit", `${live.model.ref.model} cannot see images`, {
    hint: "crucible models --json says which can; choose one with -m",
  });
}

type Prompt = readonly (TextPart | ImagePart)[];

/** A review needs no words, and neither does work that goes on. */
async function promptsOf(flags: Flags, work: Work): Promise<readonly Prompt[]> {
  if (work === "review") return [[{ type: "text", text: `Review ${reviewed(flags)}.` }]];
  const goesOn = work !== "ask" && flags.has("resume") && flags.words.length === 0;
  return goesOn ? [GO_ON] : readPrompts(flags);
}

function reviewed(flags: Flags): string {
  const [base, commit] = [flags.text("base"), flags.text("commit")];
  if (base !== undefined) return `the changes since ${base}`;
  return commit === undefined ? "what is not committed" : `commit ${commit}`;
}

/** Stands in the journal where a council or a spiral is taken up again. */
const GO_ON: Prompt = [{ type: "text", text: "(what was cut off goes on)" }];

/** Turns in order; the first that does not end well ends the run. */
async function runTurns(
  live: LiveSession,
  prompts: AsyncIterable<Prompt> | readonly Prompt[],
  options: Parameters<LiveSession["prompt"]>[1],
): Promise<Outcome> {
  let outcome: Outcome | undefined;
  for await (const prompt of prompts) {
    outcome = await live.prompt(prompt, options);
    if (outcome.status !== "done") break;
  }
  if (!outcome) throw new CrucibleError("usage", "there is no prompt", { hint: 'crucible "what to do"' });
  return outcome;
}

/** The prompt: words of the command line, standard input as a block of its own, images. */
async function readPrompts(flags: Flags): Promise<readonly Prompt[]> {
  const images = flags.list("image").map((file) => readImage(file));
  const words = flags.words
    .filter((word) => word !== "-")
    .join(" ")
    .trim();
  if (flags.text("input-format") === "stream-json") {
    const { parseStreamInput } = await import("./stream-input.ts");
    return parseStreamInput((await readStdin(true)) ?? "", images);
  }
  const explicit = flags.words.includes("-");
  const piped = explicit || stdinCarriesText() ? await readStdin(explicit || words === "") : undefined;
  const material =
    words === "" ? undefined : piped?.trim() ? `<stdin>\n${fenced(piped, ["stdin"])}\n</stdin>` : undefined;
  const said = words === "" ? (piped?.trimEnd() ?? "") : words;
  if (said === "" && images.length === 0) {
    throw new CrucibleError("usage", "there is no prompt", { hint: 'crucible "what to do", or crucible --help' });
  }
  const texts: TextPart[] = said === "" ? [] : [{ type: "text", text: material === undefined ? said : `${said}\n` }];
  // What is piped in beside a prompt is material, and nobody knows who wrote it.
  if (material !== undefined) texts.push({ type: "text", text: material, label: EXTERNAL_LABEL });
  return [[...texts, ...images]];
}

function titleOf(prompts: readonly Prompt[]): string {
  const first = prompts[0]?.find((part) => part.type === "text");
  return first?.type === "text" ? first.text : "image";
}

function humanFor(flags: Flags, face: Face): Human {
  const here = face.output.isTTY && Boolean(process.stdin.isTTY) && !flags.has("print");
  return here ? terminalHuman(face.output, () => face.renderer.pause()) : NOBODY;
}
