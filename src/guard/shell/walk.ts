/** Walks a parsed script and reports every simple command, redirection and construct in it. */
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
  Word,
} from "./syntax.ts";
import { ask, deny, type Finding, type PathOp } from "./types.ts";
import { type KnownVariables, type PlainWord, plainWord } from "./words.ts";

/** What the walk tells its owner about one place in the script. */
export interface Visitor {
  find(finding: Finding): void;
  path(word: PlainWord, op: PathOp, cwd: string | undefined): void;
  /** Returns the folder for what follows. */
  command(
    words: readonly PlainWord[],
    assignments: readonly { name: string; value: PlainWord | undefined }[],
    place: Place,
  ): string | undefined;
  pipeline(size: number): void;
  write(): void;
}

/** Where a command stands. `cwd` undefined = not known any more. */
export interface Place {
  readonly cwd: string | undefined;
  readonly piped: boolean;
}

const known = (home: string, cwd: string | undefined): KnownVariables => ({
  HOME: home,
  ...(cwd === undefined ? {} : { PWD: cwd }),
});

/** Walks `script` from folder `cwd`; constructs that are not understood become findings. */
export function walkScript(
  script: ParsedScript,
  options: { cwd: string | undefined; home: string; visitor: Visitor; depth: number },
): void {
  const { home, visitor, depth } = options;
  if (depth > 8) return visitor.find(ask("shell.too-deep", "the command is nested too deeply to follow"));
  if (script.errors && script.errors.length > 0)
    visitor.find(ask("shell.syntax", `the shell syntax is not clear: ${script.errors[0]?.message ?? ""}`));
  list(script.commands, options.cwd);

  function list(statements: readonly Statement[], start: string | undefined): string | undefined {
    let cwd = start;
    for (const statement of statements) {
      const after = andOr(statement.command, cwd);
      cwd = statement.background ? cwd : after;
    }
    return cwd;
  }

  function andOr(node: AndOr | PipelineNode, start: string | undefined): string | undefined {
    if (node.type !== "AndOr") return pipeline(node, start);
    let cwd = start;
    for (const [index, part] of node.commands.entries()) {
      const after = pipeline(part, cwd);
      // After `cd x || y` nobody knows in which folder the rest runs.
      cwd = after !== cwd && node.operators[index] === "||" ? undefined : after;
    }
    return cwd;
  }

  function pipeline(node: PipelineNode, cwd: string | undefined): string | undefined {
    if (node.type !== "Pipeline") return single(node, { cwd, piped: false });
    if (node.commands.length > 1) visitor.pipeline(node.commands.length);
    if (node.commands.length === 1 && node.commands[0]) return single(node.commands[0], { cwd, piped: false });
    for (const part of node.commands) single(part, { cwd, piped: true });
    return cwd;
  }

  function single(node: CommandNode, place: Place): string | undefined {
    switch (node.type) {
      case "Command":
        return simple(node, place);
      case "Subshell":
        list(node.body.commands, place.cwd);
        return place.cwd;
      case "BraceGroup":
        return list(node.body.commands, place.cwd);
      case "If":
        for (const body of [
          node.clause,
          node.then,
          ...node.elif.flatMap((elif) => [elif.clause, elif.then]),
          ...(node.else ? [node.else] : []),
        ])
          branch(body, place);
        return place.cwd;
      case "While":
        branch(node.clause, place);
        branch(node.body, place);
        return place.cwd;
      case "For":
        for (const word of node.wordlist ?? []) operand(word, place);
        branch(node.body, place);
        return place.cwd;
      case "Redirected":
        for (const redirect of node.redirects) redirection(redirect, place);
        return single(node.command, place);
      default:
        visitor.find(ask("shell.construct", `${node.type} is not followed`));
        return undefined;
    }
  }

  /** A body that may or may not run: what it does to the folder is not known afterwards. */
  function branch(body: CompoundList, place: Place): void {
    if (list(body.commands, place.cwd) !== place.cwd)
      visitor.find(ask("shell.construct", "a conditional cd is not followed"));
  }

  function operand(word: Word, place: Place): PlainWord {
    substitutions(word, place);
    return plainWord(word, known(home, place.cwd));
  }

  function simple(node: Command, place: Place): string | undefined {
    const assignments = node.prefix
      .filter((part): part is Assignment => part.type === "Assignment")
      .map((part) => assignment(part, place));
    for (const redirect of node.redirects) redirection(redirect, place);
    if (!node.name) {
      visitor.command([], assignments, place);
      return place.cwd;
    }
    const args = node.args.map((part) => {
      if (part.type !== "Assignment") return operand(part, place);
      const value = assignment(part, place).value;
      return { text: part.text, kind: value?.kind ?? "dynamic", quoted: false, variables: [] } satisfies PlainWord;
    });
    return visitor.command([operand(node.name, place), ...args], assignments, place);
  }

  function assignment(part: Assignment, place: Place): { name: string; value: PlainWord | undefined } {
    if (part.index || part.value.type === "ArrayValue") {
      visitor.find(ask("shell.arithmetic", "array assignments evaluate their index"));
      return { name: part.name, value: undefined };
    }
    return { name: part.name, value: operand(part.value, place) };
  }

  function redirection(redirect: Redirection, place: Place): void {
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
    visitor.path(word, reads ? "read" : "write", place.cwd);
  }

  /** Command and process substitutions anywhere inside a word run as scripts of their own. */
  function substitutions(node: Node, place: Place): void {
    if ((node.type === "CommandExpansion" || node.type === "ProcessSubstitution") && node.script) {
      walkScript(node.script, { ...options, cwd: place.cwd, depth: depth + 1 });
      return;
    }
    if (node.type === "ArithmeticExpansion")
      visitor.find(ask("shell.arithmetic", "arithmetic can evaluate hidden commands"));
    for (const child of "parts" in node && node.parts ? node.parts : []) substitutions(child, place);
  }
}
