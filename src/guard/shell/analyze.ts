/** Judges a shell command: every part by its rule, then the combinations of parts. */
import { posix } from "node:path";
import { isSecretPath } from "../../base/secret-names.ts";
import { clientCommands } from "./commands/clients.ts";
import { gitRule } from "./commands/git.ts";
import { readCommands } from "./commands/read.ts";
import { localProgram, runCommands } from "./commands/run.ts";
import { systemCommands } from "./commands/system.ts";
import { awkRule, findRule, sedRule } from "./commands/text-programs.ts";
import { transferCommands } from "./commands/transfer.ts";
import { assignmentRule, wrapperCommands } from "./commands/wrappers.ts";
import { writeCommands } from "./commands/write.ts";
import { hostsOf } from "./hosts.ts";
import type { Reading } from "./reading.ts";
import type { SecondOpinion } from "./second-opinion.ts";
import { type ParsedScript, parseShell, strictSubset } from "./syntax.ts";
import {
  ask,
  type CommandRule,
  deny,
  type Finding,
  type PathOptions,
  type PathUse,
  type Report,
  type Trait,
} from "./types.ts";
import { type Folders, type Place, type Visitor, walkScript } from "./walk.ts";
import type { PlainWord } from "./words.ts";

export interface ShellAnalysis {
  readonly findings: readonly Finding[];
  readonly paths: readonly PathUse[];
  /** Names and words of every simple command, wrappers taken off; dynamic words as written. */
  readonly commands: readonly (readonly string[])[];
  /** The folder in which each of them runs; undefined where it is not known. */
  readonly folders: readonly (string | undefined)[];
  /** Those with a word that is only known when it runs. */
  readonly dynamic: ReadonlySet<number>;
  /** Those whose standard input is a pipe, a file or a text of the script. */
  readonly fed: ReadonlySet<number>;
  /** `host:port` of what its network commands would reach, as far as their words tell. */
  readonly hosts: readonly string[];
  /** Nothing in it can change a file or run the project's code. */
  readonly readOnly: boolean;
  /** It prints settings or variables that may hold credentials. */
  readonly secret: boolean;
  /** A redirection writes a file. */
  readonly redirects: boolean;
  /** The exit code is that of the last simple command of an `&&` list: no pipes, `||`, `;` or `&` after it. */
  readonly exitIsLast: boolean;
}

const RULES: Readonly<Record<string, CommandRule>> = {
  ...readCommands,
  ...writeCommands,
  ...runCommands,
  ...systemCommands,
  ...transferCommands,
  ...clientCommands,
  ...wrapperCommands,
  git: gitRule,
  find: findRule,
  sed: sedRule,
  gsed: sedRule,
  awk: awkRule,
  gawk: awkRule,
  mawk: awkRule,
};

/** Programs that send what they are fed. */
const RAW_SINK = /^(?:nc|ncat|netcat|socat|telnet|mail|sendmail|ssh|ftp|sftp|http|https|xh)$/;

/** Readers that may get their operands from another command: no option of theirs writes or starts anything. */
const FED_READERS = new Set(
  "wc grep egrep fgrep ls stat file du sha256sum sha1sum sha512sum md5sum b2sum cksum echo basename dirname realpath".split(
    " ",
  ),
);

/**
 * Analyses `command` as run by bash in folder `cwd` by a user whose home is `home`. What is not denied is read by the
 * second parser too; without one the analysis is good for looking at words, not for a decision.
 */
export function analyzeShell(command: string, cwd: string, home: string, second?: SecondOpinion): ShellAnalysis {
  const state = new Analysis(cwd);
  const strict = strictSubset(command);
  if (strict) state.find(strict);
  if (!strict || strict.decision === "ask") {
    const script = parseShell(command);
    state.walk(command, script, { place: { folders: [cwd], vars: { HOME: home } }, depth: 0 });
    const only = script.commands.length === 1 ? script.commands[0] : undefined;
    const tree = only && !only.background ? only.command : undefined;
    state.exitIsLast =
      tree?.type === "Command" ||
      (tree?.type === "AndOr" &&
        tree.operators.every((operator) => operator === "&&") &&
        tree.commands.every((part) => part.type === "Command"));
  }
  if (command.trim() === "") state.find(ask("shell.empty", "there is no command"));
  state.combine();
  if (second) state.compare(second);
  state.hosts = state.networkHosts();
  return state;
}

/** Words that no command may be given: control sockets, memory and descriptors of other processes. */
function reachesOut(text: string): Finding | undefined {
  if (!/sock|proc/.test(text)) return undefined;
  if (/(?:docker|containerd|podman|crio|buildkitd)[\w.-]*\.sock\b/.test(text))
    return deny("tamper.socket", "a container socket gives root on this machine");
  if (/\/proc\/(?:[^/]+\/(?:mem|fd\/\d+|root)(?:\/|$)|kcore)/.test(text) && !/\/proc\/self\/(?:fd|root)/.test(text))
    return deny("tamper.process", "this reaches into another process or the kernel");
  return undefined;
}

class Analysis implements ShellAnalysis, Visitor {
  readonly findings: Finding[] = [];
  readonly paths: PathUse[] = [];
  readonly commands: string[][] = [];
  readonly folders: (string | undefined)[] = [];
  readonly dynamic = new Set<number>();
  readonly fed = new Set<number>();
  readonly #traits = new Set<Trait>();
  readonly #readings: Reading[] = [];
  readonly #start: string;
  /** The simple command that is being judged. */
  #current: number | undefined;
  readOnly = true;
  redirects = false;
  exitIsLast = false;
  hosts: readonly string[] = [];
  secret = false;

  constructor(start: string) {
    this.#start = start;
  }

  /** What is not understood may change anything. */
  find(finding: Finding): void {
    this.readOnly = false;
    this.findings.push(this.#current === undefined ? finding : { ...finding, command: this.#current });
  }

  pipeline(): void {
    this.exitIsLast = false;
  }

  write(): void {
    this.readOnly = false;
    this.redirects = true;
  }

  path(word: PlainWord, op: PathUse["op"], folders: Folders, options: PathOptions = {}): void {
    const { recursive = false, tree, guess } = options;
    // The shell expands a tilde only where it stands unquoted at the start of a word.
    const text = word.text.startsWith("~") && !word.tilde ? `./${word.text}` : word.text;
    if (!folders && !/^[/~]/.test(text)) {
      return this.find(ask("shell.unknown-folder", `the folder in which ${word.text} is meant is not known`));
    }
    const owner = {
      ...(this.#current === undefined ? {} : { command: this.#current }),
      ...(tree ? { tree } : {}),
      ...(guess ? { guess } : {}),
    };
    for (const cwd of folders ?? ["/"])
      this.paths.push({ text, op, glob: word.kind === "glob", cwd, recursive, ...owner });
  }

  command(
    words: readonly PlainWord[],
    assignments: readonly { name: string; value: PlainWord | undefined }[],
    place: Place,
  ): Folders {
    const report = this.#report(place, 0);
    // What a prefix assignment does belongs to the command behind it.
    const before = this.#current;
    if (words.length > 0) this.#current = this.commands.length;
    for (const { name, value } of assignments) assignmentRule(name, value, report);
    this.#current = before;
    return words.length === 0 ? place.folders : this.#judge(words, place, { fed: false, depth: 0 });
  }

  #report(place: Place, depth: number): Report {
    return {
      find: (finding) => this.find(finding),
      path: (word, op, options) => this.path(word, op, place.folders, options),
      effect: () => {
        this.readOnly = false;
      },
      mark: (trait) => void this.#traits.add(trait),
      carried: (words) => this.#carried(words, words, { place, depth }),
      script: (code) => this.#script(code, place, depth),
      inner: (words, options) => void this.#judge(words, place, { fed: options?.fed ?? false, depth: depth + 1 }),
    };
  }

  /** Code as text: judged like the command itself where it is literal. */
  #script(code: PlainWord, place: Place, depth: number): void {
    if (code.kind !== "literal" || depth > 4)
      return this.find(ask("shell.dynamic", `${code.text} is only known when it runs`));
    this.walk(code.text, parseShell(code.text), { place, depth: depth + 1 });
  }

  walk(text: string, script: ParsedScript, where: { place: Place; depth: number }): void {
    const entries = new Set<string>();
    walkScript(script, { ...where, visitor: this, entries });
    this.#readings.push({ text, entries });
  }

  /** Denials stand whatever the second parser says; everything else needs it. */
  compare(second: SecondOpinion): void {
    if (this.findings.some((finding) => finding.decision === "deny")) return;
    const doubt = this.#readings.map((reading) => second.doubt(reading)).find((finding) => finding !== undefined);
    if (doubt) this.find(doubt);
  }

  #judge(words: readonly PlainWord[], place: Place, how: { fed: boolean; depth: number }): Folders {
    const [head] = words;
    if (!head) return place.folders;
    const before = this.#current;
    const texts: string[] = [];
    this.#current = this.commands.push(texts) - 1;
    const fed = place.fed === true || how.fed;
    if (fed) this.fed.add(this.#current);
    for (const { text, kind } of words) {
      texts.push(text);
      if (kind === "dynamic") this.dynamic.add(this.#current);
      const reach = reachesOut(text);
      if (reach) this.find(reach);
    }
    this.folders.push(place.folders?.length === 1 ? place.folders[0] : undefined);
    if (fed && RAW_SINK.test(head.text)) this.#traits.add("piped-out");
    const after = this.#judgeWords(head, words.slice(1), place, how);
    this.#current = before;
    return after;
  }

  #judgeWords(
    head: PlainWord,
    args: readonly PlainWord[],
    place: Place,
    how: { fed: boolean; depth: number },
  ): Folders {
    const { folders } = place;
    if (how.depth > 8) this.find(ask("shell.too-deep", "the command is nested too deeply to follow"));
    if (how.depth > 8) return folders;
    if (head.kind !== "literal") {
      this.find(ask("shell.dynamic-command", `which program ${head.text} starts is only known when it runs`));
      this.#traits.add("shell");
      return folders;
    }
    if (head.quoted) this.find(ask("shell.quoted-command", "the command's name is written with quotes or escapes"));
    const name = this.#programName(head.text);
    if (name === "cd" || name === "pushd")
      return how.depth > 0 ? this.#unknownFolder("a wrapped cd") : this.#changeFolder(args, place);
    if (how.fed && !FED_READERS.has(name)) this.find(ask("shell.fed", `${name} gets words from another command`));
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : name.includes("/") ? localProgram : undefined;
    // What a program of the system says about itself.
    if (rule && rule !== localProgram && args.length === 1 && args[0]?.text === "--version") return folders;
    if (rule) rule({ name, args, fed: how.fed }, this.#report(place, how.depth));
    else {
      this.find(ask("shell.unknown-command", `${name} is not a command this policy knows`));
      this.#carried(args.slice(0, -1), args, { place, depth: how.depth });
    }
    if (!rule || this.#opaque()) this.#guess(args, place);
    return folders;
  }

  /** The first of the `heads` that names a command may be started with what stands behind it. */
  #carried(heads: readonly PlainWord[], words: readonly PlainWord[], where: { place: Place; depth: number }): void {
    const at = heads.findIndex(({ kind, text }) => kind === "literal" && Object.hasOwn(RULES, this.#bareName(text)));
    if (at >= 0) this.#judge(words.slice(at), where.place, { fed: false, depth: where.depth + 1 });
  }

  #bareName(text: string): string {
    return text.slice(text.lastIndexOf("/") + 1);
  }

  /** The command that is being judged is not understood. */
  #opaque(): boolean {
    return this.findings.some(({ rule, command }) => rule === "shell.opaque" && command === this.#current);
  }

  /** What is not understood may write what it names. */
  #guess(words: readonly PlainWord[], place: Place): void {
    for (const word of words) {
      const text = word.text.replace(/^--?\w[\w-]*=/, "");
      if (word.kind !== "dynamic" && /[/.]/.test(text) && !text.startsWith("-"))
        this.path({ ...word, text }, "write", place.folders ?? [this.#start], { guess: true });
    }
  }

  /** `/usr/./bin//rm` is `rm`; a program of the system outside the known folders is asked about. */
  #programName(text: string): string {
    if (!text.includes("/")) return text;
    const path = posix.normalize(text);
    const system = /^\/(?:usr\/)?(?:local\/)?s?bin\/([^/]+)$/.exec(path)?.[1];
    if (system) return system;
    const own = /(?:^|\/)node_modules\/\.bin\/([^/]+)$/.exec(path)?.[1];
    if (own && Object.hasOwn(RULES, own)) return own;
    const inside = !/^[/~]/.test(path) || path.startsWith(`${this.#start}/`);
    if (!inside || path.startsWith("../"))
      this.find(ask("shell.system-program", `${text} is a program outside the workspace and the usual folders`));
    return path.includes("/") ? path : `./${path}`;
  }

  #unknownFolder(what: string): undefined {
    this.find(ask("shell.unknown-folder", `the folder after ${what} is not known`));
    return undefined;
  }

  #changeFolder(args: readonly PlainWord[], place: Place): Folders {
    const words = args.filter((word) => word.text !== "--");
    const options = words.filter((word) => word.text.startsWith("-"));
    const [target, ...more] = words.filter((word) => !word.text.startsWith("-"));
    if (
      !target ||
      target.text.startsWith("+") ||
      more.length > 0 ||
      target.kind !== "literal" ||
      options.some((word) => !/^-[LP]+$/.test(word.text))
    ) {
      return this.#unknownFolder("this cd");
    }
    this.path(target, "enter", place.folders);
    const { text } = target;
    if (text.startsWith("/")) return [posix.normalize(text)];
    if (text.startsWith("~") && target.tilde)
      return text === "~" || text.startsWith("~/")
        ? [`${String(place.vars["HOME"])}${text.slice(1)}`]
        : this.#unknownFolder("this cd");
    return place.folders?.map((folder) => posix.resolve(folder, text));
  }

  /** Only commands that were found to need the network are read for hosts: `echo https://x` reaches nothing. */
  networkHosts(): readonly string[] {
    const indices = new Set(
      this.findings.filter((finding) => finding.rule.startsWith("network.")).map((finding) => finding.command),
    );
    return [...new Set(this.commands.filter((_words, index) => indices.has(index)).flatMap(hostsOf))];
  }

  /** Parts that are harmless or askable alone and forbidden together. */
  combine(): void {
    const has = (trait: Trait) => this.#traits.has(trait);
    const secret =
      has("secret") ||
      this.findings.some((finding) => finding.rule.startsWith("secret.")) ||
      this.paths.some((use) => isSecretPath(use.text));
    this.secret = secret || this.findings.some((finding) => finding.rule === "git.config-read");
    const net = has("net") || has("net-upload") || has("fetch");
    if (has("stdin-shell") && net) this.find(deny("remote-code.fetch-and-run", "code from the network would be run"));
    const tied = has("shell") && this.findings.some((finding) => finding.rule === "network.dev-tcp");
    if (tied) this.find(deny("remote-code.dev-tcp", "this ties a shell to a network connection"));
    if (has("clone") && has("local-run"))
      this.find(deny("remote-code.fetch-and-run", "code from the network would be run"));
    if (has("fetch") && (has("shell") || has("local-run")))
      this.find(deny("remote-code.fetch-and-run", "code from the network would be run"));
    if (net && secret) this.find(deny("exfiltration.secret", "secrets would be sent over the network"));
    const reads = this.paths.some((use) => use.op === "read");
    if ((has("net-upload") && has("fetch")) || (has("piped-out") && reads))
      this.find(deny("exfiltration.upload", "workspace data would be sent over the network"));
  }
}
