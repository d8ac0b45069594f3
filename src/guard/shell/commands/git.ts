/** git by subcommand: reads, local recoverable changes, work-losing ones, network, and its ways to run other programs. */
import { type OptionTable, optionTable, readArguments } from "../options.ts";
import { ask, type CommandRule, deny, type Report, type SimpleCommand } from "../types.ts";
import type { PlainWord } from "../words.ts";

const READ = new Set(
  "status log diff show blame annotate rev-parse ls-files ls-tree cat-file describe shortlog rev-list name-rev merge-base count-objects check-ignore check-attr for-each-ref show-ref whatchanged diff-tree diff-index diff-files range-diff cherry version help fsck show-branch".split(
    " ",
  ),
);
const NETWORK = new Set("clone fetch pull push ls-remote send-email request-pull svn p4 submodule".split(" "));
/** Options of readers that write a file, start a program or read elsewhere; git takes any unique prefix of them. */
const DANGEROUS =
  "--output --open-files-in-pager --ext-diff --textconv --exec --upload-pack --receive-pack --template --separate-git-dir --paginate --contents --filters --no-index --show-signature --recurse-submodules --pathspec-from-file --lost-found --exclude-from --exclude-per-directory --ignore-revs-file --git-dir --work-tree --stdin --batch --batch-check --batch-command --batch-all-objects --orderfile".split(
    " ",
  );

/** What recoverable changes may be given; every other option is asked about. `<` marks a file that is read. */
const CHANGES: Readonly<Record<string, OptionTable>> = {
  add: optionTable("AuvNn --all --update --verbose --dry-run --intent-to-add --no-all"),
  commit: optionTable(
    "aqvs m: F< --all --message: --quiet --verbose --signoff --allow-empty --allow-empty-message --no-edit --file<",
  ),
  mv: optionTable("kvn --verbose --dry-run"),
  stash: optionTable("ukq m: --include-untracked --keep-index --quiet --message: --index --staged"),
  tag: optionTable("a m: --annotate --message: --sort: --format: --contains= --merged= --points-at="),
  branch: optionTable("mq u: --move --quiet --show-current --set-upstream-to: --track"),
  checkout: optionTable("bq --quiet --track --no-track"),
  switch: optionTable("cqd --create --quiet --detach --no-guess --track --no-track"),
  apply: optionTable(
    "Rv p: --check --stat --numstat --summary --index --cached --3way --reverse --verbose --recount --whitespace:",
  ),
  grep: optionTable(
    "abcEFGhHiIlLnoPpqrsvwWz e: A: B: C: m: --cached --untracked --no-color --color= --line-number --column --name-only --files-with-matches --count --ignore-case --word-regexp --extended-regexp --fixed-strings --perl-regexp --all-match --and --or --not --break --heading --show-function --function-context --max-depth: --quiet --null",
  ),
  rm: optionTable("rqn --cached --quiet --dry-run --ignore-unmatch"),
  init: optionTable("q b: --quiet --initial-branch: --bare"),
};

/** Options that are whole as they stand, although they begin a dangerous one. */
const WHOLE = new Set(["--exclude", "--text"]);
/** What makes `git branch` a list. */
const LISTS =
  /^(?:-[avrl]+|--list|--all|--show-current|--remotes|--contains|--no-contains|--merged|--no-merged|--points-at|--sort=[\w-]+|--format=[^%]*(?:%\([\w:]+\)[^%]*)*)$/;

/** Placeholders for which git starts gpg. */
const SIGNATURE = /%G|%\(\*?signature/;
/** Changes that open an editor unless their text is given. */
const EDITS: Readonly<Record<string, { readonly when: RegExp; readonly unless: RegExp }>> = {
  commit: { when: /^/, unless: /^(?:-\w*[mF]|--m|--file|--no-edit$|--dry-run$)/ },
  tag: { when: /^(?:-\w*a|--a)/, unless: /^(?:-\w*[mF]|--m|--file)/ },
};

export const gitRule: CommandRule = (command, report) => {
  const [verbWord, ...args] = globalOptions(command, report);
  if (!verbWord)
    return command.fed ? report.find(ask("shell.fed", "git gets its command from another one")) : undefined;
  if (verbWord.kind !== "literal")
    return report.find(ask("shell.dynamic", `git ${verbWord.text} is only known when it runs`));
  const verb = verbWord.text;
  for (const word of args)
    if (word.kind === "dynamic") report.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
  if (verb === "remote") return remote(args, report);
  if (verb === "config") return config(args, report);
  if (verb === "clean") return clean(args, report);
  if (verb === "reflog" && !has(args, /^(?:expire|delete|drop|write)$/)) return read(verb, args, report);
  if (verb === "worktree") return worktree(args, report);
  if ((verb === "help" && args.length > 0) || args.some((word) => word.text === "--help"))
    return report.find(ask("git.option", "git help of a command starts a viewer"));
  if (has(args, SIGNATURE)) report.find(ask("git.option", "this format checks signatures with another program"));
  const edits = EDITS[verb];
  if (edits && has([verbWord, ...args], edits.when) && !has(args, edits.unless))
    report.find(ask("git.editor", `git ${verb} without a text starts an editor`));
  if (READ.has(verb) || listsOnly(verb, args)) return read(verb, args, report);
  if (NETWORK.has(verb)) return network(verb, args, report);
  const table = CHANGES[verb];
  if (table) return change(verb, table, { args, report });
  report.effect("write");
  if (verb === "credential") report.mark("secret");
  losing(report, `git ${verb}`);
};

/** Reads git's own options before the subcommand; reports every one that redirects git. */
function globalOptions(command: SimpleCommand, report: Report): readonly PlainWord[] {
  const words = [...command.args];
  for (;;) {
    const word = words[0];
    if (!word?.text.startsWith("-")) return words;
    words.shift();
    if (/^(?:--no-pager|--version|--no-optional-locks|--literal-pathspecs|-P)$/.test(word.text)) continue;
    if (word.text === "-C") {
      const folder = words.shift();
      if (folder) report.path(folder, "enter");
      report.find(ask("git.folder", "git -C reads every path from another folder"));
      continue;
    }
    report.find(ask("git.option", `git ${word.text} changes which repository or programs git uses`, "high"));
    if (/^(?:-c|--git-dir|--work-tree|--exec-path|--namespace|--config-env)$/.test(word.text)) {
      const value = words.shift();
      if (value && word.text !== "-c") report.path(value, "read");
      if (value && word.text === "-c") tamperKey(value.text, report);
    }
  }
}

function tamperKey(text: string, report: Report): void {
  const key = text.split("=")[0]?.toLowerCase() ?? "";
  const runs =
    /^(?:core\.(?:fsmonitor|pager|sshcommand|editor|hookspath|askpass|gitproxy|alternaterefscommand|worktree)|alias\.|include|includeif|credential\.|init\.templatedir|diff\.|filter\.|merge\.|gpg\.|pager\.|sequence\.editor|uploadpack\.|protocol\.|url\.|difftool|mergetool|browser|man\.|remote\..*\.(?:uploadpack|receivepack|vcs)|submodule\..*\.update|safe\.directory|interactive\.difffilter)/;
  if (runs.test(key))
    report.find(deny("tamper.git-config", `git ${key} makes git run other programs or read other settings`));
}

const has = (args: readonly PlainWord[], pattern: RegExp): boolean => args.some((word) => pattern.test(word.text));
const losing = (report: Report, what: string): void =>
  report.find(ask("git.work-losing", `${what} can lose work`, "high"));

/** `git branch -a`, `git tag -l v*`, `git stash list`. */
function listsOnly(verb: string, args: readonly PlainWord[]): boolean {
  if (verb === "stash") return /^(?:list|show)$/.test(args[0]?.text ?? "");
  if (verb === "branch")
    return (
      args.length === 0 || (has(args, LISTS) && args.every(({ text }) => !text.startsWith("-") || LISTS.test(text)))
    );
  return verb === "tag" && (args.length === 0 || /^(?:-l|--list|-n\d*)$/.test(args[0]?.text ?? ""));
}

function read(verb: string, args: readonly PlainWord[], report: Report): void {
  const end = args.findIndex((word) => word.text === "--");
  for (const [index, word] of args.slice(0, end < 0 ? undefined : end).entries()) {
    const option = dangerousOption(word.text);
    if (option === "--output") {
      report.effect("write");
      const value = word.text.includes("=")
        ? { ...word, text: word.text.slice(word.text.indexOf("=") + 1) }
        : args[index + 1];
      if (value) report.path(value, "write");
    } else if (option)
      report.find(ask("git.option", `git ${verb} ${word.text} can run programs or read elsewhere`, "high"));
    if (/^-[XO]./.test(word.text)) report.find(ask("git.option", `git ${verb} ${word.text} reads a file of patterns`));
    const named = word.text.startsWith("-")
      ? word.text.slice(Math.max(word.text.lastIndexOf(":"), word.text.lastIndexOf("=")) + 1)
      : "";
    if (named !== "" && named !== word.text && /[/.]/.test(named))
      report.path({ ...word, text: named, tilde: false }, "read");
  }
  operands(args, report);
}

/** git completes any unique beginning of a long option. */
function dangerousOption(text: string): string | undefined {
  if (!text.startsWith("--") || text.length < 3) return undefined;
  const name = text.split("=")[0] ?? text;
  return WHOLE.has(name) ? undefined : DANGEROUS.find((option) => option.startsWith(name));
}

/** Paths, `revision:path` and pathspecs: none may be a secret file or lie outside. Ranges are no paths. */
function operands(args: readonly PlainWord[], report: Report): void {
  for (const [at, word] of args.entries()) {
    const lines = args[at - 1]?.text === "-L" && word.text.startsWith("/");
    if (lines || word.kind === "dynamic" || word.text.startsWith("-")) continue;
    // `:(top)x`, `:!x` and `revision:x` name x; git reads wildcards of its own, whatever the shell does.
    const path = word.text.slice(word.text.lastIndexOf(":") + 1).replace(/^(?:\([^)]*\)|[!^])/, "");
    const plain = path.length < 512 && !/[^\w./@{}^~-]/.test(path);
    const range = plain && path.includes("..") && !/(?:^|\/)\.\.(?:\/|$)/.test(path);
    if (path === "" || range) continue;
    const kind = /[*?[]/.test(path) ? "glob" : word.kind;
    report.path({ ...word, kind, text: path, tilde: word.tilde === true && path === word.text }, "read");
  }
}

/** A change that git can take back, with the options of its table only. */
function change(
  verb: string,
  table: OptionTable,
  { args, report }: { args: readonly PlainWord[]; report: Report },
): void {
  const taken = readArguments(args, table);
  const options = taken.options.map((option) => option.name);
  if (verb !== "grep") report.effect("write");
  if (taken.unknown) losing(report, `git ${verb} ${taken.unknown}`);
  for (const { use, value } of taken.options) if (value && use === "read") report.path(value, "read");
  const [first] = taken.operands;
  if (verb === "checkout" && !options.includes("-b")) losing(report, "git checkout of another state or of files");
  if (verb === "rm" && !options.includes("--cached")) losing(report, "git rm");
  if (verb === "stash" && first && !/^(?:push|save|pop|apply|list|show)$/.test(first.text))
    losing(report, `git stash ${first.text}`);
  if (verb === "init") for (const word of taken.operands) report.path(word, "write");
  if (verb === "mv") {
    for (const word of taken.operands.slice(0, -1)) {
      report.path(word, "read");
      report.path(word, "delete");
    }
    const target = taken.operands.at(-1);
    if (target) report.path(target, "write");
    return;
  }
  operands(verb === "grep" && !options.includes("-e") ? taken.operands.slice(1) : taken.operands, report);
}

function clean(args: readonly PlainWord[], report: Report): void {
  const { options, unknown } = readArguments(args, optionTable("ndxXq e: --dry-run --quiet --exclude:"));
  const dry =
    !unknown && options.some((option) => option.name === "-n" || option.name === "--dry-run") && !has(args, /^--$/);
  if (!dry) report.find(deny("destructive.git-clean", "git clean removes files that git cannot bring back"));
}

function worktree(args: readonly PlainWord[], report: Report): void {
  const [verb, ...rest] = args;
  if (verb?.text === "list") return;
  if (verb?.text !== "add") return losing(report, `git worktree ${verb?.text ?? ""}`);
  report.effect("write");
  const { operands: words, unknown } = readArguments(rest, optionTable("b: d --detach --quiet --no-checkout --track"));
  if (unknown) losing(report, `git worktree add ${unknown}`);
  if (words[0]) report.path(words[0], "write");
}

function remote(args: readonly PlainWord[], report: Report): void {
  const [verb] = args;
  if (
    args.length === 0 ||
    (args.length === 1 && /^(?:-v|--verbose|show)$/.test(verb?.text ?? "")) ||
    verb?.text === "get-url"
  )
    return;
  report.effect("write");
  report.mark("net");
  report.find(ask("git.remote", "changing remotes changes where work is sent", "high"));
}

function config(args: readonly PlainWord[], report: Report): void {
  const reads = has(args, /^(?:--get|--get-all|--get-regexp|--list|-l|get|list|--show-origin|--show-scope)$/);
  if (reads) return report.find(ask("git.config-read", "git settings may hold credentials"));
  for (const word of args.filter((entry) => !entry.text.startsWith("-"))) tamperKey(word.text, report);
  if (has(args, /^(?:--global|--system|-f|--file|--edit|-e)/))
    return report.find(deny("tamper.git-config", "this changes git settings outside the repository's own"));
  report.find(ask("git.config", "git settings change what later git commands do", "high"));
}

function network(verb: string, args: readonly PlainWord[], report: Report): void {
  report.mark(verb === "push" ? "net-upload" : "net");
  if (has(args, /^--t(?:e|$)/)) report.find(deny("tamper.git-template", "a git template installs hooks"));
  if (has(args, /^ext::/)) report.find(deny("remote-code.git-ext", "ext:: remotes run programs"));
  if (verb === "clone") report.mark("clone");
  if (verb === "clone") cloned(args, report);
  if (verb === "push") {
    if (has(args, /^(?:-[a-z]{0,8}f|--f|--mi|--pru)/) || args.some((word) => /^\+/.test(word.text)))
      return report.find(deny("destructive.force-push", "a forced push overwrites the remote's history"));
    if (args.some((word) => /^(?:https?|git|ssh):\/\/|@.*:/.test(word.text)))
      return report.find(
        deny("exfiltration.git-push", "pushing to an address that is not a configured remote sends the workspace away"),
      );
  }
  report.find(ask("network.git", `git ${verb} needs the network`));
}

/** The folder that a clone makes: as named, or as the address ends. */
function cloned(args: readonly PlainWord[], report: Report): void {
  const { operands: words, options, unknown } = readArguments(args, CLONE);
  if (unknown !== undefined) report.find(ask("git.option", `git clone ${unknown} is not on the list of known options`));
  const [address, folder] = words;
  for (const { use, value } of options) if (value && use === "write") report.path(value, "write");
  if (folder) return report.path(folder, "write");
  const name = /([^/:]+?)(?:\.git)?\/*$/.exec(address?.text ?? "")?.[1];
  if (address && name !== undefined) report.path({ ...address, text: name, kind: "literal", tilde: false }, "write");
}

const CLONE = optionTable(
  "qvnl46 b: o: j: --quiet --verbose --progress --no-checkout --bare --mirror --no-tags --single-branch --no-single-branch --shallow-submodules --branch: --origin: --depth: --shallow-since: --jobs: --filter: --no-hardlinks --ipv4 --ipv6 --sparse --separate-git-dir>",
);
