/** A prompt run: one session, one or more turns, one exit code. */
import { resolve } from "node:path";
import { CrucibleError, type Fault, toFault } from "../base/error.ts";
import { isUuid } from "../base/id.ts";
import { EXTERNAL_LABEL } from "../core/label.ts";
import type { ImagePart, TextPart } from "../core/message.ts";
import type { Effort } from "../core/model.ts";
import type { App, LiveSession, OpenOptions } from "../core/ports/app.ts";
import type { CommandContext } from "../core/ports/cli.ts";
import { type Human, NOBODY } from "../core/ports/human.ts";
import type { LocalProvider } from "../core/ports/models.ts";
import type { Budget, Outcome } from "../core/task.ts";
import type { Mode, SandboxMode } from "../core/verdict.ts";
import { createDebug, type Debug } from "./debug.ts";
import { EXIT, exitOf } from "./exit-codes.ts";
import { readImage, readSchema, readStdin, stdinCarriesText, workFolder } from "./files.ts";
import { durationFlag, type FlagName, type Flags, numberFlag, type Work } from "./flags.ts";
import { type Output, processOutput } from "./output.ts";
import { inlineRenderer } from "./render/inline.ts";
import { jsonRenderer } from "./render/json.ts";
import { plainRenderer } from "./render/plain.ts";
import type { Renderer } from "./render/renderer.ts";
import { onSignals, type Signals } from "./signals.ts";
import { terminalHuman } from "./terminal.ts";
import { workOptions } from "./work.ts";

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
  const redact = face.debug ? (await app.redaction()).deep : undefined;
  const live = await app.open(openOptions(flags, { app, face, redact, title: titleOf(prompts) }));
  const started = performance.now();
  try {
    refuseBlind(live, prompts);
    face.renderer.start(live);
    const outcome = await runTurns(live, prompts, {
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
  const material = words === "" ? undefined : piped?.trim() ? `<stdin>\n${piped.trimEnd()}\n</stdin>` : undefined;
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

/** Flags that are configuration keys take part in its precedence. */
function configFlags(flags: Flags): ReadonlyMap<string, { value: unknown; place: string }> {
  const values = new Map<string, { value: unknown; place: string }>();
  const set = (key: string, name: FlagName, value: unknown) => {
    if (value !== undefined) values.set(key, { value, place: `flag --${name}` });
  };
  set("permissionMode", "permission-mode", flags.text("permission-mode"));
  if (flags.text("sandbox") !== "off") set("sandbox.mode", "sandbox", flags.text("sandbox"));
  set("effort", "effort", flags.text("effort"));
  set("limits.turns", "max-turns", numberFlag(flags, "max-turns"));
  set("limits.toolCalls", "max-tool-calls", numberFlag(flags, "max-tool-calls"));
  set("limits.tokens", "max-tokens-total", numberFlag(flags, "max-tokens-total"));
  const wall = durationFlag(flags, "max-wall-time");
  set("limits.wallTime", "max-wall-time", wall === undefined ? undefined : wall / 1000);
  return values;
}

function budgetOf(app: App): Budget {
  const [turns, toolCalls, tokens, seconds] = [
    "limits.turns",
    "limits.toolCalls",
    "limits.tokens",
    "limits.wallTime",
  ].map((key) => app.config.get<number | undefined>(key));
  return {
    ...(turns === undefined ? {} : { turns }),
    ...(toolCalls === undefined ? {} : { toolCalls }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(seconds === undefined ? {} : { wallMs: seconds * 1000 }),
  };
}

interface PromptRun {
  readonly app: App;
  readonly face: Face;
  /** For the debug log. */
  readonly redact: (<T>(value: T) => T) | undefined;
  readonly title: string;
}

function openOptions(flags: Flags, run: PromptRun): OpenOptions {
  const { app, face, redact } = run;
  const human = humanFor(flags, face);
  const sessionId = flags.text("session-id");
  if (sessionId !== undefined && !isUuid(sessionId))
    throw new CrucibleError("usage", `--session-id ${sessionId} is not a UUID`);
  const resume = flags.text("resume") ?? (flags.has("continue") ? "newest" : undefined);
  refuseContradictions(flags, resume);
  const name = flags.text("name");
  const effort = app.config.get<Effort | undefined>("effort");
  const mode = app.config.get<string>("permissionMode");
  return {
    model: modelChoice(flags),
    human,
    mode: (mode === "accept-edits" ? "default" : mode) as Mode,
    sandbox: sandboxOf(flags, app),
    sandboxRequired: flags.text("sandbox") !== undefined && flags.text("sandbox") !== "off",
    addDirs: flags.list("add-dir").map((dir) => workFolder(resolve(dir), "--add-dir")),
    allowedTools: flags.list("allowed-tools"),
    disallowedTools: flags.list("disallowed-tools"),
    appendSystemPrompt: flags.text("append-system-prompt") ?? "",
    ...(effort === undefined ? {} : { effort }),
    bare: flags.has("bare"),
    offline: flags.has("offline"),
    cache: !flags.has("no-cache"),
    ...workOptions(flags, face.work, app),
    ...(resume === undefined ? {} : { resume }),
    fork: flags.has("fork-session"),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(name === undefined ? {} : { name }),
    persist: !flags.has("no-session-persistence"),
    title: run.title,
    signal: face.signals.signal,
    ...(human.present ? { askWindow: (name: string) => askWindow(human, name, face.signals.signal) } : {}),
    onEvent(event) {
      if (redact) face.debug?.event(redact(event));
      face.renderer.event(event);
    },
    onFlushed: (seq) => face.renderer.flushed?.(seq),
  };
}

/** Flags that would have no effect together are refused, never ignored. */
function refuseContradictions(flags: Flags, resume: string | undefined): void {
  const refuse = (text: string) => {
    throw new CrucibleError("usage", text, { hint: "see: crucible --help" });
  };
  if (flags.has("fork-session") && resume === undefined) refuse("--fork-session goes with -c or -r");
  if (flags.has("session-id") && resume !== undefined && !flags.has("fork-session"))
    refuse("--session-id names a new session: with -c or -r it needs --fork-session");
  if (flags.has("no-session-persistence") && resume !== undefined)
    refuse("--no-session-persistence keeps nothing: it does not go with -c or -r");
}

/** Once per model; an empty answer keeps the assumed window. */
async function askWindow(human: Human, model: string, signal: AbortSignal): Promise<number | undefined> {
  const answer = await human.ask(
    `The server does not tell the context window of ${model}. How many tokens? (empty: 8192, assumed)`,
    [],
    signal,
  );
  const tokens = Number(answer);
  return Number.isSafeInteger(tokens) && tokens >= 1024 ? tokens : undefined;
}

function humanFor(flags: Flags, face: Face): Human {
  const here = face.output.isTTY && Boolean(process.stdin.isTTY) && !flags.has("print");
  return here ? terminalHuman(face.output, () => face.renderer.pause()) : NOBODY;
}

/** The person's flag decides, unless the machine's owner fixed the sandbox. */
function sandboxOf(flags: Flags, app: App): SandboxMode {
  if (flags.text("sandbox") !== "off") return app.config.get<SandboxMode>("sandbox.mode");
  const origin = app.config.settings.get("sandbox.mode")?.origin ?? "";
  if (origin.startsWith(app.config.places.managed))
    throw new CrucibleError("bad-config", `the sandbox is fixed by ${origin}`, { hint: "leave -s off away" });
  return "off";
}

/** Model flags as a choice; also used by the commands that look at models. */
export function modelChoice(flags: Pick<Flags, "text">): OpenOptions["model"] {
  const model = flags.text("model");
  const baseUrl = flags.text("base-url");
  const localProvider = flags.text("local-provider") as LocalProvider | undefined;
  const context = numberFlag(flags as Flags, "context");
  const fallback = flags.text("fallback-model");
  return {
    ...(fallback === undefined ? {} : { fallback: fallback.split(",").map((name) => name.trim()) }),
    ...(model === undefined ? {} : { model }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(localProvider === undefined ? {} : { localProvider }),
    ...(context === undefined ? {} : { context }),
  };
}
