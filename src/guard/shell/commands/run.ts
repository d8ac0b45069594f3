/** The project's own scripts and programs: they run in the sandbox without network. */
import { ask, type CommandRule, deny, type Report, type SimpleCommand } from "../types.ts";
import type { PlainWord } from "../words.ts";
import { CHECKER_NAMES, checkers, isVersion } from "./checkers.ts";

function refuseDynamic(command: SimpleCommand, report: Report): void {
  for (const word of command.args) {
    if (word.kind === "dynamic") report.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
  }
}

function network(report: Report, what: string): void {
  report.mark("net");
  report.find(ask("network.packages", `${what} needs the network`));
}

/** Options of package managers that take the next word, and those that only change output. */
const PACKAGE_VALUES = /^(?:-w|--workspace|--filter|-F)$/;
const PACKAGE_QUIET =
  /^(?:-s|--silent|-q|--quiet|--offline|--workspaces|-r|--recursive|--if-present|(?:-w|--workspace|--filter)=.*)$/;
/** yarn, pnpm and bun run a script by its bare name, except where the name is one of theirs. */
const OWN_VERBS =
  /^(?:add|install|i|up|upgrade|update|dlx|create|publish|link|unlink|import|init|x|login|logout|global|set|plugin|policies|patch|remove|rm|fetch|store|env|deploy|audit|outdated|info|view|node|npm|workspace|workspaces|constraints|version|pack|unplug|rebuild|cache|prune|dedupe|self-update|setup|server|pm|repl|build-bin|a|ci|it|uninstall|un|approve-builds|owner|tag|team|access|token|whoami|search|stage|run-s|patch-commit|licenses|root|bin|why|list|ls|prefix|pkg|query|explain)?$/;

/** The verb and what follows it; undefined when an early option is not known. */
function verbOf(command: SimpleCommand, report: Report): { verb: string; rest: readonly PlainWord[] } | undefined {
  const words = [...command.args];
  for (;;) {
    const word = words.shift();
    if (!word) return { verb: "", rest: [] };
    if (PACKAGE_VALUES.test(word.text)) words.shift();
    else if (/^(?:-C|--prefix|--dir|--cwd)$/.test(word.text) && words[0])
      report.path(words.shift() as PlainWord, "enter");
    else if (!word.text.startsWith("-")) return { verb: word.text, rest: words };
    else if (!PACKAGE_QUIET.test(word.text)) {
      report.find(ask("shell.option-unknown", `${command.name} ${word.text} is not on the list of known options`));
      return undefined;
    }
  }
}

/** npm, pnpm, yarn, bun: scripts run, lists are read, everything that installs needs the network. */
const packageRule: CommandRule = (command, report) => {
  refuseDynamic(command, report);
  if (isVersion(command)) return;
  if (command.name === "bun" && command.args.some((word) => word.text === "-")) report.mark("stdin-shell");
  const found = verbOf(command, report);
  if (!found) return;
  const { verb, rest } = found;
  if (command.name === "yarn" && verb === "workspace") return packageRule({ ...command, args: rest.slice(1) }, report);
  for (const word of rest) {
    if (word.text === "--") break;
    if (
      /^(?:-g|--global|--prefix|-C|--dir|--cwd|--userconfig|--globalconfig|--script-shell|--registry|--node-options)(?:=|$)/.test(
        word.text,
      )
    )
      return report.find(ask("shell.package-outside", `${command.name} ${word.text} acts outside the project`));
  }
  if (/^(?:test|t|tst|start|stop|restart|run|run-script|rum|urn)$/.test(verb)) {
    // `run` is followed by the script's name; what stands behind that is the script's own, except for npm.
    return ownScript(command, rest, { named: /^(?:run|ru|ur)/.test(verb), report });
  }
  if (/^(?:ls|list|ll|la|why|explain|root|prefix|bin|query)$/.test(verb)) return report.effect("run");
  if (/^(?:exec|x)$/.test(verb)) return runner(command, rest, report);
  if (verb === "unpublish" || verb === "publish") return published(command, verb, rest, report);
  if (/^(?:config|set|c|pkg|cache)$/.test(verb))
    return report.find(ask("shell.package-config", `${command.name} ${verb} changes what later runs do`, "high"));
  if (
    /^(?:i|install|add|in|ins)$/.test(verb) &&
    rest.some((word) => /^(?:https?:|git\+|git:|ssh:|file:)/.test(word.text))
  ) {
    report.mark("net");
    return report.find(deny("remote-code.package", "installing a package from an address runs code from the network"));
  }
  if (command.name !== "npm" && !OWN_VERBS.test(verb)) {
    const file = command.args.find((word) => word.text === verb);
    if (command.name === "bun" && file && /^[\w./-]+\.[cm]?[jt]sx?$/.test(verb)) {
      report.mark("local-run");
      report.path(file, "read");
    } else if (/[/~:]/.test(verb) || (command.name === "bun" && verb === "build"))
      report.find(ask("shell.runner", `${command.name} ${verb} runs a file`));
    return report.effect("run");
  }
  network(report, `${command.name} ${verb || "install"}`);
};

/** npm takes any unique beginning of its options, so before `--` only those of the list are plain. */
function ownScript(
  command: SimpleCommand,
  rest: readonly PlainWord[],
  { named, report }: { named: boolean; report: Report },
): void {
  report.effect("run");
  const script = rest.findIndex(
    (word, at) => !word.text.startsWith("-") && !PACKAGE_VALUES.test(rest[at - 1]?.text ?? ""),
  );
  if (named && rest[script]?.text === "env") report.find(ask("secret.environment", "this prints the environment"));
  if (command.name === "bun" && rest.some((word) => /^-|^[/~]/.test(word.text)))
    report.find(ask("shell.option-unknown", "bun run is used with options or files outside"));
  const end = rest.findIndex((word) => word.text === "--");
  const until = command.name === "npm" ? end : named ? script : 0;
  const own = rest.slice(0, until < 0 ? undefined : until);
  const odd = own.find(
    (word, at) =>
      word.text.startsWith("-") &&
      !PACKAGE_QUIET.test(word.text) &&
      !PACKAGE_VALUES.test(word.text) &&
      !PACKAGE_VALUES.test(own[at - 1]?.text ?? ""),
  );
  if (odd)
    report.find(
      ask(
        "shell.option-unknown",
        `${command.name} ${odd.text} is not on the list of known options; arguments for the script go after --`,
      ),
    );
  if (rest.some((word) => word.text === "-"))
    report.find(ask("shell.stdin-code", `${command.name} runs what it is fed`));
}

function published(command: SimpleCommand, verb: string, rest: readonly PlainWord[], report: Report): void {
  if (verb === "unpublish") return report.find(deny("destructive.unpublish", "unpublishing cannot be undone"));
  report.mark("net");
  report.find(
    rest.some((word) => word.text === "--dry-run")
      ? ask("network.packages", `${command.name} publish needs the network`)
      : ask("network.publish", "publishing cannot be undone", "high"),
  );
}

/** `npm exec`, `pnpm exec`, `npx`: what they start is judged as itself. */
function runner(command: SimpleCommand, words: readonly PlainWord[], report: Report): void {
  const start = words.findIndex((word) => !word.text.startsWith("-"));
  const options = words.slice(0, start < 0 ? undefined : start).map((word) => word.text);
  const [program, ...rest] = start < 0 ? [] : words.slice(start);
  report.effect("run");
  if (!program || options.some((option) => !/^(?:--no|--no-install|--offline|--|-q|--quiet)$/.test(option))) {
    report.find(ask("shell.runner", `${command.name} is used with options that are not on the list`));
    if (/npx|npm/.test(command.name)) network(report, command.name);
    return;
  }
  const local =
    options.some((option) => option.startsWith("--no") || option === "--offline") ||
    CHECKER_NAMES.has(program.text) ||
    /^(?:tsx|ts-node|turbo|nx|lerna)$/.test(program.text);
  if (!local && /^(?:npx|bunx|npm|bun)$/.test(command.name)) network(report, `${command.name} without --no-install`);
  report.inner([program, ...rest]);
}

interface Interpreter {
  /** Options that carry or fetch code. */
  readonly code: RegExp;
  /** Options without a value, and options whose value is the next word. */
  readonly flags: RegExp;
  readonly values?: RegExp;
  readonly modules?: RegExp;
  /** First words that are no file of the project. */
  readonly verbs?: RegExp;
  readonly shell?: boolean;
}

/** Interpreters: a file of the project runs; code on the command line or from elsewhere is opaque. */
function interpreterRule(options: Interpreter): CommandRule {
  return (command, report) => {
    refuseDynamic(command, report);
    if (isVersion(command)) return;
    const words = command.args;
    const unknown = (word: PlainWord) =>
      report.find(ask("shell.option-unknown", `${command.name} ${word.text} is not on the list of known options`));
    let testing = false;
    for (let at = 0; at < words.length; at++) {
      const word = words[at];
      const next = words[at + 1];
      if (!word || word.text === "-") break;
      if (options.code.test(word.text)) {
        report.mark("shell");
        const code = next?.text === "--" ? words[at + 2] : next;
        if (options.shell && code && /^-\w*c$/.test(word.text)) report.script(code);
        return report.find(
          ask("shell.inline-code", `${command.name} ${word.text} runs code given on the command line`),
        );
      }
      if (options.modules && word.text === "-m")
        return module(command, next, { modules: options.modules, rest: words.slice(at + 2), report });
      if (options.verbs?.test(word.text))
        return report.find(ask("shell.runner", `${command.name} ${word.text} is not plain running of a file`));
      if (!/^[-+]/.test(word.text)) {
        report.effect("run");
        report.mark("local-run");
        // A script of the system is a program of its own, with its own network.
        if (/^\/(?:usr|lib|opt|bin)/.test(word.text))
          report.find(ask("shell.system-program", `${word.text} is a program of the system`));
        for (const other of testing ? words.slice(at + 1) : [])
          if (!other.text.startsWith("-")) report.path(other, "read");
        return report.path(word, "read");
      }
      if (options.values?.test(word.text)) at++;
      else if (!options.flags.test(word.text)) return unknown(word);
      testing ||= word.text === "--test";
    }
    if (testing) return report.effect("run");
    report.mark("shell");
    report.mark("stdin-shell");
    report.find(ask("shell.stdin-code", `${command.name} without a file runs whatever it is fed`));
  };
}

function module(
  command: SimpleCommand,
  name: PlainWord | undefined,
  { modules, rest, report }: { modules: RegExp; rest: readonly PlainWord[]; report: Report },
): void {
  const text = name?.text ?? "";
  if (text === "http.server") return network(report, "python -m http.server");
  if (text === "json.tool") {
    const odd = rest.find(
      (word) => word.text.startsWith("-") && !/^--(?:sort-keys|no-ensure-ascii|json-lines|compact)$/.test(word.text),
    );
    const files = rest.filter((word) => !word.text.startsWith("-"));
    if (odd || files.length > 2)
      report.find(ask("shell.option-unknown", `json.tool ${odd?.text ?? ""} is not on the list of known options`));
    if (files[0]) report.path(files[0], "read");
    for (const file of files.slice(1)) report.path(file, "write");
    return files[1] ? report.effect("write") : undefined;
  }
  if (!modules.test(text))
    return report.find(ask("shell.module", `${command.name} -m ${text} is not on the list of test and build modules`));
  const checker = checkers[text];
  if (checker) return checker({ name: text, args: rest, fed: command.fed }, report);
  report.effect("run");
  for (const word of rest) if (!word.text.startsWith("-") && word.text.includes("/")) report.path(word, "read");
}

/** make takes unique beginnings of long options and bundles of letters. */
const MAKE_LONG = [
  "--file",
  "--makefile",
  "--directory",
  "--include-dir",
  "--eval",
  "--environment-overrides",
  "--load-average",
  "--old-file",
  "--assume-old",
  "--what-if",
  "--new-file",
];

const makeRule: CommandRule = (command, report) => {
  refuseDynamic(command, report);
  report.effect("run");
  for (let at = 0; at < command.args.length; at++) {
    const word = command.args[at];
    const text = word?.text ?? "";
    const next = command.args[at + 1];
    if (text === "-C" && next) {
      report.path(next, "enter");
      at++;
    } else if (
      /^-j\d*$|^-[knsBqt]+$|^--(?:always-make|keep-going|dry-run|silent|quiet|question|jobs(?:=\d+)?|no-print-directory|version)$/.test(
        text,
      )
    ) {
      if (text === "-j" && /^\d+$/.test(next?.text ?? "")) at++;
    } else if (text.startsWith("-") || MAKE_LONG.some((option) => option.startsWith(text) && text.startsWith("--"))) {
      report.find(ask("shell.make-other", `make ${text} reads other instructions than the project's`));
    } else if (
      /^[^=]*=/.test(text) &&
      (!/^[A-Za-z_]\w{0,40}[:?]?=[\w.]{0,80}$/.test(text) ||
        /^(?:SHELL|MAKEFLAGS|MAKEFILES|CC|CXX|LD|AR|AS|RM|CPP|FC|VPATH|MAKE|DESTDIR|\w*PREFIX)\b/.test(text))
    ) {
      report.find(ask("shell.make-variable", `${text} changes which programs make runs`));
    }
  }
};

/** `bundle exec x`: the program behind the verb is judged as itself; other verbs fetch. */
function throughRule(verb: RegExp): CommandRule {
  return (command, report) => {
    if (isVersion(command)) return;
    const [first, ...inner] = command.args;
    if (!first || !verb.test(first.text)) return network(report, `${command.name} ${first?.text ?? ""}`);
    report.effect("run");
    if (inner[0]?.text.startsWith("-"))
      return report.find(
        ask("shell.option-unknown", `${command.name} ${inner[0].text} is not on the list of known options`),
      );
    if (/^\w+:\/\//.test(inner[0]?.text ?? "")) {
      report.mark("fetch");
      return report.find(deny("remote-code.script", `${command.name} run would run code from the network`));
    }
    report.inner(inner[0]?.text.endsWith(".py") ? [{ ...inner[0], text: "python3" }, ...inner] : inner);
  };
}

/** Tools whose listed verbs run the project's own tests and checks; operands are paths of it, options are asked about. */
function listRule(verbs: RegExp): CommandRule {
  return (command, report) => {
    if (isVersion(command)) return;
    const [first, ...rest] = command.args;
    refuseDynamic(command, report);
    if (rest.some((word) => word.text === "-")) report.mark("stdin-shell");
    if (!first || !verbs.test(first.text)) return network(report, `${command.name} ${first?.text ?? ""}`);
    report.effect("run");
    for (const word of rest) {
      if (
        word.text.startsWith("-") &&
        !/^(?:-q|-v|--quiet|--verbose|--check|--parallel|--warnings-as-errors|--filter|--format=\w+)$/.test(word.text)
      )
        report.find(ask("shell.option-unknown", `${command.name} ${word.text} is not on the list of known options`));
      else if (/^\w+:/.test(word.text) && command.name !== "nx") network(report, `${command.name} ${word.text}`);
      else if (/[/~]/.test(word.text)) report.path(word, "read");
      else if (!word.text.startsWith("-") && !verbs.test(word.text) && /^(?:sbt|nx|rails|mix)$/.test(command.name))
        report.find(ask("shell.runner", `${command.name} ${word.text} is another task`));
    }
  };
}

const nodeOptions: Interpreter = {
  code: /^(?:-e|-p|-pe|-ep|--eval|--print|-i|--interactive|-r|--require|--import|--loader|--experimental-loader|--inspect.*|--env-file.*|--run)(?:=|$)/,
  flags:
    /^(?:--test(?:=.*|-only|-force-exit|-update-snapshots|-isolation=\w+|-reporter=\w+|-name-pattern=.*|-skip-pattern=.*|-timeout=\d+|-concurrency=\d+|-coverage-\w+=.*)?|--experimental-strip-types|--experimental-transform-types|--experimental-test-coverage|--no-warnings|--trace-warnings|--enable-source-maps|--check|-c|--max-old-space-size=\d+|--watch)$/,
  values: /^--test-(?:name-pattern|skip-pattern|timeout|concurrency)$/,
  verbs: /^inspect$/,
};
const python = interpreterRule({
  code: /^-(?:\w*c|\w*i|x)/,
  flags: /^-[uBEsSvOq]+$/,
  values: /^-W$/,
  modules:
    /^(?:unittest|pytest|doctest|mypy|ruff|black|isort|flake8|pylint|compileall|py_compile|json\.tool|tox|http\.server)$/,
});
const shell = interpreterRule({
  code: /^-\w*[csil]/,
  flags: /^(?:-[euxnvf]+|--norc|--noprofile)$/,
  values: /^-[eux]*o$/,
  shell: true,
});
const script = interpreterRule({ code: /^-\w*[eEpnirMxaFl0]/, flags: /^-[wcTW]+$/ });

export const runCommands: Record<string, CommandRule> = {
  npm: packageRule,
  pnpm: packageRule,
  yarn: packageRule,
  bun: packageRule,
  npx: (command, report) => (isVersion(command) ? undefined : runner(command, command.args, report)),
  bunx: (command, report) => (isVersion(command) ? undefined : runner(command, command.args, report)),
  node: interpreterRule(nodeOptions),
  tsx: interpreterRule(nodeOptions),
  "ts-node": interpreterRule({
    ...nodeOptions,
    code: /^(?:-\w*[epir]|--(?:eval|print|interactive|require|import|loader|project|compiler.*))(?:=|$)/,
  }),
  python,
  python3: python,
  bash: shell,
  sh: shell,
  dash: shell,
  zsh: shell,
  ruby: script,
  perl: script,
  php: interpreterRule({ code: /^-\w*[rRBEaSdc]/, flags: /^-[nqwl]+$/ }),
  lua: interpreterRule({ code: /^-\w*[eil]/, flags: /^-[vW]+$/ }),
  make: makeRule,
  gmake: makeRule,
  ...checkers,
  bundle: throughRule(/^exec$/),
  poetry: throughRule(/^run$/),
  pipenv: throughRule(/^run$/),
  hatch: throughRule(/^run$/),
  uv: throughRule(/^run$/),
  pip: listRule(/^(?:list|show|freeze|check)$/),
  pip3: listRule(/^(?:list|show|freeze|check)$/),
  composer: listRule(/^(?:test|run-script|validate|show)$/),
  mix: listRule(/^(?:test|compile|format|credo)$/),
  swift: listRule(/^(?:test|build)$/),
  zig: listRule(/^(?:test|build|fmt)$/),
  sbt: listRule(/^(?:test|compile)$/),
  flutter: listRule(/^(?:test|analyze)$/),
  dart: listRule(/^(?:test|analyze|format)$/),
  rails: listRule(/^(?:test|spec)$/),
  deno: listRule(/^(?:test|check|lint|fmt|task)$/),
  turbo: listRule(/^run$/),
  nx: listRule(/^(?:test|build|lint|run)$/),
  lerna: listRule(/^run$/),
};

/** A program by its path inside the workspace (`./scripts/build.sh`). */
export const localProgram: CommandRule = (command, report) => {
  refuseDynamic(command, report);
  report.effect("run");
  report.mark("local-run");
  report.path({ text: command.name, kind: "literal", quoted: false, variables: [] }, "read");
};
