/** What a session is opened with: flags and configuration together. */
import { resolve } from "node:path";
import { CrucibleError } from "../base/error.ts";
import { isUuid } from "../base/id.ts";
import type { Effort } from "../core/model.ts";
import type { App, OpenOptions } from "../core/ports/app.ts";
import type { Human } from "../core/ports/human.ts";
import type { LocalProvider } from "../core/ports/models.ts";
import type { OutputStyle } from "../core/style.ts";
import type { Budget } from "../core/task.ts";
import type { Mode, SandboxMode } from "../core/verdict.ts";
import { workFolder } from "./files.ts";
import { durationFlag, type FlagName, type Flags, numberFlag, type Work } from "./flags.ts";
import { workOptions } from "./work.ts";

/** Flags that are configuration keys take part in its precedence. */
export function configFlags(flags: Flags): ReadonlyMap<string, { value: unknown; place: string }> {
  const values = new Map<string, { value: unknown; place: string }>();
  const set = (key: string, name: FlagName, value: unknown) => {
    if (value !== undefined) values.set(key, { value, place: `flag --${name}` });
  };
  set("permissionMode", "permission-mode", flags.text("permission-mode"));
  if (flags.text("sandbox") !== "off") set("sandbox.mode", "sandbox", flags.text("sandbox"));
  set("style", "style", flags.text("style"));
  set("effort", "effort", flags.text("effort"));
  set("limits.turns", "max-turns", numberFlag(flags, "max-turns"));
  set("limits.toolCalls", "max-tool-calls", numberFlag(flags, "max-tool-calls"));
  set("limits.tokens", "max-tokens-total", numberFlag(flags, "max-tokens-total"));
  const wall = durationFlag(flags, "max-wall-time");
  set("limits.wallTime", "max-wall-time", wall === undefined ? undefined : wall / 1000);
  return values;
}

export function budgetOf(app: App): Budget {
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

/** Who opens a session: the program, the person, and who listens. */
export interface Opening extends Pick<OpenOptions, "human" | "onEvent"> {
  readonly app: App;
  readonly title: string;
  readonly work: Work;
  readonly signal: AbortSignal;
  readonly onFlushed?: (seq: number) => void;
}

/** The flags of a run as what a session is opened with. Throws `usage`. */
export function openOptions(flags: Flags, opening: Opening): OpenOptions {
  const { app, human, work, signal } = opening;
  const sessionId = flags.text("session-id");
  if (sessionId !== undefined && !isUuid(sessionId))
    throw new CrucibleError("usage", `--session-id ${sessionId} is not a UUID`);
  const resume = flags.text("resume") ?? (flags.has("continue") ? "newest" : undefined);
  refuseContradictions(flags, resume);
  const [name, agent] = [flags.text("name"), flags.text("agent")];
  const effort = app.config.get<Effort | undefined>("effort");
  const mode = app.config.get<string>("permissionMode");
  return {
    model: modelChoice(flags),
    human,
    mode: (mode === "accept-edits" ? "default" : mode) as Mode,
    style: app.config.get<OutputStyle>("style"),
    sandbox: sandboxOf(flags, app),
    sandboxRequired: flags.text("sandbox") !== undefined && flags.text("sandbox") !== "off",
    addDirs: flags.list("add-dir").map((dir) => workFolder(resolve(dir), "--add-dir")),
    allowedTools: flags.list("allowed-tools"),
    disallowedTools: flags.list("disallowed-tools"),
    appendSystemPrompt: flags.text("append-system-prompt") ?? "",
    ...(effort === undefined ? {} : { effort }),
    ...(agent === undefined ? {} : { agent }),
    bare: flags.has("bare"),
    offline: flags.has("offline"),
    cache: !flags.has("no-cache"),
    ...mcpConfig(flags),
    ...workOptions(flags, work, app),
    ...(resume === undefined ? {} : { resume }),
    fork: flags.has("fork-session"),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(name === undefined ? {} : { name }),
    persist: !flags.has("no-session-persistence"),
    title: opening.title,
    signal,
    ...(human.present ? { askWindow: (name: string) => askWindow(human, name, signal) } : {}),
    onEvent: opening.onEvent,
    ...(opening.onFlushed ? { onFlushed: opening.onFlushed } : {}),
  };
}

/** Which servers this run has beside, or instead of, the configured ones. */
function mcpConfig(flags: Flags): Pick<OpenOptions, "mcpConfig"> {
  const source = flags.text("mcp-config");
  const only = flags.has("strict-mcp-config");
  if (source === undefined && !only) return {};
  const named = source === undefined ? {} : { source: source.trimStart().startsWith("{") ? source : resolve(source) };
  return { mcpConfig: { ...named, only } };
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

/** The person's flag decides, unless the machine's owner fixed the sandbox. */
export function sandboxOf(flags: Flags, app: App): SandboxMode {
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
