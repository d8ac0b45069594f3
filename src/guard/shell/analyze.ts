/** Judges a shell command: every part by its rule, then the combinations of parts. */

import { isSecretPath } from "../../base/secret-names.ts";
import { gitRule } from "./commands/git.ts";
import { readCommands } from "./commands/read.ts";
import { localProgram, runCommands } from "./commands/run.ts";
import { systemCommands } from "./commands/system.ts";
import { awkRule, findRule, sedRule } from "./commands/text-programs.ts";
import { assignmentRule, wrapperCommands } from "./commands/wrappers.ts";
import { writeCommands } from "./commands/write.ts";
import { parseShell, strictSubset } from "./syntax.ts";
import { ask, type CommandRule, deny, type Finding, type PathUse, type Report, type Trait } from "./types.ts";
import { type Place, type Visitor, walkScript } from "./walk.ts";
import type { PlainWord } from "./words.ts";

export interface ShellAnalysis {
  readonly findings: readonly Finding[];
  readonly paths: readonly PathUse[];
  /** Names and words of every simple command, wrappers taken off; dynamic words as written. */
  readonly commands: readonly (readonly string[])[];
  /** Nothing in it can change a file or run the project's code. */
  readonly readOnly: boolean;
  /** The exit code is that of the last simple command of an `&&` list: no pipes, `||`, `;` or `&` after it. */
  readonly exitIsLast: boolean;
}

const RULES: Readonly<Record<string, CommandRule>> = {
  ...readCommands,
  ...writeCommands,
  ...runCommands,
  ...systemCommands,
  ...wrapperCommands,
  git: gitRule,
  find: findRule,
  sed: sedRule,
  gsed: sedRule,
  awk: awkRule,
  gawk: awkRule,
  mawk: awkRule,
  cd: () => undefined,
  pushd: () => undefined,
};

/** Analyses `command` as run by bash in folder `cwd` by a user whose home is `home`. */
export function analyzeShell(command: string, cwd: string, home: string): ShellAnalysis {
  const state = new Analysis(home);
  const strict = strictSubset(command);
  if (strict) state.findings.push(strict);
  if (!strict || strict.decision === "ask") {
    const script = parseShell(command);
    walkScript(script, { cwd, home, visitor: state, depth: 0 });
    const only = script.commands.length === 1 ? script.commands[0] : undefined;
    const tree = only && !only.background ? only.command : undefined;
    state.exitIsLast =
      tree?.type === "Command" ||
      (tree?.type === "AndOr" &&
        tree.operators.every((operator) => operator === "&&") &&
        tree.commands.every((part) => part.type === "Command"));
  }
  if (state.findings.length === 0 && state.commands.length === 0 && command.trim() === "")
    state.findings.push(ask("shell.empty", "there is no command"));
  state.combine();
  return state;
}

/** Words that no command may be given: control sockets, memory and descriptors of other processes, terminals. */
function reachesOut(text: string): Finding | undefined {
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
  readonly #traits = new Set<Trait>();
  readonly #home: string;
  readOnly = true;
  exitIsLast = false;

  constructor(home: string) {
    this.#home = home;
  }

  find(finding: Finding): void {
    this.findings.push(finding);
  }

  pipeline(): void {
    this.exitIsLast = false;
  }

  write(): void {
    this.readOnly = false;
  }

  path(word: PlainWord, op: PathUse["op"], cwd: string | undefined, recursive = false): void {
    if (cwd === undefined && !/^[/~]/.test(word.text)) {
      this.find(ask("shell.unknown-folder", `the folder in which ${word.text} is meant is not known`));
      return;
    }
    const text =
      word.text === "~" || word.text.startsWith("~/") ? (word.quoted ? `./${word.text}` : word.text) : word.text;
    this.paths.push({ text, op, glob: word.kind === "glob", cwd: cwd ?? "/", recursive });
  }

  command(
    words: readonly PlainWord[],
    assignments: readonly { name: string; value: PlainWord | undefined }[],
    place: Place,
  ): string | undefined {
    const report = this.#report(place);
    for (const { name, value } of assignments) assignmentRule(name, value, report);
    if (words.length === 0) return place.cwd;
    return this.#judge(words, place, false, 0);
  }

  #report(place: Place, depth = 0): Report {
    return {
      find: (finding) => this.find(finding),
      path: (word, op, options) => this.path(word, op, place.cwd, options?.recursive),
      effect: () => this.write(),
      mark: (trait) => void this.#traits.add(trait),
      script: (code) => this.#script(code, place, depth),
      inner: (words, options) => void this.#judge(words, place, options?.fed ?? false, depth + 1),
      enter: () => undefined,
    };
  }

  /** Code as text: judged like the command itself where it is literal. */
  #script(code: PlainWord, place: Place, depth: number): void {
    if (code.kind !== "literal" || depth > 4)
      return this.find(ask("shell.dynamic", `${code.text} is only known when it runs`));
    walkScript(parseShell(code.text), { cwd: place.cwd, home: this.#home, visitor: this, depth: depth + 1 });
  }

  #judge(words: readonly PlainWord[], place: Place, fed: boolean, depth: number): string | undefined {
    const [head, ...args] = words;
    if (!head) return place.cwd;
    this.commands.push(words.map((word) => word.text));
    for (const word of words) {
      const reach = reachesOut(word.text);
      if (reach) this.find(reach);
    }
    if (depth > 8) {
      this.find(ask("shell.too-deep", "the command is nested too deeply to follow"));
      return place.cwd;
    }
    if (head.kind !== "literal") {
      this.find(ask("shell.dynamic-command", `which program ${head.text} starts is only known when it runs`));
      this.#traits.add("shell");
      return place.cwd;
    }
    if (head.quoted) this.find(ask("shell.quoted-command", "the command's name is written with quotes or escapes"));
    const name = head.text.replace(/^\/(?:usr\/)?(?:local\/)?s?bin\//, "");
    if (name === "cd" || name === "pushd") return this.#changeFolder(args, place);
    const rule = RULES[name] ?? (name.includes("/") ? localProgram : undefined);
    if (!rule || (!Object.hasOwn(RULES, name) && !name.includes("/"))) {
      this.write();
      this.find(ask("shell.unknown-command", `${name} is not a command this policy knows`));
      return place.cwd;
    }
    rule({ name, args, cwd: place.cwd ?? "/", fed }, this.#report(place, depth));
    return place.cwd;
  }

  #changeFolder(args: readonly PlainWord[], place: Place): string | undefined {
    const target = args.find((word) => word.text !== "--" && !/^-[LP]$/.test(word.text));
    if (target?.kind !== "literal" || target.text === "-") {
      this.find(ask("shell.unknown-folder", "the folder after this cd is not known"));
      return undefined;
    }
    this.path(target, "enter", place.cwd);
    if (target.text.startsWith("/")) return target.text;
    if (target.text === "~" || target.text.startsWith("~/")) return this.#home + target.text.slice(1);
    return place.cwd === undefined ? undefined : `${place.cwd}/${target.text}`;
  }

  /** Parts that are harmless or askable alone and forbidden together. */
  combine(): void {
    const has = (trait: Trait) => this.#traits.has(trait);
    const secretPath =
      this.findings.some((finding) => finding.rule.startsWith("secret.")) ||
      this.paths.some((use) => isSecretPath(use.text));
    if (has("stdin-shell") && (has("net") || has("fetch")))
      this.find(deny("remote-code.fetch-and-run", "code from the network would be run"));
    if (has("fetch") && (has("shell") || has("local-run")))
      this.find(deny("remote-code.fetch-and-run", "code from the network would be run"));
    if (has("net-upload") && (has("fetch") || has("shell")) && has("secret"))
      this.find(deny("exfiltration.secret", "secrets would be sent away"));
    if ((has("net") || has("net-upload")) && (has("secret") || secretPath))
      this.find(deny("exfiltration.secret", "secrets would be sent over the network"));
    if (has("net-upload") && has("fetch"))
      this.find(deny("exfiltration.upload", "workspace data would be sent over the network"));
  }
}
