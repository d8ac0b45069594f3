/** Walks a parsed script and reports every simple command, redirection and construct in it. */

import { assignmentEntry, commandEntry, redirectEntry, wordEntry } from "./reading.ts";
import type {
  AndOr,
  Assignment,
  Command,
  CommandNode,
  CompoundList,
  Node,
  ParsedScript,
  PipelineNode,
  Redirection,
  Statement,
  TestExpression,
  Word,
  WordPart,
} from "./syntax.ts";
import { parseShell } from "./syntax.ts";
import { ask, deny, type Finding, type PathOp } from "./types.ts";
import { type KnownVariables, type PlainWord, plainWord } from "./words.ts";

/** Folders in which a command may stand: more than one after a `cd` that may have failed; undefined = unknown. */
export type Folders = readonly string[] | undefined;

/** What the walk tells its owner about one place in the script. */
export interface Visitor {
  find(finding: Finding): void;
  path(word: PlainWord, op: PathOp, folders: Folders): void;
  /** Returns the folders for what follows. */
  command(
    words: readonly PlainWord[],
    assignments: readonly { name: string; value: PlainWord | undefined }[],
    place: Place,
  ): Folders;
  pipeline(size: number): void;
  write(): void;
}

/** Where a command stands and what its variables are known to be. */
export interface Place {
  readonly folders: Folders;
  readonly vars: KnownVariables;
  /** Its standard input comes from a pipe, a file or the script itself. */
  readonly fed?: boolean;
}

export interface Walk {
  readonly place: Place;
  readonly visitor: Visitor;
  readonly depth: number;
  /** Gets what was read, for the second parser. */
  readonly entries: Set<string>;
}

const SHELL = /^(?:\/(?:usr\/)?bin\/)?(?:ba|z|da|k)?sh$/;

const NO_VARIABLES: KnownVariables = {};

/** Longest list of a `for` whose body is judged word by word. */
const MAX_LOOP = 16;

/** What a loop makes of its variable for one word of its list; no word that stands on a variable tells anything. */
function bound(name: string, { kind, text, tilde, variables }: PlainWord, plainName: boolean): KnownVariables {
  if (kind !== "dynamic" && !tilde) return { [name]: { text, glob: kind === "glob" } };
  return kind === "dynamic" && plainName && variables.length === 0 ? { [name]: null } : {};
}

/** True when anything in the body gives `name` another value: a loop, an assignment, `read`. */
function reassigns(body: CompoundList, name: string): boolean {
  const text = JSON.stringify(body);
  return new RegExp(
    `"name":(?:"${name}"|\\{[^{}]*"value":"${name}")|"value":"(?:read|mapfile|readarray|export|declare|local|let|eval|set|unset|getopts|printf|source|\\.)"`,
  ).test(text);
}

const literal = (text: string): PlainWord => ({ text, kind: "literal", quoted: true, variables: [] });

/** `{a,b}`, `{*,.*}` and `{1..5}` written out. */
function bracesOf({ type, text }: WordPart): readonly string[] | undefined {
  if (type !== "BraceExpansion") return undefined;
  if (/^\{[\w.@+*?-]*(?:,[\w.@+*?-]*)+\}$/.test(text)) return text.slice(1, -1).split(",");
  const [, first, last] = /^\{(\d{1,4})\.\.(\d{1,4})\}$/.exec(text) ?? [];
  const count = Number(last) - Number(first) + 1;
  if (!(count >= 1 && count <= MAX_LOOP) || /^0\d/.test(first ?? "")) return undefined;
  return Array.from({ length: count }, (_, at) => String(Number(first) + at));
}

const same = (a: Folders, b: Folders) => a === b || (a?.length === b?.length && a?.join("\n") === b?.join("\n"));

/** Every folder in which the rest may run; so many that nobody can say are an unknown folder. */
function either(a: Folders, b: Folders): Folders {
  const all = a && b ? [...new Set([...a, ...b])] : undefined;
  return all && all.length <= 8 ? all : undefined;
}

const entryOf = (part: Word | Assignment): string =>
  part.type === "Assignment" ? part.text : part.parts ? wordEntry(part.text, () => part.value) : part.value;

function wordEntries(name: Word, args: Command["args"]): readonly string[] {
  const words = [entryOf(name)];
  for (const part of args) words.push(entryOf(part));
  return words;
}

function redirectTarget(redirect: Redirection): string {
  if (redirect.type === "HereDoc") return redirect.delimiter?.text ?? "";
  return redirect.target ? entryOf(redirect.target) : "";
}

const fedBy = (redirects: readonly Redirection[], place: Place): Place =>
  redirects.some(({ operator }) => operator.startsWith("<")) ? { ...place, fed: true } : place;

/** Walks `script`; constructs that are not understood become findings. */
export function walkScript(script: ParsedScript, options: Walk): void {
  const { visitor, depth, entries } = options;
  if (depth > 8) return visitor.find(ask("shell.too-deep", "the command is nested too deeply to follow"));
  if (script.errors && script.errors.length > 0)
    visitor.find(ask("shell.syntax", `the shell syntax is not clear: ${script.errors[0]?.message ?? ""}`));
  let runs = 1;
  list(script.commands, options.place);

  function list(statements: readonly Statement[], start: Place): Folders {
    let { folders } = start;
    for (const statement of statements) {
      const after = andOr(statement.command, { ...start, folders });
      // Without `&&` the next statement runs even where a `cd` failed.
      if (!statement.background && !same(after, folders)) folders = either(folders, after);
    }
    return folders;
  }

  function andOr(node: AndOr | PipelineNode, start: Place): Folders {
    if (node.type !== "AndOr") return pipeline(node, start);
    let { folders } = start;
    let moved = false;
    for (const [index, part] of node.commands.entries()) {
      const after = pipeline(part, { ...start, folders });
      // After `cd x || y` nobody knows in which folder the rest runs.
      moved ||= !same(after, folders);
      folders = moved && node.operators[index] === "||" ? undefined : after;
    }
    return folders;
  }

  function pipeline(node: PipelineNode, place: Place): Folders {
    if (node.type !== "Pipeline") return single(node, place);
    if (node.commands.length > 1) visitor.pipeline(node.commands.length);
    if (node.commands.length === 1 && node.commands[0]) return single(node.commands[0], place);
    for (const [index, part] of node.commands.entries()) {
      single(part, index > 0 ? { ...place, fed: true } : place);
      const next = node.commands[index + 1];
      if (next?.type === "Command" && SHELL.test(next.name?.value ?? "")) echoed(part, place);
    }
    return place.folders;
  }

  /** `echo … | sh` */
  function echoed(node: CommandNode, place: Place): void {
    if (node.type !== "Command" || !/^(?:echo|printf)$/.test(node.name?.value ?? "")) return;
    const words = node.args.map((part) => (part.type === "Assignment" ? undefined : operand(part, place)));
    const text = words
      .map((word) => (word?.kind === "literal" && !/^-\w+$/.test(word.text) ? word.text : ""))
      .join(" ");
    told(literal(text), place);
  }

  function single(node: CommandNode, place: Place): Folders {
    switch (node.type) {
      case "Command":
        return simple(node, place);
      case "Subshell":
        list(node.body.commands, place);
        return place.folders;
      case "BraceGroup":
        return list(node.body.commands, place);
      case "If": {
        const branches = node.elif.flatMap((elif) => [elif.clause, elif.then]);
        for (const body of [node.clause, node.then, ...branches, ...(node.else ? [node.else] : [])])
          branch(body, place);
        return place.folders;
      }
      case "While":
        branch(node.clause, place);
        branch(node.body, place);
        return place.folders;
      case "For":
        entries.add(commandEntry(node.pos, ["for", ...[node.name, ...(node.wordlist ?? [])].map(entryOf)]));
        loop(node.name.value, node.wordlist ?? [], node.body, place);
        return place.folders;
      case "TestCommand":
        condition(node.expression, place);
        return place.folders;
      case "Redirected":
        for (const redirect of node.redirects) redirection(redirect, place);
        return single(node.command, fedBy(node.redirects, place));
      default:
        visitor.find(ask("shell.construct", `${node.type} is not followed`));
        unfollowed(node, place);
        return undefined;
    }
  }

  /** What stands in it is judged all the same: what is never done is not done here either. */
  function unfollowed(node: CommandNode, place: Place): void {
    const somewhere = { ...place, vars: NO_VARIABLES };
    if (node.type === "Case") for (const item of node.items) list(item.body.commands, somewhere);
    const body = "body" in node && typeof node.body !== "string" ? node.body : undefined;
    if (body) body.type === "CompoundList" ? list(body.commands, somewhere) : single(body, somewhere);
  }

  /** A body that may or may not run: what it does to the folder is not known afterwards. */
  function branch(body: CompoundList, place: Place): void {
    if (!same(list(body.commands, place), place.folders))
      visitor.find(ask("shell.construct", "a conditional cd is not followed"));
  }

  /** The body once for each word of the list, where the variable stays what the list says. */
  function loop(name: string, words: readonly Word[], body: CompoundList, place: Place): void {
    const values = words.flatMap((word) => expanded(word) ?? [operand(word, place)]);
    runs *= Math.max(1, values.length);
    const plainName = /^[a-z]\w*$/.test(name) && !reassigns(body, name);
    // An unquoted variable is split and globbed again: only words that stay what they are can be put in.
    const plainValues = values.every((value) => value.kind === "glob" || /^[\w./@+:=-]+$/.test(value.text));
    if (!plainName || !plainValues || values.length === 0 || runs > MAX_LOOP) {
      visitor.find(ask("shell.construct", `a loop over ${name} is not followed`));
    }
    const { [name]: _shadowed, ...vars } = place.vars;
    for (const value of runs > MAX_LOOP ? [] : values) {
      branch(body, { ...place, vars: { ...vars, ...bound(name, value, plainName) } });
    }
    if (runs > MAX_LOOP) branch(body, { ...place, vars });
    runs /= Math.max(1, values.length);
  }

  /** `[[ … ]]`: file tests and comparisons of plain words. */
  function condition(node: TestExpression, place: Place): void {
    switch (node.type) {
      case "TestLogical":
        for (const part of node.operands) condition(part, place);
        return;
      case "TestNot":
      case "TestGroup":
        return condition("operand" in node ? node.operand : node.expression, place);
      case "TestUnary":
        if (/^-[vRo]$/.test(node.operator))
          visitor.find(ask("shell.arithmetic", `[[ ${node.operator} evaluates more than its text`));
        if (/^-[a-hkprstuwxLOGNS]$/.test(node.operator)) named(node.operand, place);
        return plain(node.operand, place);
      default:
        if (/^-(?:eq|ne|lt|le|gt|ge)$/.test(node.operator))
          visitor.find(ask("shell.arithmetic", "arithmetic can evaluate hidden commands"));
        plain(node.left, place);
        plain(node.right, place);
    }
  }

  /** A path that a file test looks at. */
  function named(word: Word, place: Place): void {
    const path = operand(word, place);
    if (path.kind !== "dynamic") visitor.path(path, "read", place.folders);
  }

  function plain(word: Word, place: Place): void {
    const { kind, text } = operand(word, place);
    if (kind === "dynamic") visitor.find(ask("shell.dynamic", `${text} is only known when it runs`));
  }

  function operand(word: Word, place: Place): PlainWord {
    if (!word.parts) return plainWord(word, NO_VARIABLES);
    substitutions(word, place);
    const here = place.folders?.length === 1 ? place.folders[0] : undefined;
    const { PWD: _stale, ...vars } = place.vars;
    return plainWord(word, here === undefined ? vars : { ...vars, PWD: here });
  }

  function simple(node: Command, place: Place): Folders {
    if (node.name) entries.add(commandEntry(node.name.pos, wordEntries(node.name, node.args)));
    const assignments = node.prefix
      .filter((part): part is Assignment => part.type === "Assignment")
      .map((part) => {
        entries.add(assignmentEntry(part.text));
        return assignment(part, place);
      });
    for (const redirect of node.redirects) redirection(redirect, place);
    if (!node.name) {
      visitor.command([], assignments, place);
      return place.folders;
    }
    const words = [operand(node.name, place)];
    for (const part of node.args) {
      if (part.type === "Assignment") words.push(assigned(part, place));
      else words.push(...(expanded(part) ?? [operand(part, place)]));
    }
    if (words[0]?.kind === "literal" && SHELL.test(words[0].text)) spoken(node.redirects, place);
    return visitor.command(words, assignments, fedBy(node.redirects, place));
  }

  /** A text that the script itself holds and feeds to a shell. */
  function spoken(redirects: readonly Redirection[], place: Place): void {
    for (const redirect of redirects) {
      if (redirect.type === "HereString" && redirect.target) told(operand(redirect.target, place), place);
      if (redirect.type === "HereDoc" && !redirect.body.parts) told(literal(redirect.body.text), place);
    }
  }

  function told({ kind, text }: PlainWord, place: Place): void {
    if (kind === "literal") walkScript(parseShell(text), { visitor, place, depth: depth + 1, entries: new Set() });
  }

  function assigned(part: Assignment, place: Place): PlainWord {
    const kind = assignment(part, place).value?.kind ?? "dynamic";
    return { text: part.text, kind, quoted: false, variables: [] };
  }

  /** `src/{a,b}.ts` is two plain words. */
  function expanded(word: Word): PlainWord[] | undefined {
    if (!word.parts?.some((part) => part.type === "BraceExpansion")) return undefined;
    let texts = [""];
    for (const part of word.parts) {
      const choices = part.type === "Literal" || part.type === "Glob" ? [part.value] : bracesOf(part);
      if (!choices || texts.length * choices.length > MAX_LOOP) return undefined;
      texts = texts.flatMap((text) => choices.map((choice) => text + choice));
    }
    return texts.map((text) => ({
      ...literal(text),
      kind: /[*?[]/.test(text) ? "glob" : "literal",
      quoted: false,
      ...(text.startsWith("~") ? { tilde: true } : {}),
    }));
  }

  function assignment(part: Assignment, place: Place): { name: string; value: PlainWord | undefined } {
    if (part.index || part.value.type === "ArrayValue") {
      visitor.find(ask("shell.arithmetic", "array assignments evaluate their index"));
      return { name: part.name, value: undefined };
    }
    return { name: part.name, value: operand(part.value, place) };
  }

  function redirection(redirect: Redirection, place: Place): void {
    entries.add(redirectEntry(redirect.operator, redirectTarget(redirect)));
    if (redirect.type === "HereString") {
      const word = redirect.target ? operand(redirect.target, place) : undefined;
      if (word?.kind === "dynamic") visitor.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
      return;
    }
    if (redirect.type === "HereDoc") {
      if (!redirect.closing) visitor.find(ask("shell.syntax", "the here-document has no end"));
      const expands = redirect.body.parts?.some((part) => part.type !== "Literal");
      if (expands) visitor.find(ask("shell.dynamic", "the here-document is only known when it runs"));
      for (const part of redirect.body.parts ?? []) substitutions(part, place);
      return;
    }
    if (redirect.descriptor?.type === "FileDescriptorVariable")
      visitor.find(ask("shell.construct", "a file descriptor in a variable is not followed"));
    if (!redirect.target) return visitor.find(ask("shell.syntax", "a redirection has no target"));
    const word = operand(redirect.target, place);
    if (/^[<>]&$/.test(redirect.operator) && /^\d+$|^-$/.test(word.text)) return;
    if (/^\/proc\/[^/]+\/(?:mem|fd|root)(?:\/|$)/.test(word.text) && !word.text.startsWith("/proc/self/")) {
      return visitor.find(deny("tamper.process", "this reaches into another process"));
    }
    if (word.kind !== "literal")
      return visitor.find(ask("shell.dynamic", `the redirection target ${word.text} is only known when it runs`));
    if (/^\/dev\/(?:tcp|udp)\//.test(word.text)) {
      return visitor.find(
        redirect.operator === ">" || redirect.operator === "<"
          ? ask("network.dev-tcp", "this opens a network connection", "high")
          : deny("remote-code.dev-tcp", "this ties a shell to a network connection"),
      );
    }
    if (/^\/dev\/(?:pts\/|tty|console|vcs)/.test(word.text))
      return visitor.find(deny("tamper.terminal", "this writes to the person's terminal"));
    if (word.text === "/dev/null" || word.text === "/dev/stdout" || word.text === "/dev/stderr") return;
    const reads = redirect.operator === "<";
    if (!reads) visitor.write();
    visitor.path(word, reads ? "read" : "write", place.folders);
  }

  /** Command and process substitutions anywhere inside a word run as scripts of their own. */
  function substitutions(node: Node, place: Place): void {
    if ((node.type === "CommandExpansion" || node.type === "ProcessSubstitution") && node.script) {
      walkScript(node.script, { visitor, place, depth: depth + 1, entries });
      return;
    }
    if (node.type === "ArithmeticExpansion")
      visitor.find(ask("shell.arithmetic", "arithmetic can evaluate hidden commands"));
    if (node.type === "ParameterExpansion" && node.operation && "operand" in node.operation && node.operation.operand)
      substitutions(node.operation.operand, place);
    for (const child of "parts" in node && node.parts ? node.parts : []) substitutions(child, place);
  }
}
