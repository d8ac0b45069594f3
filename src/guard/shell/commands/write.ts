/** Commands that write files: what they read, write and destroy. */
import { optionTable, type ReadArguments, readArguments } from "../options.ts";
import { ask, type CommandRule, type PathOp, type Report, type SimpleCommand } from "../types.ts";
import type { PlainWord } from "../words.ts";

/** Reads arguments by `notation`, reports unknown options and path-valued ones. */
export function take(command: SimpleCommand, report: Report, notation: string): ReadArguments {
  const read = readArguments(command.args, optionTable(notation));
  if (read.unknown)
    report.find(ask("shell.option-unknown", `${command.name} ${read.unknown} is not on the list of known options`));
  for (const { value, use } of read.options) {
    if (!value) continue;
    if (value.kind === "dynamic") report.find(ask("shell.dynamic", `${value.text} is only known when it runs`));
    else if (use === "read") report.path(value, "read");
    else if (use === "write") report.path(value, "write");
  }
  for (const word of read.operands) {
    if (word.kind === "dynamic") report.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
  }
  return read;
}

/** Every operand is used with `op`. */
function writeRule(notation: string, op: PathOp): CommandRule {
  return (command, report) => {
    report.effect("write");
    const { operands, options } = take(command, report, notation);
    const recursive = options.some((option) => /^(?:-r|-R|--recursive)$/.test(option.name));
    for (const word of operands) if (word.kind !== "dynamic") report.path(word, op, { recursive });
    if (command.fed)
      report.find(ask("shell.fed-write", `${command.name} gets the names of files to change from another command`));
  };
}

/** The last operand (or `-t`) is written, the others are read (`cp`) or moved (`mv`). */
function copyRule(notation: string, source: PathOp): CommandRule {
  return (command, report) => {
    report.effect("write");
    const { operands, options } = take(command, report, notation);
    const hasTarget = options.some((option) => option.use === "write");
    const recursive = options.some((option) => /^-[rRa]$|^--recursive$|^--archive$/.test(option.name));
    const sources = hasTarget ? operands : operands.slice(0, -1);
    const target = hasTarget ? undefined : operands.at(-1);
    for (const word of sources) {
      if (word.kind === "dynamic") continue;
      // What is moved can be read under its new name.
      report.path(word, "read");
      if (source !== "read") report.path(word, source, { recursive });
    }
    const special = options.find((option) => option.name === "-m")?.value?.text ?? "0";
    if (!/^[0-7]{3,4}$/.test(special.padStart(3, "0")) || /^[2-7]\d{3}$/.test(special))
      report.find(ask("shell.setuid", "this sets special permission bits", "high"));
    const into = hasTarget ? options.find((option) => option.use === "write")?.value : target;
    if (options.some((option) => option.name === "-d" || option.name === "--directory") && command.name === "install") {
      for (const word of operands) if (word.kind !== "dynamic") report.path(word, "write");
    }
    if (into && into.kind !== "dynamic") {
      const plain = options.some((option) => /^(?:-T|--no-target-directory)$/.test(option.name));
      report.path(into, "write", { tree: sources.some((word) => plain || holdsUnknown(word, recursive)) });
      // Where the target is a folder, the copy has the source's name.
      for (const word of sources) {
        const name = word.text.replace(/\/+$/, "").split("/").at(-1) ?? "";
        if (word.kind !== "dynamic" && name !== "" && name !== "." && name !== "..")
          report.path({ ...word, text: `${into.text}/${name}`, tilde: into.tilde ?? false }, "write");
      }
    }
    if (command.fed)
      report.find(ask("shell.fed-write", `${command.name} gets the names of files to change from another command`));
  };
}

/** `tmpl/.` and `tmpl/*` put names in a folder that nobody knows; `tmpl` only its own. */
function holdsUnknown(word: PlainWord, recursive: boolean): boolean {
  const last = word.text.split("/").at(-1) ?? "";
  return word.kind === "glob" ? /^[*?]+$/.test(last) : recursive && /^\.{0,2}$/.test(last);
}

/** Archives: members are read or written below the folder. `to` names the folder option. */
const tarRule: CommandRule = (command, report) => {
  const [first, ...rest] = command.args;
  const letters = first && !first.text.startsWith("-") ? [...first.text] : [];
  const valued = letters.filter((letter) => "fCTXIb".includes(letter));
  if (valued.length > 1) report.find(ask("shell.tar-bundle", "several values follow this bundle of letters"));
  // The old style takes values from the next words: the letter with a value goes last.
  const sorted = [...letters.filter((letter) => !valued.includes(letter)), ...valued];
  const bundled = first && letters.length > 0 ? { ...first, text: `-${sorted.join("")}` } : first;
  const words = bundled ? [bundled, ...rest] : [];
  const read = take(
    { ...command, args: words },
    report,
    "cxtrzjJOvpkPha --exclude-vcs f: C: T< X< --exclude-from< --create --extract --list --file: --directory: --gzip --exclude: --strip-components: --verbose --zstd",
  );
  const mode = read.options.map((option) => option.name);
  const writes = mode.includes("-x") || mode.includes("--extract");
  const lists = mode.includes("-t") || mode.includes("--list");
  if (!lists) report.effect("write");
  if (mode.includes("-P")) report.find(ask("shell.tar-absolute", "tar -P writes to absolute paths in the archive"));
  for (const option of read.options) {
    if (!option.value) continue;
    if (/^(?:-f|--file)$/.test(option.name) && option.value.text.includes(":"))
      report.find(ask("network.tar", "tar writes to another machine"));
    if (option.name === "-f" || option.name === "--file") report.path(option.value, writes || lists ? "read" : "write");
    if (option.name === "-C" || option.name === "--directory") report.path(option.value, writes ? "write" : "read");
  }
  if (mode.includes("-T")) report.find(ask("shell.tar-list", "tar -T takes the names of files from a list"));
  if (writes) {
    const folder = read.options.findLast((option) => /^(?:-C|--directory)$/.test(option.name))?.value ?? HERE;
    unpacked(folder, read.operands, report);
  }
  for (const word of read.operands)
    if (word.kind !== "dynamic" && !writes && !lists) report.path(word, "read", { recursive: true });
};

const HERE: PlainWord = { text: ".", kind: "literal", quoted: false, variables: [] };

/** Members that are named lie below the folder; without any, whatever the archive holds. */
function unpacked(folder: PlainWord, members: readonly PlainWord[], report: Report): void {
  if (folder.kind === "dynamic") return;
  const plain = members.every((word) => word.kind === "literal" && !/[*?[\]]/.test(word.text));
  if (members.length === 0 || !plain) return report.path(folder, "write", { tree: true });
  for (const word of members)
    report.path({ ...folder, text: `${folder.text}/${word.text}` }, "write", { tree: /^[./]*$/.test(word.text) });
}

/** The file is read, and replaced by one with another ending. */
const squeezeRule =
  (notation: string): CommandRule =>
  (command, report) => {
    report.effect("write");
    const { operands, options } = take(command, report, notation);
    const recursive = options.some(({ name }) => name === "-r");
    for (const word of operands) {
      if (word.kind === "dynamic") continue;
      report.path(word, "read", { recursive });
      report.path(word, "write", { recursive });
      // Unpacked, it has the name without its ending.
      const bare = word.text.replace(/\.(?:gz|xz|bz2|zst|lzma)$/, "");
      if (bare !== word.text) report.path({ ...word, text: bare }, "write");
    }
  };

const lnRule: CommandRule = (command, report) => {
  report.effect("write");
  const { operands } = take(command, report, "sfnvrLPT t> --symbolic --force --no-dereference --relative");
  const [target, ...links] = operands;
  // Whoever writes through the link writes to its target: the target counts as written.
  if (target && target.kind !== "dynamic") {
    report.path(target, "read");
    report.path(target, "write");
  }
  for (const word of links) if (word.kind !== "dynamic") report.path(word, "write");
};

const chmodRule: CommandRule = (command, report) => {
  report.effect("write");
  const { operands, options } = take(
    { ...command, args: command.args.filter((word) => !/^-[rwxXst]+$/.test(word.text)) },
    report,
    "cfRv --recursive --verbose --changes",
  );
  const symbolic = command.args.find((word) => /^-[rwxXst]+$/.test(word.text));
  const [mode, ...files] = symbolic ? [symbolic, ...operands] : operands;
  const octal = mode?.text.replace(/^[=+-]/, "") ?? "";
  const special = /^\d{4,5}$/.test(octal) && Number(octal.at(-4)) >= 2;
  if (mode && (special || (!/^\d/.test(octal) && octal.includes("s"))))
    report.find(ask("shell.setuid", "this sets a set-user-id or set-group-id bit", "high"));
  const recursive = options.some(({ name }) => /^(?:-R|--recursive)$/.test(name));
  for (const word of files) if (word.kind !== "dynamic") report.path(word, "write", { recursive });
};

const rsyncRule: CommandRule = (command, report) => {
  const { operands } = take(
    command,
    report,
    "avrzhnPtpuclxHSWi --archive --verbose --recursive --dry-run --delete --exclude: --include: --progress --stats --checksum --update --existing",
  );
  report.effect("write");
  if (operands.some((word) => /^[^/]*:/.test(word.text) || word.text.startsWith("rsync://"))) {
    report.mark("net-upload");
    report.find(ask("network.rsync", "rsync to or from another machine needs the network"));
    for (const word of operands)
      if (word.kind !== "dynamic" && !word.text.includes(":")) report.path(word, "read", { recursive: true });
    return;
  }
  const deletes = command.args.some((word) => word.text.startsWith("--delete"));
  for (const word of operands.slice(0, -1)) if (word.kind !== "dynamic") report.path(word, "read", { recursive: true });
  const target = operands.at(-1);
  if (!target || target.kind === "dynamic") return;
  const tree = operands.slice(0, -1).some((word) => holdsUnknown(word, true));
  report.path(target, deletes ? "delete" : "write", { recursive: deletes, tree });
  for (const word of operands.slice(0, -1)) {
    const name = word.text.endsWith("/") ? "" : (word.text.split("/").at(-1) ?? "");
    if (name !== "" && word.kind !== "dynamic")
      report.path({ ...word, text: `${target.text}/${name}`, tilde: target.tilde ?? false }, "write");
  }
};

/** `uniq`-like tools apart, `split` writes files beside its last operand. */
const splitRule: CommandRule = (command, report) => {
  report.effect("write");
  const { operands } = take(
    command,
    report,
    "dx l: b: C: --lines: --bytes: --numeric-suffixes= --additional-suffix: --suffix-length:",
  );
  if (operands[0] && operands[0].text !== "-") report.path(operands[0], "read");
  if (operands[1]) report.path(operands[1], "write");
};

export const writeCommands: Record<string, CommandRule> = {
  touch: writeRule("acm d: t: r< --no-create --date: --reference<", "write"),
  mkdir: writeRule("pv --parents --verbose", "write"),
  mkfifo: (command, report) => {
    report.find(ask("path.special", "mkfifo makes a pipe of a name"));
    writeRule("m:", "write")(command, report);
  },
  rmdir: writeRule("pv --parents --verbose --ignore-fail-on-non-empty", "delete"),
  rm: writeRule("fiIrRdv --recursive --force --verbose --dir --interactive= --one-file-system", "delete"),
  unlink: writeRule("", "delete"),
  shred: (command, report) => {
    report.find(ask("destructive.shred", "shred destroys what undo could bring back", "high"));
    writeRule("uvzf n: s: --remove= --iterations: --zero", "delete")(command, report);
  },
  truncate: writeRule("co s: r< --size: --no-create --reference<", "write"),
  tee: writeRule("aip --append --ignore-interrupts", "write"),
  cp: copyRule(
    "aArRfinpPuvdlLT t> --recursive --archive --force --no-clobber --preserve= --update= --verbose --target-directory> --no-target-directory",
    "read",
  ),
  mv: copyRule(
    "finuvT t> --force --no-clobber --verbose --target-directory> --no-target-directory --update=",
    "delete",
  ),
  install: copyRule("cdDpv m: t> --directory --target-directory>", "read"),
  ln: lnRule,
  chmod: chmodRule,
  tar: tarRule,
  rsync: rsyncRule,
  split: splitRule,
  gzip: squeezeRule("cdfklnrtv123456789 --keep --decompress --stdout --force --best --fast"),
  gunzip: squeezeRule("cfklntv --keep --stdout --force"),
  xz: squeezeRule("cdfklqtvze0123456789 T: --keep --decompress --stdout --force --threads:"),
  unxz: squeezeRule("cfkqv --keep --stdout --force"),
  bzip2: squeezeRule("cdfkqtvz123456789 --keep --decompress --stdout --force"),
  bunzip2: squeezeRule("cfkqv --keep --stdout --force"),
  zstd: squeezeRule("cdfkqtvz T: -# --keep --rm --decompress --stdout --force"),
  zip: (command, report) => {
    report.effect("write");
    const { operands } = take(command, report, "rqju9 x: i: --recurse-paths --quiet");
    for (const [index, word] of operands.entries())
      if (word.kind !== "dynamic") report.path(word, index === 0 ? "write" : "read", { recursive: true });
  },
  unzip: (command, report) => {
    report.effect("write");
    const { operands, options } = take(command, report, "lojnqtuv d> x:");
    const [archive, ...members] = operands;
    if (archive) report.path(archive, "read");
    const folder = options.find((option) => option.name === "-d")?.value ?? HERE;
    if (!options.some((option) => /^-[ltv]$/.test(option.name))) unpacked(folder, members, report);
  },
  patch: (command, report) => {
    report.effect("write");
    const { operands } = take(command, report, "Nflsu p: i< d> R --dry-run --strip: --input< --reverse --forward");
    if (operands[0]) report.path(operands[0], "write");
    if (operands[1]) report.path(operands[1], "read");
  },
};
