/** Commands that only read: their options and what their operands are. */
import { globMatcher } from "../../../base/glob.ts";
import { isSecretPath } from "../../../base/secret-names.ts";
import { optionTable, readArguments } from "../options.ts";
import { ask, type CommandRule, type Report } from "../types.ts";
import type { PlainWord } from "../words.ts";

type Operands = "read" | "text" | "none" | "pattern" | "one-read";

/**
 * A rule from its table. `pattern`: the first operand is text unless an option gave the pattern.
 * `one-read`: only the first operand is read; a second one would be written (uniq).
 */
export function readRule(notation: string, operands: Operands, recursive = false): CommandRule {
  const table = optionTable(notation);
  return (command, report) => {
    const { operands: words, options, unknown } = readArguments(command.args, table);
    if (unknown)
      report.find(ask("shell.option-unknown", `${command.name} ${unknown} is not on the list of known options`));
    for (const option of options) {
      if (option.value?.kind === "dynamic")
        report.find(ask("shell.dynamic", `${option.value.text} is only known when it runs`));
      if (option.value && option.use === "read") report.path(option.value, "read");
      if (option.value && option.use === "write") {
        report.effect("write");
        report.path(option.value, "write");
      }
    }
    const given = options.some((option) => /^(?:-e|-f|--files|--regexp|--file)$/.test(option.name));
    for (const option of options) {
      if (/^(?:--include|-g|--glob|--iglob)$/.test(option.name) && option.value && namesSecret(option.value.text)) {
        report.find(ask("secret.file", `${option.value.text} names files that hold secrets`, "high"));
      }
    }
    const rest = operands === "pattern" && !given ? words.slice(1) : words;
    for (const word of operands === "pattern" && !given ? words.slice(0, 1) : []) {
      if (word.kind === "dynamic") report.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
      // Unquoted, the shell puts file names in its place: the first is the pattern, the others are read.
      if (word.kind === "glob") report.path(word, "read");
    }
    if (operands === "none" && rest.length > 0)
      report.find(ask("shell.operand-unknown", `${command.name} takes no operands here`));
    for (const [index, word] of rest.entries()) {
      if (word.kind === "dynamic") {
        report.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
        if (word.variables.length > 0) report.mark("secret");
      } else if (operands === "one-read" && index > 0) {
        report.effect("write");
        report.path(word, "write");
      } else if (operands === "read" || operands === "pattern" || operands === "one-read") {
        if (word.text !== "-") report.path(word, "read", { recursive });
      } else namesFiles(word, report);
    }
  };
}

const GREP =
  "abcEFGHhiILlnoPqrRsTUvwxyzZ e: f< m: A: B: C: -# --color= --colour= --include: --exclude: --exclude-dir: --count --ignore-case --files-with-matches --files-without-match --line-number --recursive --only-matching --invert-match --word-regexp --fixed-strings --extended-regexp --perl-regexp --no-filename --with-filename --max-count: --after-context: --before-context: --context: --quiet --silent --null --text --no-messages --binary-files: --regexp:";
const RG =
  "0abcFhHiIlLnNopPqsSuUvwx e: f< g: t: T: m: A: B: C: r: j: M: d: --color: --glob: --iglob: --type: --type-not: --type-list --type-add: --count --count-matches --files --files-with-matches --files-without-match --hidden --no-ignore --no-ignore-vcs --ignore-case --smart-case --fixed-strings --line-number --no-line-number --no-heading --heading --json --max-count: --max-depth: --max-columns: --multiline --pcre2 --only-matching --invert-match --word-regexp --sort: --sortr: --stats --trim --vimgrep --context: --after-context: --before-context: --replace: --null --no-filename --with-filename --regexp: --text --passthru --column";
const SUM = "bctwz --check --tag --quiet --status";

export const readCommands: Record<string, CommandRule> = {
  ls: readRule(
    "aAbBcCdfFgGhHiklLmnNopqQrRsStuUvxXZ1 w: I: T: --color= --all --almost-all --human-readable --recursive --reverse --sort: --time: --time-style: --group-directories-first --full-time --size --inode --classify --directory --ignore:",
    "read",
  ),
  dir: readRule("aAlhR", "read"),
  cat: readRule("AbeEnstTuv --number --show-all --squeeze-blank --show-ends --number-nonblank", "read"),
  head: readRule("qvz n: c: -# --lines: --bytes: --quiet --silent --verbose", "read"),
  tail: readRule("qvzfF n: c: s: -# --lines: --bytes: --quiet --follow= --retry --pid: --verbose", "read"),
  wc: readRule("clLmw --lines --words --chars --bytes --max-line-length", "read"),
  nl: readRule("p b: d: f: h: i: l: n: s: v: w:", "read"),
  tac: readRule("br s:", "read"),
  rev: readRule("", "read"),
  fold: readRule("bs w:", "read"),
  expand: readRule("i t:", "read"),
  fmt: readRule("cstu w:", "read"),
  cut: readRule(
    "nsz b: c: d: f: --delimiter: --fields: --characters: --complement --output-delimiter: --only-delimited",
    "read",
  ),
  paste: readRule("sz d: --delimiters: --serial", "read"),
  column: readRule("tenxJ s: o: c: N: --table --separator: --output-separator: --json --table-columns:", "read"),
  comm: readRule("123z --check-order --nocheck-order --total", "read"),
  cmp: readRule("bls i: n: --silent --quiet --verbose", "read"),
  diff: readRule(
    "abBcdeEilNpqrsTtuwyZ U: C: W: x: I: -# --color= --brief --unified= --recursive --ignore-all-space --ignore-blank-lines --ignore-case --side-by-side --text --new-file --stat --suppress-common-lines --strip-trailing-cr --exclude: --label: --minimal",
    "read",
  ),
  file: readRule("bhiLNprz --brief --mime --mime-type --mime-encoding --dereference", "read"),
  stat: readRule("fLt c: --format: --printf: --terse --file-system --dereference", "read"),
  du: readRule(
    "abcDhHkLlmSsx0 d: B: t: --max-depth: --human-readable --summarize --total --all --bytes --apparent-size --exclude: --block-size:",
    "read",
  ),
  df: readRule("ahHiklmPT t: --human-readable --total --output=", "read"),
  tree: readRule(
    "acCdDfFghilnNpqrRsStuvxAQJX L: I: P: --dirsfirst --gitignore --noreport --prune --filelimit: --du --sort: --matchdirs --ignore-case",
    "read",
  ),
  sha256sum: readRule(SUM, "read"),
  sha1sum: readRule(SUM, "read"),
  sha512sum: readRule(SUM, "read"),
  md5sum: readRule(SUM, "read"),
  b2sum: readRule(SUM, "read"),
  cksum: readRule("a:", "read"),
  join: readRule("ijz 1: 2: a: e: o: t: v: --header --nocheck-order", "read"),
  shuf: readRule("eirz n: o> --head-count: --output>", "read"),
  iconv: readRule("cls f: t: o> --from-code: --to-code: --output> --list", "read"),
  numfmt: readRule("d: --to: --from: --field: --suffix: --padding: --header=", "text"),
  factor: readRule("", "text"),
  tsort: readRule("", "read"),
  bzcat: readRule("", "read"),
  xzcat: readRule("", "read"),
  zstdcat: readRule("", "read"),
  od: readRule("abcdfhilosxvDOX A: j: N: t: w= --format: --address-radix: --read-bytes: --skip-bytes:", "read"),
  xxd: readRule("abeEiu c: g: l: o: s: p", "one-read"),
  hexdump: readRule("bcCdovx e: n: s:", "read"),
  strings: readRule("afo n: t: e: -#", "read"),
  base64: readRule("di w: --decode --wrap: --ignore-garbage", "read"),
  realpath: readRule(
    "eEmLPqsz --relative-to: --relative-base: --canonicalize-existing --canonicalize-missing --no-symlinks --strip",
    "read",
  ),
  readlink: readRule("efmnqsvz --canonicalize", "read"),
  basename: readRule("az s: --suffix: --multiple", "text"),
  dirname: readRule("z", "text"),
  sort: readRule(
    "bcCdfgGhiMmnrRsuVz k: t: S: o> T> --key: --field-separator: --output> --numeric-sort --reverse --unique --version-sort --human-numeric-sort --parallel: --stable --check= --general-numeric-sort --ignore-case --zero-terminated",
    "read",
  ),
  uniq: readRule("cdDiuz f: s: w: --count --repeated --unique --ignore-case --all-repeated=", "one-read"),
  tr: readRule("cCdst --complement --delete --squeeze-repeats --truncate-set1", "text"),
  grep: readRule(GREP, "pattern"),
  egrep: readRule(GREP, "pattern"),
  fgrep: readRule(GREP, "pattern"),
  rg: readRule(RG, "pattern"),
  jq: jqRule(
    readRule(
      "acCeMnrRsSj --arg: --argjson: --slurp --raw-output --raw-input --compact-output --null-input --sort-keys --exit-status --tab --indent: --color-output --monochrome-output --join-output",
      "pattern",
    ),
  ),
  yq: yqRule(
    readRule(
      "ernN o: p: I: --output-format: --input-format: --no-colors --exit-status --null-input --unwrapScalar",
      "pattern",
    ),
  ),
  fd: readRule(
    "HIsiagpl0 e: t: d: E: --hidden --no-ignore --case-sensitive --ignore-case --absolute-path --full-path --extension: --type: --max-depth: --min-depth: --exclude: --glob --print0 --fixed-strings",
    "pattern",
    true,
  ),
  bat: readRule(
    "Anp l: r: --plain --number --show-all --language: --line-range: --color: --style: --decorations: --no-pager",
    "read",
  ),
  less: pagerRule(readRule("FNRSX", "read")),
  more: pagerRule(readRule("", "read")),
  yes: readRule("", "text"),
  bc: readRule("lq", "read"),
  zcat: readRule("fqv", "read"),
  echo: echoRule,
  printf: echoRule,
  true: readRule("", "text"),
  false: readRule("", "text"),
  ":": readRule("", "text"),
  pwd: readRule("LP", "none"),
  date: dateRule(readRule("uIR d: -I= --iso-8601= --utc --date: --rfc-3339: --universal --rfc-email", "text")),
  uname: readRule("asnrvmpio --all --kernel-name", "none"),
  whoami: readRule("", "none"),
  id: readRule("ugnGrz", "text"),
  groups: readRule("", "text"),
  hostname: readRule("sfid", "none"),
  arch: readRule("", "none"),
  lscpu: readRule("ae J p= --json", "none"),
  pgrep: readRule("acflnovx u: P: --full --list-name --list-full --newest --oldest", "text"),
  jobs: readRule("lprs", "text"),
  clear: readRule("x", "none"),
  tput: readRule("", "text"),
  uuidgen: readRule("rt --random --time", "none"),
  cal: readRule("13jmy", "text"),
  nproc: readRule("--all --ignore:", "none"),
  free: readRule("bkmghtlw --human --mega --giga s: c:", "none"),
  uptime: readRule("ps --pretty --since", "none"),
  locale: readRule("amck", "text"),
  tty: readRule("s", "none"),
  which: readRule("as", "text"),
  type: readRule("afptP", "text"),
  sleep: readRule("", "text"),
  seq: readRule("w f: s:", "text"),
  expr: readRule("", "text"),
  ps: psRule(readRule("aAefFjlLTwx o: O: C: p: u: U: --sort: --forest", "text")),
  set: setRule,
  test: testRule,
  "[": testRule,
  wait: readRule("nf", "text"),
  exit: readRule("", "text"),
  return: readRule("", "text"),
  break: readRule("", "text"),
  continue: readRule("", "text"),
};

/** The shell puts the names it finds in the place of a pattern: they are shown, wherever they lie. */
function namesFiles(word: PlainWord, report: Report): void {
  if (word.kind === "glob") report.path(word, "enter");
}

/** True for a file pattern that only a secret file would meet. */
function namesSecret(pattern: string): boolean {
  if (pattern.startsWith("!") || /^[*/]*$/.test(pattern)) return false;
  return (
    isSecretPath(pattern.replace(/[*?[\]{}]/g, "")) ||
    /(?:^|[/{,])\.(?!\w*(?:js|ts|json|md|css|html|ya?ml)\b)/.test(pattern) ||
    (/[*?[]/.test(pattern) && SECRET_NAMES.some(matcher(pattern)))
  );
}

const SECRET_NAMES = ".env .env.local .netrc .npmrc .git-credentials id_rsa id_ed25519 server.key key.pem".split(" ");

/** A pattern that cannot be read may meet anything. */
function matcher(pattern: string): (name: string) => boolean {
  try {
    return globMatcher(pattern);
  } catch {
    return () => true;
  }
}

/** Values that tell nothing: where programs, the home and the folder are. */
const HARMLESS_VARIABLES = new Set([
  "PATH",
  "HOME",
  "PWD",
  "OLDPWD",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "TERM",
  "HOSTNAME",
  "SHLVL",
  "TMPDIR",
  "CI",
  "NODE_ENV",
]);

/** A pager's `+command` can start programs. */
function pagerRule(base: CommandRule): CommandRule {
  return (command, report) => {
    if (command.args.some((word) => word.text.startsWith("+")))
      report.find(ask("shell.opaque", `${command.name} +… gives the pager commands`));
    base(command, report);
  };
}

/** `set` with nothing but flags for the rest of this command; without words it prints every variable. */
function setRule(command: Parameters<CommandRule>[0], report: Parameters<CommandRule>[1]): void {
  const words = command.args.map((word) => word.text);
  const flags =
    words.length > 0 &&
    words.every((word, at) => /^[-+][eux]*o?$/.test(word) || (words[at - 1]?.endsWith("o") && word === "pipefail"));
  if (!flags) report.find(ask("shell.opaque", "set changes what later commands do, or prints every variable"));
}

/** `echo` and `printf` print words: only what the words expand to matters. `printf -v` sets a variable. */
function echoRule(command: Parameters<CommandRule>[0], report: Parameters<CommandRule>[1]): void {
  if (command.name === "printf" && command.args[0]?.text.startsWith("-v")) {
    report.find(ask("shell.assignment", "printf -v sets a variable"));
  }
  for (const word of command.args) {
    namesFiles(word, report);
    if (word.kind !== "dynamic") continue;
    const plain =
      word.text.length < 512 &&
      !/[`(]/.test(word.text) &&
      (word.text.match(/\$/g) ?? []).length === word.variables.length &&
      !/\$\{[^}]*[^\w}]/.test(word.text);
    if (plain && word.variables.length > 0 && word.variables.every((name) => HARMLESS_VARIABLES.has(name))) continue;
    report.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
    if (word.variables.length > 0) report.mark("secret");
  }
}

/** `test` reads file facts; `-v a[$(x)]` would evaluate an index. */
function testRule(command: Parameters<CommandRule>[0], report: Parameters<CommandRule>[1]): void {
  for (const word of command.args) {
    if (word.kind === "dynamic") report.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
    if (/^(?:\/|~|\.\.)/.test(word.text) && word.kind !== "dynamic") report.path(word, "read");
    if (word.text === "-v" || word.text === "-R")
      report.find(ask("shell.arithmetic", "test -v evaluates array indexes"));
  }
}

/** An operand that is no format sets the clock. */
function dateRule(base: CommandRule): CommandRule {
  return (command, report) => {
    base(command, report);
    if (
      command.args.some(
        (word, at) => /^\d/.test(word.text) && !/^(?:-d|--date)$/.test(command.args[at - 1]?.text ?? ""),
      )
    )
      report.find(ask("privilege.clock", "this sets the clock"));
  };
}

/** Among the letters without a dash, `e` shows the environment of every process. */
function psRule(base: CommandRule): CommandRule {
  return (command, report) => {
    base(command, report);
    const columns = command.args.some((word) => /env/i.test(word.text));
    if (
      columns ||
      command.args.some((word, at) => /^[a-z]*e[a-z]*$/i.test(word.text) && !command.args[at - 1]?.text.startsWith("-"))
    )
      report.find(ask("secret.environment", "ps e shows the environment of processes"));
  };
}

/** A yq program can read the environment and other files, and `-i` is no option of the list: it writes. */
function yqRule(base: CommandRule): CommandRule {
  return (command, report) => {
    base(command, report);
    if (
      command.args.some((word) =>
        /\b(?:env|envsubst|strenv|(?:str)?load\w*|input_filename|eval)\b|\$ENV/.test(word.text),
      )
    )
      report.find(ask("shell.yq-environment", "this yq program can read the environment or other files"));
  };
}

/** A jq program can print the environment. */
function jqRule(base: CommandRule): CommandRule {
  return (command, report) => {
    base(command, report);
    if (command.args.some((word) => /(?<![.\w$])(?:env|input_filename|import|include)\b|\$ENV/.test(word.text))) {
      report.find(ask("shell.jq-environment", "this jq program can read the environment or other files"));
    }
  };
}
