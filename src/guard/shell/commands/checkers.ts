/** Checkers, test runners, compilers and build tools: what they read, where they write, which options load other code. */
import { ask, type CommandRule, type Report, type SimpleCommand } from "../types.ts";
import type { PlainWord } from "../words.ts";

/** Options that make a tool load other code than the project's own settings name. */
const LOADS_CODE =
  /^--?(?:plugins?|wrapper|fplugin|specs|B|rulesdir|config|c|config-file|resolve-plugins-relative-to|rootdir|confcutdir|import-mode|init|require|r|import|loader|parser|environment|runner|reporter|setup\w*|globalSetup|transform|preset|exec|toolexec|vettool|override-ini|emptyOutDir|output-clean|install-types|pyargs|rcfile|settings|bootstrap|python[\w-]*|venv[\w-]*|node-\w+|O)(?:$|[=,./])/;
/** Options whose value is a place that is written. */
const OUTPUT =
  /^--?(?:o|junitxml|junit-xml|report|result-?log|[\w.-]*(?:dir|directory|file|path|destination|output|out|location))$/i;
/** Options whose folder is emptied. */
const WIPES = /^--?(?:basetemp|clean-dir)$/i;

/** Options of checkers and test runners that only choose what is checked and how it is told; others are asked about. */
const PLAIN_FLAGS =
  /^(?:-[hqvVsxwilun]{1,4}|-b|-r[aAfEsxXpPwN]+|--cov-report=term(?:-missing)?|--check-only|--(?:bundle|minify|sourcemap|noEmit|no-?emit|watch|run|coverage|cov|ci|silent|verbose|quiet|bail|fail-fast|failfast|exitfirst|last-failed|lf|ff|passWithNoTests|runInBand|no-cache|cache|check|fix|write|apply|unsafe|list-different|list|listTests|pretty|no-pretty|strict|noEmitOnError|incremental|build|force|skipLibCheck|ignore-missing-imports|diff|color|no-color|colors|all|changed|update|updateSnapshot|update-snapshot|showLocals|strict-markers|collect-only|recursive|stats|debug-brk|typecheck|lint|no-error-on-unmatched-pattern|cache-strategy|no-fail-fast|exit|parallel|watchAll|forceExit|detectOpenHandles|logHeapUsage|no-warn|no-header|disable-warnings|version|help|show-error-codes|explicit-package-bases|in-place))(?:=(?:[\w,.%-]{0,60}))?$/;
/** Options with a plain value after them or behind an equals sign: names, numbers, expressions of names. */
const PLAIN_VALUES =
  /^(?:-k|-m|-n|-t|-j|-p|--project|--ext|--max-warnings|--maxfail|--tb|--durations|--timeout|--testTimeout|--test-timeout|--retry|--maxWorkers|--workers|--jobs|--reporters?|--format|--outputFormat|--testNamePattern|--testPathPatterns?|--test-name-pattern|--grep|--filter|--line-length|--target-version|--select|--ignore|--extend-select|--severity|--log-level|--max-line-length|--shard|--seed|--mode|--target|--module|--lib|--jsx|--moduleResolution)$/;

/** Tools for which `-p` names a project, a package or nothing; elsewhere it is a plugin. */
const PROJECT = /^(?:tsc|pyright|mypy|mocha)$/;

/** Compiler options that neither load code nor choose programs. */
const COMPILER_FLAGS =
  /^-(?:c|g\d?|O[0-3sgz]?|W(?![lap],)[\w=+-]*|std=[\w+]+|isystem|[IL]|I[\w./-]+|D\w+(?:=[\w".-]*)?|U\w+|l\w+|L[\w./-]+|pthread|pedantic|f(?:PIC|pic|PIE|no-[\w-]+|sanitize=[\w,]+|stack-protector[\w-]*|visibility=\w+|exceptions|openmp|lto)|shared|static|S|E|MMD|MD|MP|v)$/;

/** Formatters and fixers change the files they are given. */
const FORMATTERS = new Set(["black", "isort", "rustfmt", "gofmt", "clang-format", "shfmt"]);
const FIXES = /^(?:--write|--fix(?:-.*)?|-w|--apply.*|--in-place|--unsafe|-u|--update.*)$/;

/** Reports operands and output places of a tool; its own settings are the project's. */
function judge(command: SimpleCommand, report: Report, options: { compiler?: boolean } = {}): void {
  const writes = FORMATTERS.has(command.name) || command.args.some((word) => FIXES.test(word.text));
  for (let at = 0; at < command.args.length; at++) {
    const word = command.args[at];
    if (!word) break;
    if (word.kind === "dynamic") report.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
    else if (!word.text.startsWith("-")) operand(word, writes, report);
    else at += option(command, at, { report, compiler: options.compiler ?? false });
  }
  report.effect("run");
}

/** Names of tests, rules and packages are no paths; what looks like one is. */
function operand(word: PlainWord, writes: boolean, report: Report): void {
  if (word.text.startsWith("@")) {
    report.find(ask("shell.response-file", `${word.text} holds options that nobody reads here`));
    return report.path({ ...word, text: word.text.slice(1), tilde: false }, "read");
  }
  if (/[/~.]/.test(word.text) || writes) report.path(word, writes ? "write" : "read");
}

/** Judges the option at `at`; returns how many further words it took. */
function option(command: SimpleCommand, at: number, how: { report: Report; compiler: boolean }): number {
  const word = command.args[at];
  const next = command.args[at + 1];
  const text = word?.text ?? "";
  const equals = text.indexOf("=");
  const name = equals > 0 ? text.slice(0, equals) : text;
  const value = equals > 0 && word ? { ...word, tilde: false, text: text.slice(equals + 1) } : next;
  const searched = how.compiler ? /^-[IL](.+)$/.exec(text)?.[1] : undefined;
  if (word && searched !== undefined) how.report.path({ ...word, text: searched, tilde: false }, "read");
  const tool = command.name === "ninja" && name === "-t";
  if (!how.compiler && PLAIN_VALUES.test(name) && name !== "-p" && !tool) {
    const names = /^(?:-k|-t|--grep|--test\w*Pattern\w*|--filter)$/.test(name);
    if (value && name === "--project") how.report.path(value, "read");
    else if (value && !names && /[/~:$]|\.[cm]?js$/.test(value.text))
      how.report.find(ask("shell.loads-code", `${command.name} ${name} ${value.text} can load other code`));
    return equals > 0 ? 0 : 1;
  }
  // Here `-c` checks.
  if (text === "-c" && command.name === "prettier") return 0;
  if (command.name === "ninja" && text === "-C" && next) {
    how.report.path(next, "enter");
    return 1;
  }
  if (command.name === "javac" && text === "-d" && next) {
    how.report.path(next, "write");
    return 1;
  }
  const loads =
    LOADS_CODE.test(text) ||
    (name === "-p" && !PROJECT.test(command.name)) ||
    (/^-[pf]/.test(text) && /^(?:pytest|py\.test|nox|tox)$/.test(command.name));
  if (loads && !how.compiler)
    how.report.find(
      ask("shell.loads-code", `${command.name} ${text} can load other code than the project's own settings`),
    );
  else if (how.compiler && !COMPILER_FLAGS.test(text) && name !== "-o")
    how.report.find(ask("shell.option-unknown", `${command.name} ${text} is not on the list of known options`));
  else if (!how.compiler && !OUTPUT.test(name) && !WIPES.test(name) && !PLAIN_FLAGS.test(text) && name !== "-p")
    how.report.find(ask("shell.option-unknown", `${command.name} ${text} is not on the list of known options`));
  else if (OUTPUT.test(name) || WIPES.test(name)) {
    if (name === "-o" && value?.text.includes("="))
      how.report.find(ask("shell.loads-code", `${command.name} -o changes its settings`));
    if (value) how.report.path(value, WIPES.test(name) ? "delete" : "write", { recursive: WIPES.test(name) });
    return equals > 0 ? 0 : 1;
  }
  return 0;
}

/** A question about the program itself. */
export const isVersion = (command: SimpleCommand): boolean =>
  command.args.length === 1 && /^(?:--version|-v|-V|-version|version|--help|-h)$/.test(command.args[0]?.text ?? "");

const checkerRule: CommandRule = (command, report) => (isVersion(command) ? undefined : judge(command, report));
const compilerRule: CommandRule = (command, report) =>
  isVersion(command) ? undefined : judge(command, report, { compiler: true });

interface BuildTool {
  readonly verbs: RegExp;
  /** Further words are verbs, too (mvn, gradle). */
  readonly manyVerbs?: true;
  readonly flags: RegExp;
  /** Options that take the next word. */
  readonly values?: RegExp;
}

/** `verbs` run locally with the options of the table; everything else may install, publish, fetch or act elsewhere. */
function buildRule(tool: BuildTool): CommandRule {
  return (command, report) => {
    if (isVersion(command)) return;
    const start = command.args.findIndex((word) => !/^-q$|^\+\w+$/.test(word.text) && !leads(tool, word));
    const [verb, ...rest] = start < 0 ? [] : command.args.slice(start);
    if (!verb || !tool.verbs.test(task(command, verb))) {
      report.mark("net");
      return report.find(ask("network.packages", `${command.name} ${verb?.text ?? ""} needs the network`));
    }
    report.effect("run");
    const end = rest.findIndex((word) => word.text === "--");
    for (let at = 0; at < (end < 0 ? rest.length : end); at++) {
      const word = rest[at];
      const next = rest[at + 1];
      if (!word) break;
      if (word.kind === "dynamic") report.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
      else if (/^-o$|^--?(?:out|output|target)-?dir$/.test(word.text) && next) {
        report.path(next, "write");
        at++;
      } else if (tool.values?.test(word.text)) at++;
      else if (word.text.startsWith("-") && !tool.flags.test(word.text))
        report.find(ask("shell.option-unknown", `${command.name} ${word.text} is not on the list of known options`));
      else if (tool.manyVerbs && !word.text.startsWith("-")) otherVerb(command, word, { tool, report });
      else if (!word.text.startsWith("-") && word.text.includes("/"))
        report.path({ ...word, text: word.text.replace(/\/?\.\.\.$/, "") || "." }, "read");
    }
    if (end >= 0) harnessFiles(rest.slice(end + 1), report);
  };
}

/** maven and gradle take their options before the tasks, too. */
const leads = (tool: BuildTool, { text }: PlainWord): boolean =>
  tool.manyVerbs === true && text.startsWith("-") && tool.flags.test(text);

/** gradle names a task of a part of the project `:web:test`; for maven what stands before a colon is a plugin. */
const task = ({ name }: SimpleCommand, { text }: PlainWord): string =>
  name === "gradle" ? text.replace(/^(?:[\w-]*:)+/, "") : text;

/** `gradle test publish`: each word is a task of its own. */
function otherVerb(
  command: SimpleCommand,
  word: PlainWord,
  { tool, report }: { tool: BuildTool; report: Report },
): void {
  if (tool.verbs.test(task(command, word))) return;
  report.mark("net");
  report.find(ask("network.packages", `${command.name} ${word.text} may need the network`));
}

/** What is passed on to a test harness: its log is a file that is written. */
function harnessFiles(words: readonly PlainWord[], report: Report): void {
  for (const [at, word] of words.entries()) {
    const attached = /^--logfile=(.*)$/s.exec(word.text)?.[1];
    const value = attached === undefined ? words[at + 1] : { ...word, tilde: false, text: attached };
    if (value && /^--logfile(?:=|$)/.test(word.text)) report.path(value, "write");
  }
}

const CHECKERS =
  "tsc vitest jest mocha ava tap eslint prettier biome oxlint stylelint pytest py.test unittest ruff mypy pyright pylint black flake8 isort tox nox phpunit rspec ninja rustfmt gofmt shellcheck hadolint markdownlint vite webpack rollup esbuild swc next astro knip rake rubocop yamllint shfmt golangci-lint clang-format clang-tidy".split(
    " ",
  );
const COMPILERS = "gcc g++ cc c++ clang clang++ javac rustc".split(" ");

/** Tools that `npx` may start although it was not told to stay local: without network it only finds installed ones. */
export const CHECKER_NAMES: ReadonlySet<string> = new Set(CHECKERS);

/** Options of cmake and ctest that stay in the project: where to build, what to build, how many at a time. */
function cmakeRule(flags: RegExp, places: RegExp): CommandRule {
  return (command, report) => {
    if (isVersion(command)) return;
    report.effect("run");
    for (let at = 0; at < command.args.length; at++) {
      const word = command.args[at];
      const next = command.args[at + 1];
      if (!word) break;
      if (word.kind === "dynamic") report.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
      else if (places.test(word.text) && next) {
        report.path(next, "write");
        at++;
      } else if (!word.text.startsWith("-")) operand(word, false, report);
      else if (!flags.test(word.text) || /^(?:un)?install$/.test(next?.text ?? ""))
        report.find(ask("shell.option-unknown", `${command.name} ${word.text} is not on the list of known options`));
    }
  };
}

export const checkers: Record<string, CommandRule> = {
  cmake: cmakeRule(
    /^(?:-j\d*|--parallel|-G|--target|-t|--config|-DCMAKE_BUILD_TYPE=\w+|--fresh|-Wno-dev)$/,
    /^(?:-B|-S|--build)$/,
  ),
  ctest: cmakeRule(/^(?:-j\d*|--output-on-failure|-R|-E|-V|--rerun-failed|-C)$/, /^--test-dir$/),
  ...Object.fromEntries(CHECKERS.map((name) => [name, checkerRule])),
  ...Object.fromEntries(COMPILERS.map((name) => [name, compilerRule])),
  java: (command, report) =>
    isVersion(command) ? undefined : report.find(ask("shell.opaque", "java runs whatever its class path holds")),
  cargo: buildRule({
    verbs: /^(?:test|t|build|b|check|c|run|r|clippy|fmt|doc|bench|clean|metadata|tree|nextest)$/,
    flags:
      /^(?:--offline|--locked|--frozen|--release|--workspace|--all|--lib|--bins|--tests|--examples|--all-targets|--all-features|--no-default-features|--no-run|--no-fail-fast|--quiet|-q|-v|--verbose|--check|--jobs=\d+|-j\d*|--message-format=\w+|--no-deps)$/,
    values: /^(?:-p|--package|--features|--bin|--test|--example|-j|--jobs|--target|--profile|--format-version)$/,
  }),
  go: buildRule({
    verbs: /^(?:test|build|vet|fmt|list|doc|version)$/,
    flags:
      /^-(?:v|race|benchmem|shuffle=\w+|short|cover|json|x|n|failfast|count=\d+|run=.*|bench=.*|timeout=\w+|tags=[\w,]+|mod=(?:readonly|vendor)|parallel=\d+|coverprofile=[\w.]+|m)$/,
    values: /^-(?:f|run|bench|count|timeout|tags|parallel)$/,
  }),
  mvn: buildRule({
    verbs: /^(?:test|compile|package|verify|clean)$/,
    manyVerbs: true,
    flags: /^(?:-o|--offline|-q|-B|-DskipTests|-Dtest=[\w#*,]+)$/,
  }),
  gradle: buildRule({
    verbs: /^(?:test|build|check|clean|assemble)$/,
    manyVerbs: true,
    flags: /^(?:--offline|-q|--info|--stacktrace|--no-daemon|--tests=[\w.*]+)$/,
    values: /^(?:--tests|-x)$/,
  }),
  dotnet: buildRule({
    verbs: /^(?:test|build|run|clean)$/,
    flags: /^(?:--no-restore|--no-build|-v=\w+|--verbosity=\w+)$/,
    values: /^(?:-c|--configuration|--filter)$/,
  }),
};
