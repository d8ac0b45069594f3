/** Reads the options of one command against its table: anything the table does not name is unknown. */
import type { PlainWord } from "./words.ts";

/**
 * Options of a command in one string of words: `abc` = single letters, `-name` = one long option with one dash,
 * `--name` = a long option. A suffix tells of a value: `:` text, `<` a path that is read, `>` a path that is
 * written, `=` an optional text value (`--color=auto`).
 */
export type OptionTable = ReadonlyMap<string, Value>;
type Value = "none" | "text" | "read" | "write" | "optional";

const SUFFIX: Record<string, Value> = { ":": "text", "<": "read", ">": "write", "=": "optional" };

/** Parses the table notation, for example `"lah n: --color= --exclude:"`. */
export function optionTable(notation: string): OptionTable {
  const table = new Map<string, Value>();
  for (const word of notation.split(/\s+/).filter(Boolean)) {
    const last = word.at(-1) ?? "";
    const value = SUFFIX[last] ?? "none";
    const name = value === "none" ? word : word.slice(0, -1);
    if (name.startsWith("-")) table.set(name, value);
    else for (const letter of name) table.set(`-${letter}`, value);
  }
  return table;
}

export interface ReadArguments {
  readonly operands: readonly PlainWord[];
  /** Options as given, with their value where they take one. */
  readonly options: readonly { readonly name: string; readonly value?: PlainWord; readonly use: Value }[];
  /** The first option the table does not name, or one whose value is missing. */
  readonly unknown?: string;
}

/** Splits `words` (without the command's name) into options and operands; a digit option `-20` counts when `-#` is in the table. */
export function readArguments(words: readonly PlainWord[], table: OptionTable): ReadArguments {
  const operands: PlainWord[] = [];
  const options: { name: string; value?: PlainWord; use: Value }[] = [];
  let unknown: string | undefined;
  for (let index = 0; index < words.length; index++) {
    const word = words[index];
    if (!word) break;
    if (word.text === "--" && word.kind === "literal") {
      operands.push(...words.slice(index + 1));
      break;
    }
    if (!word.text.startsWith("-") || word.text === "-" || word.kind === "dynamic") {
      operands.push(word);
      continue;
    }
    const taken = readOption(word, words[index + 1], table);
    if (!taken) {
      unknown ??= word.text;
      continue;
    }
    options.push(...taken.options);
    if (taken.tookNext) index++;
  }
  return { operands, options, ...(unknown === undefined ? {} : { unknown }) };
}

type Taken = { options: { name: string; value?: PlainWord; use: Value }[]; tookNext: boolean };

function readOption(word: PlainWord, next: PlainWord | undefined, table: OptionTable): Taken | undefined {
  const equals = word.text.indexOf("=");
  const name = equals > 0 ? word.text.slice(0, equals) : word.text;
  const whole = table.get(name);
  if (whole !== undefined && (name.startsWith("--") || name.length > 2)) {
    if (whole === "none") return equals > 0 ? undefined : { options: [{ name, use: whole }], tookNext: false };
    if (equals > 0)
      return {
        options: [{ name, use: whole, value: { ...word, tilde: false, text: word.text.slice(equals + 1) } }],
        tookNext: false,
      };
    if (whole === "optional") return { options: [{ name, use: whole }], tookNext: false };
    return next ? { options: [{ name, use: whole, value: next }], tookNext: true } : undefined;
  }
  if (name.startsWith("--")) return undefined;
  if (/^-\d+$/.test(word.text) && table.has("-#")) return { options: [{ name: "-#", use: "none" }], tookNext: false };
  return readCluster(word, next, table);
}

/** Single letters: `-rn`, `-n5`, `-n 5`. */
function readCluster(word: PlainWord, next: PlainWord | undefined, table: OptionTable): Taken | undefined {
  const options: Taken["options"] = [];
  for (let at = 1; at < word.text.length; at++) {
    const name = `-${word.text[at]}`;
    const use = table.get(name);
    if (use === undefined) return undefined;
    const rest = word.text.slice(at + 1);
    if (use === "none") {
      options.push({ name, use });
      continue;
    }
    if (rest !== "" || use === "optional") {
      options.push({ name, use, ...(rest === "" ? {} : { value: { ...word, tilde: false, text: rest } }) });
      return { options, tookNext: false };
    }
    return next ? { options: [...options, { name, use, value: next }], tookNext: true } : undefined;
  }
  return { options, tookNext: false };
}
