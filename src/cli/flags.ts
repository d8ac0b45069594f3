/** The flags of a prompt run: one table for parsing, variables and help. */
import { parseArgs } from "node:util";
import { CrucibleError } from "../base/error.ts";
import { nearest } from "../base/text.ts";
import { COUNCIL_MODES } from "../core/council.ts";
import { LOCAL_PROVIDERS } from "../core/ports/models.ts";
import { STYLES } from "../core/style.ts";

type Kind = "switch" | "text" | "list" | "optional";

export interface Flag {
  readonly short?: string;
  readonly kind: Kind;
  readonly about: string;
  /** Values shown in help. */
  readonly values?: string;
  /** One of these, when it is a closed set. */
  readonly choices?: readonly string[];
  /** It belongs to work of its own and means nothing elsewhere. */
  readonly of?: readonly Work[];
}

/** What the first word of the command line makes of the rest. */
export type Work = "ask" | "council" | "spiral" | "review";

export const FLAGS = {
  print: { short: "p", kind: "switch", about: "one shot: print the answer and exit" },
  model: {
    short: "m",
    kind: "text",
    values: "provider/model",
    about: "model to use; with --base-url or --local-provider the bare name",
  },
  "base-url": {
    kind: "text",
    values: "url",
    about: "an OpenAI-compatible server (or Ollama with --local-provider ollama)",
  },
  "local-provider": { kind: "text", choices: LOCAL_PROVIDERS, about: "which local server to use" },
  context: { kind: "text", values: "N", about: "context window in tokens, when the server does not tell" },
  "fallback-model": {
    kind: "text",
    values: "a,b",
    about: "provider/model names that answer when the chosen one cannot",
  },
  effort: { kind: "text", choices: ["off", "low", "medium", "high"], about: "how much a thinking model may think" },
  "output-format": { short: "o", kind: "text", choices: ["text", "json", "stream-json"], about: "form of the output" },
  "input-format": { kind: "text", choices: ["text", "stream-json"], about: "form of standard input" },
  "json-schema": { kind: "text", values: "json|@file", about: "JSON Schema the final answer must meet" },
  continue: { short: "c", kind: "switch", about: "go on with the newest session of this folder" },
  resume: { short: "r", kind: "optional", values: "[id|name]", about: "go on with this session" },
  "fork-session": { kind: "switch", about: "with -c or -r: branch off into a new session" },
  "session-id": { kind: "text", values: "uuid", about: "id of the new session" },
  name: { short: "n", kind: "text", values: "text", about: "name of the session" },
  "no-session-persistence": { kind: "switch", about: "keep nothing of this session but the audit log" },
  "permission-mode": {
    kind: "text",
    choices: ["plan", "default", "accept-edits", "auto"],
    about: "what runs without a question",
  },
  sandbox: {
    short: "s",
    kind: "text",
    choices: ["read-only", "workspace-write", "off"],
    about: "confinement of commands; off removes it",
  },
  "add-dir": { kind: "list", values: "dir", about: "a further folder to work in" },
  worktree: {
    short: "w",
    kind: "optional",
    values: "[name]",
    about: "work in a git worktree of its own, beside this checkout; made off HEAD, or opened again by its name",
  },
  cd: { short: "C", kind: "text", values: "dir", about: "work in this folder" },
  "allowed-tools": { kind: "list", values: "list", about: "what is not asked about: web_fetch, 'shell(git push *)'" },
  "disallowed-tools": { kind: "list", values: "list", about: "what is refused" },
  agent: { kind: "text", values: "name", about: "work as this agent of yours: its words, its tools" },
  "append-system-prompt": { kind: "text", values: "text", about: "added to the system text" },
  "max-turns": { kind: "text", values: "N", about: "limit of model requests" },
  "max-tool-calls": { kind: "text", values: "N", about: "limit of tool calls" },
  "max-wall-time": { kind: "text", values: "30s|10m|1h", about: "limit of time" },
  "max-tokens-total": { kind: "text", values: "N", about: "limit of tokens, in and out" },
  image: { short: "i", kind: "list", values: "file", about: "an image for the prompt" },
  bare: { kind: "switch", about: "read no project instructions and no project configuration" },
  "no-cache": { kind: "switch", about: "ask the model even when the same was answered before; keep nothing" },
  offline: { kind: "switch", about: "no network but the model server (the default, whatever the configuration says)" },
  "mcp-config": { kind: "text", values: "file|json", about: "MCP servers for this run, beside the configured ones" },
  "strict-mcp-config": { kind: "switch", about: "only the MCP servers of --mcp-config" },
  council: {
    kind: "optional",
    values: "[=N]",
    about: "up to ten voices (or N) propose, test and vote before one writes; trivial work is left to one voice",
  },
  voices: {
    kind: "text",
    values: "a,b",
    of: ["council", "review"],
    about: "these voices, in this order (crucible voices)",
  },
  preset: { kind: "text", values: "name", of: ["council", "review"], about: "the voices of this council" },
  options: { kind: "text", values: "a,b", of: ["council"], about: "the answers to choose from" },
  rule: {
    kind: "text",
    values: "name",
    of: ["council"],
    about: "how ballots are counted, instead of the kind's own way",
  },
  mode: {
    kind: "text",
    choices: COUNCIL_MODES,
    of: ["council"],
    about: "a way to hold it by name: majority counts heads, consensus decides only what is sure ...",
  },
  risk: {
    kind: "text",
    choices: ["low", "medium", "high", "irreversible"],
    of: ["council"],
    about: "what is at stake, when the words do not tell",
  },
  patch: {
    kind: "switch",
    of: ["council"],
    about: "decide on a change of code, by running it in copies of the folder",
  },
  apply: { kind: "switch", of: ["council"], about: "like --patch, and put the decided change into the folder" },
  "max-calls": { kind: "text", values: "N", of: ["council", "review"], about: "limit of calls to models" },
  seed: { kind: "text", values: "N", of: ["council"], about: "of rotation and sampling; a random one when absent" },
  file: { kind: "list", values: "path", of: ["council", "spiral", "review"], about: "a file that every voice reads" },
  base: { kind: "text", values: "branch", of: ["review"], about: "the changes since this branch was left" },
  commit: { kind: "text", values: "name", of: ["review"], about: "the changes of this commit" },
  uncommitted: { kind: "switch", of: ["review"], about: "what is not committed, new files too (the default)" },
  "fail-on": {
    kind: "text",
    choices: ["low", "medium", "high", "critical"],
    of: ["review"],
    about: "exit 3 when a finding this grave is confirmed by a check, or named by two models",
  },
  sarif: { kind: "switch", of: ["review"], about: "findings as SARIF 2.1.0 on standard output" },
  goal: { kind: "text", values: "command", about: "go on until this command passes; exit 3 when it never does" },
  attempts: { kind: "text", values: "N", about: "with --goal: how often it may answer (10)" },
  style: { kind: "text", choices: STYLES, about: "how long answers are: concise is at most four lines" },
  scale: {
    kind: "text",
    choices: ["micro", "meso", "epic"],
    of: ["spiral"],
    about: "two voices; a council; all voices, and you at every exit",
  },
  accept: { kind: "list", values: "command", of: ["spiral"], about: "the work is done when this command passes" },
  loops: { kind: "text", values: "N", of: ["spiral"], about: "how often it is tried at most" },
  threshold: { kind: "text", values: "0.8", of: ["spiral"], about: "quality from which a change is taken" },
  debug: { short: "d", kind: "switch", about: "show causes of errors and every event on standard error" },
  "debug-file": { kind: "text", values: "file", about: "write the debug output to this file" },
  verbose: { kind: "switch", about: "show tool output in full" },
  quiet: { short: "q", kind: "switch", about: "show the answer only" },
  "screen-reader": { kind: "switch", about: "talk line by line: nothing is drawn twice, no frames, no colours" },
  color: { kind: "text", choices: ["auto", "always", "never"], about: "colours in the terminal" },
  help: { short: "h", kind: "switch", about: "this text" },
  version: { short: "v", kind: "switch", about: "the version" },
} as const satisfies Record<string, Flag>;

export type FlagName = keyof typeof FLAGS;

export interface Flags {
  readonly words: readonly string[];
  has(name: FlagName): boolean;
  text(name: FlagName): string | undefined;
  list(name: FlagName): readonly string[];
}

/** `CODECRUCIBLE_MAX_TURNS` for `--max-turns`. */
export function flagVariable(name: string): string {
  return `CODECRUCIBLE_${name.replaceAll("-", "_").toUpperCase()}`;
}

function table(name: string): Flag {
  return (FLAGS as Readonly<Record<string, Flag>>)[name] ?? { kind: "switch", about: "" };
}

/** Parses the command line; a flag that is not given is taken from its variable in `env`. Throws `usage`. */
export function parseFlags(argv: readonly string[], env: Readonly<Record<string, string>>): Flags {
  const options = Object.fromEntries(
    Object.entries<Flag>(FLAGS).map(([name, flag]) => [
      name,
      {
        type: flag.kind === "switch" ? ("boolean" as const) : ("string" as const),
        multiple: flag.kind === "list",
        ...(flag.short ? { short: flag.short } : {}),
      },
    ]),
  );
  const { tokens } = parseArgs({ args: prepare(argv), options, strict: false, tokens: true, allowPositionals: true });
  const given = new Map<string, string[]>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    check(token.name, token.rawName, token.value);
    given.set(token.name, [...(given.get(token.name) ?? []), token.value ?? "true"]);
  }
  for (const name of Object.keys(FLAGS)) {
    const value = env[flagVariable(name)];
    if (
      given.has(name) ||
      value === undefined ||
      value === "" ||
      name === "help" ||
      name === "version" ||
      name === "debug"
    )
      continue;
    if (table(name).kind === "switch" ? !/^(?:1|true|yes)$/i.test(value) : false) continue;
    if (name === "sandbox" && value === "off") {
      throw new CrucibleError("usage", `${flagVariable(name)}=off: only the flag -s off turns the sandbox off`);
    }
    check(name, flagVariable(name), table(name).kind === "switch" ? undefined : value);
    given.set(name, [value]);
  }
  return {
    words,
    has: (name) => given.has(name),
    text: (name) => given.get(name)?.at(-1),
    list: (name) => (given.get(name) ?? []).flatMap((value) => (name.endsWith("-tools") ? splitTools(value) : [value])),
  };
}

/** `-r` takes a session when the next word is not a flag, `-w` a name when it is also one word alone; `-V` is `-v`. */
function prepare(argv: readonly string[]): string[] {
  return argv.flatMap((word, index) => {
    if (word === "-V") return ["--version"];
    if (word === "--council") return ["--council=auto"];
    if (word === "--json") return ["--output-format=json"];
    const next = argv[index + 1];
    if ((word === "-r" || word === "--resume") && (next === undefined || next.startsWith("-")))
      return ["--resume=newest"];
    if ((word === "-w" || word === "--worktree") && (next === undefined || /^-|\s|^$/.test(next)))
      return ["--worktree="];
    return [word];
  });
}

function check(name: string, raw: string, value: string | undefined): void {
  const flag = (FLAGS as Readonly<Record<string, Flag>>)[name];
  if (!flag) {
    const near = nearest(name, Object.keys(FLAGS));
    throw new CrucibleError("usage", `unknown flag ${raw}`, {
      hint: near ? `did you mean --${near}?` : "see: crucible --help",
    });
  }
  if (flag.kind === "switch" && value !== undefined)
    throw new CrucibleError("usage", `${raw} takes no value`, { hint: "see: crucible --help" });
  if (flag.kind !== "switch" && value === undefined)
    throw new CrucibleError("usage", `${raw} needs a value: ${flag.values ?? flag.choices?.join(", ")}`, {
      hint: "see: crucible --help",
    });
  if (flag.choices && value !== undefined && !flag.choices.includes(value)) {
    const near = nearest(value, flag.choices);
    throw new CrucibleError(
      "usage",
      `${raw} ${value}: one of ${flag.choices.join(", ")}`,
      near ? { hint: `did you mean ${near}?` } : {},
    );
  }
}

/** Splits a comma list, but not inside parentheses. */
function splitTools(value: string): string[] {
  return (value.match(/[^,()]+(?:\([^)]*\))?/g) ?? []).map((item) => item.trim()).filter(Boolean);
}

/** A whole number of at least 1, or undefined. Throws `usage`. */
export function numberFlag(flags: Flags, name: FlagName): number | undefined {
  const text = flags.text(name);
  if (text === undefined) return undefined;
  const match = /^(\d+)(k)?$/i.exec(text);
  const value = match ? Number(match[1]) * (match[2] ? 1024 : 1) : 0;
  if (!Number.isSafeInteger(value) || value < 1)
    throw new CrucibleError("usage", `--${name} ${text} is not a whole number of at least 1`);
  return value;
}

/** `90`, `30s`, `10m`, `1h` in milliseconds. Throws `usage`. */
export function durationFlag(flags: Flags, name: FlagName): number | undefined {
  const text = flags.text(name);
  if (text === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match?.[2] ?? "s"] ?? 1000;
  const value = match ? Number(match[1]) * unit : 0;
  if (value <= 0) throw new CrucibleError("usage", `--${name} ${text} is not a time: 30s, 10m, 1h`);
  return Math.round(value);
}
