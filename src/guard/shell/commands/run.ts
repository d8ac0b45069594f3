/** The project's own scripts, builds and test runners: they run in the sandbox without network. */

import { ask, type CommandRule, deny, type Report, type SimpleCommand } from "../types.ts";
import type { PlainWord } from "../words.ts";

function refuseDynamic(command: SimpleCommand, report: Report): void {
  for (const word of command.args) {
    if (word.kind === "dynamic") report.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
  }
  if (command.fed) report.find(ask("shell.fed-run", `${command.name} gets arguments from another command`));
}

function network(report: Report, what: string): void {
  report.mark("net");
  report.find(ask("network.packages", `${what} needs the network`));
}

const first = (command: SimpleCommand): string => command.args.find((word) => !word.text.startsWith("-"))?.text ?? "";
const isVersion = (command: SimpleCommand): boolean =>
  command.args.length === 1 && /^(?:--version|-v|-V|-version|version|--help|-h)$/.test(command.args[0]?.text ?? "");

/** npm, pnpm, yarn, bun: scripts run, lists are read, everything that installs needs the network. */
const packageRule: CommandRule = (command, report) => {
  refuseDynamic(command, report);
  if (isVersion(command)) return;
  for (const word of command.args) {
    if (
      /^(?:-g|--global|--prefix|-C|--dir|--cwd|--userconfig|--globalconfig|--script-shell|--registry)(?:=|$)/.test(
        word.text,
      )
    ) {
      return report.find(ask("shell.package-outside", `${command.name} ${word.text} acts outside the project`));
    }
    if (word.text === "--") break;
  }
  const verb = first(command);
  const words = command.args.map((word) => word.text);
  const early = words.find((word) => word !== verb || verb === "");
  if (
    early?.startsWith("-") &&
    words.indexOf(early) < words.indexOf(verb) &&
    !/^(?:-s|--silent|-q|--quiet|--offline|-w|--workspaces?|-r|--recursive)(?:=|$)/.test(early)
  ) {
    return report.find(ask("shell.option-unknown", `${command.name} ${early} is not on the list of known options`));
  }
  if (/^(?:test|t|tst|start|stop|restart|run|run-script|rum|urn)$/.test(verb)) return report.effect("run");
  if (/^(?:ls|list|ll|la|why|explain|outdated-local|root|prefix|bin|pkg|query)$/.test(verb)) {
    // It reads, but by code and settings of the project.
    report.effect("run");
    return verb === "pkg" && !words.includes("get")
      ? report.find(ask("shell.package-write", "npm pkg changes package.json"))
      : undefined;
  }
  if (verb === "exec" && words.includes("--no")) return report.effect("run");
  if (verb === "unpublish") return report.find(deny("destructive.unpublish", "unpublishing cannot be undone"));
  if (verb === "config" || verb === "set" || verb === "c")
    return report.find(ask("shell.package-config", `${command.name} ${verb} changes what later runs do`, "high"));
  if (
    words.some((word) => /^(?:https?:|git\+|git:|ssh:|file:)/.test(word)) &&
    /^(?:i|install|add|in|ins)$/.test(verb)
  ) {
    report.mark("net");
    return report.find(deny("remote-code.package", "installing a package from an address runs code from the network"));
  }
  if (command.name === "yarn" || command.name === "bun" || command.name === "pnpm") {
    const known =
      /^(?:add|install|i|up|upgrade|update|dlx|create|publish|link|unlink|import|init|x|login|logout|global|set|plugin|policies|patch|remove|rm|fetch|store|env|deploy|audit|outdated|info|view)?$/;
    if (!known.test(verb)) return report.effect("run");
  }
  network(report, `${command.name} ${verb || "install"}`);
};

const npxRule: CommandRule = (command, report) => {
  refuseDynamic(command, report);
  if (isVersion(command)) return;
  const own = command.args.some((word) => word.text === "--no-install" || word.text === "--no");
  if (own && !command.args.some((word) => /^(?:-c|--call|-p|--package)/.test(word.text))) return report.effect("run");
  network(report, "npx without --no-install");
};

/** Interpreters: a file of the project runs; code on the command line or from elsewhere is opaque. */
function interpreterRule(options: { code: RegExp; safeFlags: RegExp; modules?: RegExp; shell?: boolean }): CommandRule {
  return (command, report) => {
    refuseDynamic(command, report);
    if (isVersion(command)) return;
    const words: readonly PlainWord[] = command.args;
    for (const [index, word] of words.entries()) {
      const next = words[index + 1];
      if (options.code.test(word.text)) {
        report.mark("shell");
        if (options.shell && next && /^-\w*c$/.test(word.text)) report.script(next);
        return report.find(
          ask("shell.inline-code", `${command.name} ${word.text} runs code given on the command line`),
        );
      }
      if (options.modules && word.text === "-m") {
        if (next && options.modules.test(next.text)) return report.effect("run");
        return next?.text === "http.server"
          ? network(report, "python -m http.server")
          : report.find(
              ask(
                "shell.module",
                `${command.name} -m ${next?.text ?? ""} is not on the list of test and build modules`,
              ),
            );
      }
      if (word.text.startsWith("-") && word.text !== "-") {
        if (!options.safeFlags.test(word.text))
          return report.find(
            ask("shell.option-unknown", `${command.name} ${word.text} is not on the list of known options`),
          );
        if (word.text === "--test" && !next) return report.effect("run");
        continue;
      }
      if (word.text === "-") break;
      report.effect("run");
      report.mark("local-run");
      return report.path(word, "read");
    }
    if (words.some((word) => word.text === "--test")) return report.effect("run");
    report.mark("stdin-shell");
    report.mark("shell");
    report.find(ask("shell.stdin-code", `${command.name} without a file runs whatever it is fed`));
  };
}

const makeRule: CommandRule = (command, report) => {
  refuseDynamic(command, report);
  for (const word of command.args) {
    if (/^-(?:[fCIE]|-file|-directory|-include-dir|-eval|-makefile)/.test(word.text))
      return report.find(ask("shell.make-other", `make ${word.text} reads other instructions than the project's`));
    if (/^(?:SHELL|MAKEFLAGS|MAKEFILES|\.SHELLFLAGS|CC|CXX|LD|AR)\s*:?:?=/.test(word.text))
      return report.find(ask("shell.make-variable", `${word.text} changes which programs make runs`));
  }
  report.effect("run");
};

/** `verbs` run locally; everything else may install, publish or fetch. */
function toolRule(verbs: RegExp, what: string): CommandRule {
  return (command, report) => {
    refuseDynamic(command, report);
    if (isVersion(command)) return;
    if (
      command.args.some((word) =>
        /^(?:--config|--manifest-path|-C|--target-dir|-exec|-toolexec|-o)(?:=|$)/.test(word.text),
      )
    ) {
      return report.find(ask("shell.option-unknown", `${command.name} is pointed outside the project's own settings`));
    }
    const verb = first(command);
    if (verbs.test(verb)) return report.effect("run");
    network(report, `${what} ${verb}`);
  };
}

/** Options that make a checker or compiler load other code than the project's own settings name. */
const LOADS_CODE =
  /^--?(?:plugins?|wrapper|fplugin|specs|B|rulesdir|config|c|config-file|resolve-plugins-relative-to|rootdir|confcutdir|import-mode|init|require|r|import|loader|parser|environment|runner|reporter|setup\w*|globalSetup|transform|preset|ext|exec|toolexec)(?:$|[=,./])/i;

/** Checkers and test runners of the project that are on PATH. */
const checkerRule: CommandRule = (command, report) => {
  refuseDynamic(command, report);
  if (isVersion(command)) return;
  const other = command.args.find((word) => LOADS_CODE.test(word.text));
  if (other)
    report.find(
      ask("shell.loads-code", `${command.name} ${other.text} can load other code than the project's own settings`),
    );
  report.effect("run");
};

const CHECKERS = [
  "tsc",
  "vitest",
  "jest",
  "mocha",
  "eslint",
  "prettier",
  "biome",
  "pytest",
  "py.test",
  "ruff",
  "mypy",
  "pyright",
  "black",
  "flake8",
  "isort",
  "tox",
  "nox",
  "phpunit",
  "rspec",
  "ctest",
  "ninja",
  "cmake",
  "gcc",
  "g++",
  "cc",
  "clang",
  "rustfmt",
  "gofmt",
  "tsx",
  "ts-node",
];

const node = interpreterRule({
  code: /^(?:-e|-p|-pe|--eval|--print|-i|--interactive|-r|--require|--import|--loader|--experimental-loader|--inspect.*|--env-file.*)(?:=|$)/,
  safeFlags:
    /^(?:--test(?:-(?:reporter|name-pattern|only|timeout|concurrency|skip-pattern|isolation|force-exit|coverage-\w+).*)?|--experimental-strip-types|--experimental-test-coverage|--no-warnings|--trace-warnings|--enable-source-maps|--check|-c|--max-old-space-size=\d+|--watch)$/,
});
const python = interpreterRule({
  code: /^-(?:c|i|x)/,
  safeFlags: /^-(?:[uBEsSvO]+|W.*)$/,
  modules:
    /^(?:unittest|pytest|doctest|mypy|ruff|black|isort|flake8|pylint|compileall|py_compile|coverage|json\.tool|tox)$/,
});
const shell = interpreterRule({
  code: /^-(?:\w*c|i|s|\w*l)/,
  safeFlags: /^-(?:[euxn]+|o|-norc|-noprofile)$/,
  shell: true,
});
const script = interpreterRule({ code: /^-(?:[eEpnir]|M)/, safeFlags: /^-[wcT]$/ });

export const runCommands: Record<string, CommandRule> = {
  npm: packageRule,
  pnpm: packageRule,
  yarn: packageRule,
  bun: packageRule,
  npx: npxRule,
  node,
  python,
  python3: python,
  bash: shell,
  sh: shell,
  dash: shell,
  zsh: shell,
  ruby: script,
  perl: script,
  php: script,
  lua: script,
  make: makeRule,
  gmake: makeRule,
  cargo: toolRule(/^(?:test|t|build|b|check|c|run|r|clippy|fmt|doc|bench|clean|metadata|tree|nextest)$/, "cargo"),
  go: toolRule(/^(?:test|build|vet|fmt|list|env|doc|version)$/, "go"),
  mvn: toolRule(/^(?:test|compile|package|verify|clean)$/, "mvn"),
  gradle: toolRule(/^(?:test|build|check|clean|assemble)$/, "gradle"),
  dotnet: toolRule(/^(?:test|build|run|clean)$/, "dotnet"),
  ...Object.fromEntries(CHECKERS.map((name) => [name, checkerRule])),
};

/** A program by its path inside the workspace (`./scripts/build.sh`). */
export const localProgram: CommandRule = (command, report) => {
  refuseDynamic(command, report);
  report.effect("run");
  report.mark("local-run");
  report.path({ text: command.name, kind: "literal", quoted: false, variables: [] }, "read");
};
