/** find, sed and awk: small languages that can also write files and start programs. */

import { ask, type CommandRule, type Report } from "../types.ts";
import type { PlainWord } from "../words.ts";
import { readAwk } from "./awk-program.ts";
import { isPlainSed } from "./sed-program.ts";
import { take } from "./write.ts";

const FIND_TESTS = new Set([
  "-name",
  "-iname",
  "-path",
  "-ipath",
  "-wholename",
  "-regex",
  "-iregex",
  "-regextype",
  "-type",
  "-xtype",
  "-size",
  "-mtime",
  "-atime",
  "-ctime",
  "-mmin",
  "-amin",
  "-cmin",
  "-newer",
  "-newermt",
  "-newerct",
  "-newerat",
  "-maxdepth",
  "-mindepth",
  "-perm",
  "-user",
  "-group",
  "-links",
  "-inum",
  "-printf",
  "-samefile",
  "-uid",
  "-gid",
]);
const FIND_FLAGS = new Set([
  "-print",
  "-print0",
  "-ls",
  "-prune",
  "-o",
  "-a",
  "-or",
  "-and",
  "-not",
  "!",
  "(",
  ")",
  ",",
  "-empty",
  "-depth",
  "-true",
  "-false",
  "-quit",
  "-readable",
  "-writable",
  "-executable",
  "-xdev",
  "-mount",
  "-follow",
  "-L",
  "-P",
  "-H",
  "-nouser",
  "-nogroup",
  "-daystart",
  "-noleaf",
  "-d",
]);

export const findRule: CommandRule = (command, report) => {
  const words = command.args;
  for (const word of words)
    if (word.kind === "dynamic") report.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
  const firstTest = words.findIndex(
    (word) => (word.text.startsWith("-") && !/^-[LPHDO]/.test(word.text)) || word.text === "!" || word.text === "(",
  );
  const starts = (firstTest < 0 ? words : words.slice(0, firstTest)).filter((word) => !word.text.startsWith("-"));
  const deletes =
    words.some((word) => word.text === "-delete") ||
    words.some(
      (word, at) =>
        /^-(?:exec|execdir|ok|okdir)$/.test(word.text) &&
        /(?:^|\/)(?:rm|shred|unlink)$/.test(words[at + 1]?.text ?? ""),
    );
  // `-name '*'` meets everything, and `! -name x` nearly everything.
  const narrowed = words.some(
    (word, at) =>
      /^-i?(?:name|path|regex)$/.test(word.text) &&
      !/^(?:!|-not)$/.test(words[at - 1]?.text ?? "") &&
      /[^*.?/]/.test(words[at + 1]?.text ?? ""),
  );
  for (const start of starts.length > 0 ? starts : [DOT])
    report.path(start, deletes && !narrowed ? "delete" : "read", { recursive: true });
  if (deletes) report.find(ask("shell.find-delete", "find deletes every file it matches", "high"));
  if (firstTest >= 0) for (let at = firstTest; at < words.length; at++) at = findWord(words, at, report);
};

const DOT: PlainWord = { text: ".", kind: "literal", quoted: false, variables: [] };

/** Handles the expression word at `at`; returns the index of its last argument. */
function findWord(words: readonly PlainWord[], at: number, report: Report): number {
  const text = words[at]?.text ?? "";
  const next = words[at + 1];
  if (FIND_FLAGS.has(text)) return at;
  if (text === "-newer" || text === "-samefile") {
    if (next) report.path(next, "read");
    return at + 1;
  }
  if (FIND_TESTS.has(text)) return at + 1;
  if (text === "-delete") {
    report.effect("write");
    return at;
  }
  if (/^-(?:fprint|fprint0|fprintf|fls)$/.test(text)) {
    report.effect("write");
    if (next) report.path(next, "write");
    return at + (text === "-fprintf" ? 2 : 1);
  }
  if (/^-(?:exec|execdir|ok|okdir)$/.test(text)) {
    const end = words.findIndex((word, index) => index > at && (word.text === ";" || word.text === "+"));
    const stop = end < 0 ? words.length : end;
    report.find(ask("shell.find-exec", "find -exec starts a program for every match"));
    report.inner(
      words.slice(at + 1, stop).filter((word) => word.text !== "{}"),
      { fed: true },
    );
    return stop;
  }
  report.find(ask("shell.option-unknown", `find ${text} is not on the list of known tests`));
  return at;
}

export const sedRule: CommandRule = (command, report) => {
  const inPlace = command.args.some((word) => /^-[a-zA-Z]*i|^--in-place/.test(word.text));
  const suffix = command.args
    .filter((word) => word.text.startsWith("-"))
    .map((word) => (word.text.length < 256 ? (/^(?:-\w*i|--in-place=)(.+)$/.exec(word.text)?.[1] ?? "") : word.text))
    .find((text) => text.length >= 256 || /[/*]/.test(text));
  if (suffix) report.find(ask("shell.sed-suffix", "this suffix puts backups elsewhere"));
  const args = command.args
    .map((word) => (/^-i./.test(word.text) ? { ...word, text: "-i" } : word))
    .filter((word) => !/^--in-place/.test(word.text));
  const read = take(
    { ...command, args },
    report,
    "nrEsuzi e: f< l: --quiet --silent --regexp-extended --expression: --file< --posix --debug --sandbox --null-data --separate",
  );
  const given = read.options.filter((option) => option.name === "-e" || option.name === "--expression");
  const fromFile = read.options.some((option) => option.name === "-f" || option.name === "--file");
  const programs = given.length > 0 ? given.map((option) => option.value) : fromFile ? [] : read.operands.slice(0, 1);
  if (fromFile) report.find(ask("shell.program-file", "sed -f runs a program from a file"));
  for (const program of programs) {
    if (program?.kind !== "literal" || !isPlainSed(program.text)) {
      report.find(ask("shell.sed-program", "this sed program may write files or run commands"));
      const target = /[wW]\s+(\S+)\s*$/.exec(program?.text ?? "")?.[1];
      if (target && program) report.path({ ...program, text: target }, "write");
    }
  }
  if (inPlace) report.effect("write");
  for (const word of given.length > 0 || fromFile ? read.operands : read.operands.slice(1)) {
    if (word.kind !== "dynamic") report.path(word, inPlace ? "write" : "read");
  }
  if (inPlace && command.fed)
    report.find(ask("shell.fed-write", "sed -i gets the names of files to change from another command"));
};

export const awkRule: CommandRule = (command, report) => {
  const read = take(command, report, "F: v: f< --field-separator: --assign: --file<");
  const fromFile = read.options.some((option) => option.name === "-f" || option.name === "--file");
  if (fromFile) report.find(ask("shell.program-file", "awk -f runs a program from a file"));
  const program = fromFile ? undefined : read.operands[0];
  if (program) awkProgram(program, report);
  for (const word of fromFile ? read.operands : read.operands.slice(1))
    if (word.kind !== "dynamic") report.path(word, "read");
};

function awkProgram(program: PlainWord, report: Report): void {
  const dynamic = { opaque: "is only known when it runs", writes: [] };
  const { opaque, writes } = program.kind === "literal" ? readAwk(program.text) : dynamic;
  if (opaque !== undefined) report.find(ask("shell.awk-program", `this awk program ${opaque}`));
  if (writes.length > 0) report.effect("write");
  for (const target of writes) report.path({ text: target, kind: "literal", quoted: true, variables: [] }, "write");
}
