/** What a shell word says before the shell runs: its literal text, a glob, or something only known at run time. */
import type { Assignment, Script, Word, WordPart } from "unbash";

export interface PlainWord {
  /** Literal text after quote removal; for a glob its pattern; for a dynamic word its source. */
  readonly text: string;
  /** `glob`: expanded by the shell over file names. `dynamic`: unknown until it runs. */
  readonly kind: "literal" | "glob" | "dynamic";
  /** Quotes or escapes stand in it: harmless in an operand, suspicious in a command name. */
  readonly quoted: boolean;
  /** Names of variables the word expands. */
  readonly variables: readonly string[];
  /** The word begins with a tilde that the shell expands: not quoted, not escaped. */
  readonly tilde?: boolean;
}

/**
 * Variables whose value is known before the command runs; a loop over a glob makes its variable one. `null`: the script
 * itself gives it a value that only shows when it runs, so it holds nothing of the environment.
 */
export interface KnownVariables {
  readonly [name: string]: string | { readonly text: string; readonly glob: boolean } | null;
}

const NONE: readonly string[] = [];

/** Reads a word. `known` values are put in; every other expansion makes the word dynamic. */
export function plainWord(word: Word | Assignment, known: KnownVariables): PlainWord {
  if (word.type === "Assignment") return { text: word.text, kind: "dynamic", quoted: true, variables: [] };
  if (!word.parts) {
    const plain = { text: word.value, kind: "literal", quoted: word.text !== word.value, variables: NONE } as const;
    return word.text.startsWith("~") ? { ...plain, tilde: true } : plain;
  }
  const state = { text: "", glob: false, dynamic: false, variables: [] as string[] };
  for (const part of word.parts) readPart(part, known, state);
  const kind = state.dynamic ? "dynamic" : state.glob ? "glob" : "literal";
  return {
    text: state.dynamic ? word.text : state.text,
    kind,
    quoted: word.text !== word.value,
    variables: state.variables,
    ...(word.text.startsWith("~") ? { tilde: true } : {}),
  };
}

interface State {
  text: string;
  glob: boolean;
  dynamic: boolean;
  variables: string[];
}

function readPart(part: WordPart, known: KnownVariables, state: State): void {
  switch (part.type) {
    case "Literal":
    case "SingleQuoted":
    case "AnsiCQuoted":
      state.text += part.value;
      return;
    case "DoubleQuoted":
      for (const child of part.parts) {
        // Without quotes its words would be split and expanded again.
        const told = child.type === "CommandExpansion" && child.script ? saidAs(child.script) : undefined;
        if (told === undefined) readPart(child, known, state);
        else state.text += told;
      }
      return;
    case "Glob":
      state.glob = true;
      state.text += part.value;
      return;
    case "SimpleExpansion":
      return readVariable(part.text.replace(/^\$/, ""), known, state);
    case "ParameterExpansion":
      if (!part.prefix && !part.index && (!part.operation || keepsValue(part.operation, known[part.parameter]))) {
        return readVariable(part.parameter, known, state);
      }
      state.variables.push(part.parameter);
      state.dynamic = true;
      return;
    case "ProcessSubstitution":
      // Its script is judged by the walk; as an operand it is a stream, like `-`.
      if (part.operator === "<") state.text += "-";
      else state.dynamic = true;
      return;
    default:
      state.dynamic = true;
  }
}

/** `$(cat <<'EOF' …)` says what stands in it, without its last line ends. */
function saidAs({ commands: [only, ...more] }: Script): string | undefined {
  const command = more.length === 0 && !only?.background ? only?.command : undefined;
  if (command?.type !== "Command" || command.name?.text !== "cat") return undefined;
  if (command.args.length + command.prefix.length > 0 || command.redirects.length !== 1) return undefined;
  const [text] = command.redirects;
  const literal = text?.type === "HereDoc" && text.operator === "<<" && text.delimiter?.quoted && text.closing;
  return literal ? text.body.text.replace(/\n+$/, "") : undefined;
}

/** `${HOME:-x}` and `${HOME:?}` are the value of a variable that is set. */
function keepsValue(
  operation: { readonly type: string; readonly operator?: string },
  value: KnownVariables[string] | undefined,
): boolean {
  return (
    typeof value === "string" &&
    value !== "" &&
    operation.type === "Default" &&
    /^:?[-?=]$/.test(operation.operator ?? "")
  );
}

/** Numbers about the shell itself: they can carry nothing but digits. */
const NUMERIC = new Set(["?", "#", "$"]);

function readVariable(name: string, known: KnownVariables, state: State): void {
  const value = known[name];
  if (value === null) {
    state.dynamic = true;
    return;
  }
  state.variables.push(name);
  if (typeof value === "string") state.text += value;
  else if (value) {
    state.text += value.text;
    state.glob ||= value.glob;
  } else if (NUMERIC.has(name)) state.text += "0";
  else state.dynamic = true;
}
