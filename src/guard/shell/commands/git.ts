/** git by subcommand: reads, local recoverable changes, work-losing ones, network, and its ways to run other programs. */
import { ask, type CommandRule, deny, type Report, type SimpleCommand } from "../types.ts";
import type { PlainWord } from "../words.ts";

const READ = new Set([
  "status",
  "log",
  "diff",
  "show",
  "blame",
  "annotate",
  "rev-parse",
  "ls-files",
  "ls-tree",
  "cat-file",
  "describe",
  "shortlog",
  "rev-list",
  "name-rev",
  "merge-base",
  "grep",
  "count-objects",
  "check-ignore",
  "check-attr",
  "for-each-ref",
  "show-ref",
  "whatchanged",
  "diff-tree",
  "diff-index",
  "diff-files",
  "range-diff",
  "cherry",
  "var",
  "version",
  "help",
  "symbolic-ref",
  "fsck",
  "verify-commit",
  "show-branch",
]);
const WRITE = new Set([
  "add",
  "commit",
  "mv",
  "apply",
  "stash",
  "tag",
  "branch",
  "checkout",
  "switch",
  "rm",
  "merge",
  "cherry-pick",
  "revert",
  "init",
  "worktree",
  "rebase",
  "am",
  "format-patch",
]);
const NETWORK = new Set([
  "clone",
  "fetch",
  "pull",
  "push",
  "ls-remote",
  "remote-update",
  "archive-remote",
  "send-email",
  "request-pull",
  "svn",
  "p4",
]);
/** Options that write a file, start a program or point git at another repository; git takes any unique prefix of them. */
const DANGEROUS = [
  "--output",
  "--open-files-in-pager",
  "--ext-diff",
  "--textconv",
  "--exec",
  "--upload-pack",
  "--receive-pack",
  "--template",
  "--separate-git-dir",
  "--paginate",
  "--contents",
  "--filters",
  "--edit",
  "--interactive",
  "--patch",
  "--no-index",
  "--show-signature",
  "--recurse-submodules",
  "--edit-description",
];

/** Reads git's own options before the subcommand; reports every one that redirects git. */
function globalOptions(command: SimpleCommand, report: Report): readonly PlainWord[] {
  const words = [...command.args];
  for (;;) {
    const word = words[0];
    if (!word?.text.startsWith("-")) return words;
    words.shift();
    if (/^(?:--no-pager|--version|--help|--no-optional-locks|--literal-pathspecs|-P)$/.test(word.text)) continue;
    if (word.text === "-C") {
      const folder = words.shift();
      if (folder) report.path(folder, "enter");
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

const dangerousOption = (text: string): string | undefined => {
  if (!text.startsWith("--") || text.length < 4) return undefined;
  const name = text.split("=")[0] ?? text;
  return DANGEROUS.find((option) => option.startsWith(name) || option === name);
};

function checkOptions(verb: string, args: readonly PlainWord[], report: Report): void {
  for (const [index, word] of args.entries()) {
    if (word.kind === "dynamic") report.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
    if (word.text === "--") break;
    const option = dangerousOption(word.text);
    if (option === "--output") {
      report.effect("write");
      const value = word.text.includes("=")
        ? { ...word, text: word.text.slice(word.text.indexOf("=") + 1) }
        : args[index + 1];
      if (value) report.path(value, "write");
    } else if (option === "--patch" && READ.has(verb)) continue;
    else if (option)
      report.find(ask("git.option", `git ${verb} ${word.text} can run programs or act elsewhere`, "high"));
    if (verb === "grep" && word.text.startsWith("-O"))
      report.find(ask("git.option", "git grep -O starts a pager", "high"));
    if (/^-[ip]$/.test(word.text) && !READ.has(verb))
      report.find(ask("git.interactive", `git ${verb} ${word.text} waits for answers`));
  }
}

/** Paths and revisions that name a secret file: `git show HEAD:.env`. */
function checkOperands(verb: string, args: readonly PlainWord[], report: Report): void {
  for (const word of args) {
    if (word.kind === "dynamic" || word.text.startsWith("-")) continue;
    const colon = word.text.indexOf(":");
    const path = colon > 0 && (verb === "show" || verb === "cat-file") ? word.text.slice(colon + 1) : word.text;
    if (
      path !== "" &&
      (verb === "add" ||
        verb === "show" ||
        verb === "diff" ||
        verb === "blame" ||
        verb === "cat-file" ||
        path.includes(".."))
    ) {
      if (!/^[\w./@{}^~-]*\.\.\.?[\w./@{}^~-]*$/.test(path) || path.startsWith("../") || path === "..")
        report.path({ ...word, text: path }, "read");
    }
  }
}

const has = (args: readonly PlainWord[], pattern: RegExp): boolean => args.some((word) => pattern.test(word.text));
const losing = (report: Report, what: string): void =>
  report.find(ask("git.work-losing", `${what} can lose work`, "high"));

/** Local changes: recoverable ones run, work-losing ones ask. */
function checkWrite(verb: string, args: readonly PlainWord[], report: Report): void {
  report.effect("write");
  const short = (letter: string) => has(args, new RegExp(`^-[a-zA-Z]*${letter}[a-zA-Z]*$`));
  if (verb === "commit" && has(args, /^--amend|^--no-verify/)) losing(report, "git commit --amend");
  else if (
    verb === "branch" &&
    (short("D") || short("M") || short("C") || has(args, /^--(?:delete|force)/) || short("f") || short("d"))
  ) {
    losing(report, "removing or overwriting a branch");
  } else if (verb === "tag" && (short("d") || short("f") || has(args, /^--(?:delete|force)/)))
    losing(report, "removing a tag");
  else if (verb === "stash" && has(args, /^(?:drop|clear)$/)) losing(report, "dropping a stash");
  else if (verb === "worktree") checkWorktree(args, report);
  else if (verb === "checkout" && !short("b")) losing(report, "git checkout of another state or of files");
  else if (verb === "switch" && !short("c") && has(args, /^(?:-f|--force|--discard-changes|-C)$/))
    losing(report, "git switch");
  else if (verb === "rm" && !has(args, /^--cached$/)) losing(report, "git rm");
  else if (/^(?:rebase|am|merge|cherry-pick|revert)$/.test(verb)) losing(report, `git ${verb}`);
  else if (verb === "init")
    for (const word of args.filter((entry) => !entry.text.startsWith("-"))) report.path(word, "write");
  else if (verb === "add" && has(args, /^(?:-f|--force)$/)) {
    for (const word of args) if (!word.text.startsWith("-")) report.path(word, "read");
  } else if (verb === "format-patch") report.find(ask("git.option", "git format-patch writes files"));
}

function checkWorktree(args: readonly PlainWord[], report: Report): void {
  const [verb, ...rest] = args;
  if (verb?.text === "list") return;
  if (verb?.text === "add") {
    const folder = rest.find((word) => !word.text.startsWith("-"));
    if (folder) report.path(folder, "write");
  } else losing(report, `git worktree ${verb?.text ?? ""}`);
}

export const gitRule: CommandRule = (command, report) => {
  const [verbWord, ...args] = globalOptions(command, report);
  if (!verbWord) return;
  if (verbWord.kind !== "literal")
    return report.find(ask("shell.dynamic", `git ${verbWord.text} is only known when it runs`));
  const verb = verbWord.text;
  checkOptions(verb, args, report);
  if (verb === "help" && args.some((word) => word.text.startsWith("-")))
    report.find(ask("git.option", "git help can start a viewer"));
  if (verb === "remote") return remote(args, report);
  if (verb === "config") return config(args, report);
  if (verb === "reflog" && !has(args, /^(?:expire|delete)$/)) return;
  if (verb === "worktree" && args[0]?.text === "list") return;
  if (verb === "stash" && has(args, /^(?:list|show)$/)) return;
  if (
    verb === "branch" &&
    args.every((word) =>
      /^(?:-[avrl]+|--list|--all|--show-current|--remotes|-vv|--merged|--no-merged|--contains)$/.test(word.text),
    )
  )
    return;
  if (verb === "tag" && (args.length === 0 || has(args, /^(?:-l|--list|-n\d*)$/))) return;
  if (READ.has(verb)) return checkOperands(verb, args, report);
  if (NETWORK.has(verb) || verb === "submodule") return network(verb, args, report);
  if (WRITE.has(verb)) {
    checkOperands(verb, args, report);
    return checkWrite(verb, args, report);
  }
  report.effect("write");
  if (verb === "clean")
    return has(args, /^-[a-zA-Z]*n|^--dry-run$/)
      ? undefined
      : report.find(deny("destructive.git-clean", "git clean removes files that git cannot bring back"));
  if (verb === "credential") report.mark("secret");
  losing(report, `git ${verb}`);
};

function remote(args: readonly PlainWord[], report: Report): void {
  if (
    args.length === 0 ||
    (args.length === 1 && /^-v$|^--verbose$|^show$/.test(args[0]?.text ?? "")) ||
    args[0]?.text === "get-url"
  )
    return;
  report.effect("write");
  report.mark("net");
  report.find(ask("git.remote", "changing remotes changes where work is sent", "high"));
}

function config(args: readonly PlainWord[], report: Report): void {
  const reads = has(args, /^(?:--get|--get-all|--get-regexp|--list|-l|get|list|--show-origin|--show-scope)$/);
  const operands = args.filter((word) => !word.text.startsWith("-"));
  if (reads) return report.find(ask("git.config-read", "git settings may hold credentials"));
  for (const word of operands) tamperKey(word.text, report);
  if (has(args, /^(?:--global|--system|-f|--file|--edit|-e)/))
    return report.find(deny("tamper.git-config", "this changes git settings outside the repository's own"));
  report.find(ask("git.config", "git settings change what later git commands do", "high"));
}

function network(verb: string, args: readonly PlainWord[], report: Report): void {
  report.mark(verb === "push" ? "net-upload" : "net");
  if (has(args, /^--template/)) report.find(deny("tamper.git-template", "a git template installs hooks"));
  if (has(args, /^ext::/)) report.find(deny("remote-code.git-ext", "ext:: remotes run programs"));
  if (verb === "push") {
    if (
      has(args, /^(?:-f|--force|--force-with-lease.*|--mirror|--prune)$/) ||
      args.some((word) => /^\+/.test(word.text))
    ) {
      return report.find(deny("destructive.force-push", "a forced push overwrites the remote's history"));
    }
    if (args.some((word) => /^(?:https?|git|ssh):\/\/|@.*:/.test(word.text))) {
      return report.find(
        deny("exfiltration.git-push", "pushing to an address that is not a configured remote sends the workspace away"),
      );
    }
  }
  report.find(ask("network.git", `git ${verb} needs the network`));
}
