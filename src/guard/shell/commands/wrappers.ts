/** Commands that run another command: they are taken off and the inner command is judged. */
import { optionTable, readArguments } from "../options.ts";
import { ask, type CommandRule, deny, type Report, type SimpleCommand } from "../types.ts";
import type { PlainWord } from "../words.ts";

/** Takes `words` after this wrapper's own options; `skip` operands belong to the wrapper (a duration). */
function unwrap(notation: string, skip = 0): CommandRule {
  const table = optionTable(notation);
  return (command, report) => {
    const at = innerStart(command.args, table);
    if (at === undefined)
      return report.find(ask("shell.option-unknown", `${command.name} is used with an option that is not on the list`));
    const inner = command.args.slice(at + skip);
    if (inner.length === 0) return;
    report.inner(inner, { fed: command.fed });
  };
}

/** Index of the first word that is not an option of the wrapper; undefined when an option is unknown. */
function innerStart(args: readonly PlainWord[], table: ReadonlyMap<string, string>): number | undefined {
  let at = 0;
  while (at < args.length) {
    const word = args[at];
    if (!word?.text.startsWith("-") || word.text === "-") return at;
    if (word.text === "--") return at + 1;
    const name = word.text.split("=")[0] ?? "";
    const read = readArguments([word, { ...word, text: "x" }], table as ReturnType<typeof optionTable>);
    if (read.unknown) return undefined;
    at += read.operands.length === 0 && !(name.startsWith("--") && word.text.includes("=")) ? 2 : 1;
  }
  return at;
}

/** Variables that programs read as plain settings; every other one may choose a program, a file or an address. */
const SAFE_VARIABLES =
  /^(?:(?:NODE|APP|RAILS|RACK|FLASK|MIX|GO|DENO|VITE|NEXT_PUBLIC|ENVIRONMENT)_ENV|CI|\w*DEBUG|FORCE_COLOR|NO_COLOR|CLICOLOR|TZ|LANG|LANGUAGE|LC_\w+|TERM|COLUMNS|LINES|RUST_BACKTRACE|\w*LOG_LEVEL|RUST_LOG|CARGO_TERM_COLOR|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|PYTHONHASHSEED|VERBOSE|PORT|\w+_PORT|HOST|DATABASE_URL|REDIS_URL|\w*TIMEOUT|\w*SEED|TEST|TEST_\w+|VITEST_\w+|JEST_\w+|NODE_NO_WARNINGS|UPDATE_SNAPSHOTS?|DJANGO_SETTINGS_MODULE|GOOS|GOARCH|CGO_ENABLED|GIT_PAGER|PAGER|FOO|BAR|DRY_RUN)$/;
const LOADER = /^(?:LD_|DYLD_|BASH_ENV$|ENV$|GCONV_PATH$)/;

/** Judges `NAME=value` before a command or alone. */
export function assignmentRule(name: string, value: PlainWord | undefined, report: Report): void {
  if (/^(?:CODE)?CRUCIBLE_/.test(name)) return report.find(deny("tamper.self", `${name} steers this program`));
  if (/\.sock\b/.test(value?.text ?? "") && /docker|containerd|podman|buildkit/i.test(`${name}${value?.text}`))
    return report.find(deny("tamper.socket", "a container socket gives root on this machine"));
  if (LOADER.test(name)) return report.find(deny("tamper.loader", `${name} loads other code into every program`));
  if (/^(?:GIT_PAGER|PAGER)$/.test(name) && value?.text !== "cat" && value?.text !== "") {
    return report.find(ask("shell.assignment", `${name} names a program to start`));
  }
  if (name === "NODE_OPTIONS" && /^--max-old-space-size=\d+$/.test(value?.text ?? "")) return;
  if (name === "PYTHONPATH" && value?.kind === "literal" && !value.text.includes(":")) report.path(value, "read");
  else if (name === "BASH_ENV" || !SAFE_VARIABLES.test(name))
    report.find(ask("shell.assignment", `${name}=… can change what later commands do`));
  if (value?.kind === "dynamic") report.find(ask("shell.dynamic", `${value.text} is only known when it runs`));
}

/** `export NAME=value` like the assignment it is; everything else about exported names is opaque. */
const exportRule: CommandRule = (command, report) => {
  if (command.args.every((word) => word.text.startsWith("-"))) report.mark("secret");
  const assigned = command.args.map((word) => /^([A-Za-z_]\w*)=(.*)$/s.exec(word.text));
  if (command.args.length === 0 || assigned.some((match) => !match))
    return report.find(ask("shell.opaque", "export without values prints or passes on variables"));
  for (const [at, match] of assigned.entries()) {
    const word = command.args[at];
    if (word) assignmentRule(match?.[1] ?? "", { ...word, text: match?.[2] ?? "" }, report);
  }
};

const envRule: CommandRule = (command, report) => {
  const words = [...command.args];
  if (words.length === 0) {
    report.mark("secret");
    return report.find(ask("secret.environment", "this prints the environment"));
  }
  while (words[0]) {
    const word = words[0];
    const assignment = /^([A-Za-z_]\w*)=(.*)$/s.exec(word.text);
    if (assignment) assignmentRule(assignment[1] ?? "", { ...word, text: assignment[2] ?? "" }, report);
    else if (/^(?:-u|--unset|-C|--chdir)$/.test(word.text)) {
      words.shift();
      report.find(ask("shell.env-option", `env ${word.text} changes what the command finds`));
    } else if (/^(?:-S|--split-string)/.test(word.text)) {
      const joined = word.text.replace(/^(?:-S|--split-string=?)/, "");
      const code = joined === "" ? words[1] : { ...word, text: joined };
      if (code) report.script(code);
      return report.find(ask("shell.env-option", "env -S splits a text into a command"));
    } else if (word.text.startsWith("-"))
      report.find(ask("shell.env-option", `env ${word.text} changes how the command is read`));
    else return report.inner(words, { fed: command.fed });
    words.shift();
  }
  report.mark("secret");
  report.find(ask("secret.environment", "this prints the environment"));
};

const xargsRule: CommandRule = (command, report) => {
  const table = optionTable(
    "0rtx a< n: P: L: I: d: s: E: --null --no-run-if-empty --max-args: --max-procs: --delimiter: --verbose",
  );
  const at = innerStart(command.args, table);
  if (at === undefined) return report.find(ask("shell.xargs", "xargs is used with an option that is not on the list"));
  const taken = readArguments(command.args.slice(0, at), table).options;
  const source = taken.find((option) => option.name === "-a")?.value;
  if (source) {
    report.path(source, "read");
    report.find(ask("shell.xargs", "xargs -a takes words from a file"));
  }
  const replaces = taken.some((option) => option.name === "-I");
  const inner = command.args.slice(at);
  if (replaces) report.find(ask("shell.xargs", "xargs -I puts unknown words into a command"));
  if (inner.length === 0) return;
  report.inner(inner, { fed: true });
};

const privilege: CommandRule = (command, report) => {
  report.find(ask("privilege.raise", `${command.name} asks for more rights`, "high"));
  carrier(command, report);
};

/** Starts what its words say, in ways of its own: asked about, and what is never done is not done by it either. */
const carries: CommandRule = (command, report) => {
  report.effect("write");
  report.mark("shell");
  report.find(ask("shell.opaque", `${command.name} changes or hides what runs`));
  carrier(command, report);
};

function carrier({ name, args }: SimpleCommand, report: Report): void {
  const at = /^(?:su|runuser|script|flock)$/.test(name)
    ? args.findIndex(({ text }) => /^(?:-c|--command)$/.test(text))
    : -1;
  const first = /^(?:trap|watch)$/.test(name) ? args.find((word) => !word.text.startsWith("-")) : undefined;
  const code = args[at + 1];
  if (at >= 0 && code) report.script(code);
  else if (first && /\s/.test(first.text)) report.script(first);
  else report.carried(args);
}

const table = (names: string, rule: CommandRule): Record<string, CommandRule> =>
  Object.fromEntries(names.split(" ").map((name) => [name, rule]));

export const wrapperCommands: Record<string, CommandRule> = {
  env: envRule,
  export: exportRule,
  xargs: xargsRule,
  ...table("sudo doas su pkexec runuser gosu", privilege),
  ...table(
    "exec trap setsid parallel script watch flock taskset chrt fakeroot proot systemd-run toybox unbuffer xvfb-run firejail bwrap entr",
    carries,
  ),
  nice: unwrap("n: -# --adjustment:"),
  ionice: unwrap("c: n: t"),
  nohup: unwrap(""),
  stdbuf: unwrap("i: o: e:"),
  timeout: unwrap("k: s: v --preserve-status --foreground --kill-after: --signal:", 1),
  time: unwrap("p v --portability --verbose"),
  command: (command, report) => {
    if (/^-[vV]$/.test(command.args[0]?.text ?? "")) return;
    if (command.args[0]?.text.startsWith("-"))
      report.find(ask("shell.option-unknown", "command is used with an option that is not on the list"));
    report.inner(
      command.args.filter((word, at) => at > 0 || !word.text.startsWith("-")),
      { fed: command.fed },
    );
  },
  builtin: (command, report) => report.inner(command.args),
  busybox: (command, report) => {
    report.find(ask("shell.opaque", "busybox stands for many programs"));
    if (command.args.length > 0) report.inner(command.args, { fed: command.fed });
  },
  eval: (command, report) => {
    report.mark("shell");
    report.find(ask("shell.opaque", "eval runs text as a command"));
    const [first] = command.args;
    if (first)
      report.script({
        ...first,
        kind: command.args.every((word) => word.kind === "literal") ? "literal" : "dynamic",
        text: command.args.map((word) => word.text).join(" "),
      });
  },
};
