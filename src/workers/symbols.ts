/** Definitions and uses in source files, by tree-sitter; runs in a worker. */
import { Language as Grammar, Parser, Query } from "web-tree-sitter";
import type { Language } from "../base/languages.ts";
import type { Definition, FileSymbols, Jobs } from "../core/ports/workers.ts";
import { QUERIES } from "./queries.ts";

interface Reader {
  readonly parser: Parser;
  readonly query: Query;
}

/** Grammars of this thread: each is compiled once. */
const readers = new Map<Language, Promise<Reader>>();
let started: Promise<void> | undefined;

export async function parseFiles(input: Jobs["parse"]["input"]): Promise<readonly Uint8Array[]> {
  const { language, files } = input;
  const known = readers.get(language) ?? open(input);
  readers.set(language, known);
  const reader = await known;
  return files.map((bytes) => Buffer.from(JSON.stringify(symbolsOf(bytes, reader, language))));
}

async function open({ language, runtime, grammar }: Jobs["parse"]["input"]): Promise<Reader> {
  // WebAssembly does not take shared memory.
  started ??= Parser.init({ wasmBinary: Uint8Array.from(runtime) });
  await started;
  const loaded = await Grammar.load(Uint8Array.from(grammar));
  return { parser: new Parser().setLanguage(loaded), query: new Query(loaded, QUERIES[language]) };
}

const NONE: FileSymbols = { defs: [], refs: [] };

function symbolsOf(bytes: Uint8Array, { parser, query }: Reader, language: Language): FileSymbols {
  if (bytes.includes(0)) return NONE;
  const text = new TextDecoder().decode(bytes);
  const tree = parser.parse(text);
  if (!tree) return NONE;
  const defs: Definition[] = [];
  const refs = new Map<string, number>();
  const named = new Set<number>();
  const open: { kind: string; start: number; row: number }[] = [];
  for (const { name: capture, node } of query.captures(tree.rootNode)) {
    const start = node.startIndex;
    if (capture === "ref" || capture === "member") {
      const name = nameAt(text, start, language);
      const used = capture === "member" ? `.${name}` : name;
      if (name !== "" && !named.has(start)) refs.set(used, (refs.get(used) ?? 0) + 1);
    } else if (capture === "name") {
      const whole = open.pop();
      const name = nameAt(text, start, language);
      if (!whole || name === "" || named.has(start)) continue;
      named.add(start);
      if (whole.kind === "const" && isLocal(text, whole.start, language)) continue;
      defs.push([name, whole.kind, whole.row + 1, signatureAt(text, whole.start)]);
    } else open.push({ kind: capture, start, row: node.startPosition.row });
  }
  tree.delete();
  return { defs, refs: [...refs].flat() };
}

/** A constant that is indented belongs to a function or class; one in a list of Go's is not. */
function isLocal(text: string, start: number, language: Language): boolean {
  const line = text.slice(text.lastIndexOf("\n", start - 1) + 1, start);
  return !(language === "go" ? /^(?:const |\t)?$/ : /^(?:export )?$/).test(line);
}

const NAME = /[\p{L}_$~][\p{L}\p{N}_$]*/uy;
const RUBY_NAME = /[\p{L}_][\p{L}\p{N}_]*[?!=]?/uy;
/** Longer names are made by machines. */
const MAX_NAME = 120;

/** The name that begins at `at`; "" for an operator. */
function nameAt(text: string, at: number, language: Language): string {
  const pattern = language === "ruby" ? RUBY_NAME : NAME;
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].slice(0, MAX_NAME) ?? "";
}

const MAX_SIGNATURE = 160;
/** A value that is a function belongs to the signature up to its body; any other value may be secret. */
const FUNCTION = /=\s*(?:async\s*)?(?:\(|function\b|[\w$]+\s*=>)/y;

/** A definition's text up to its body, value or the end of its line outside brackets, with single spaces. */
function signatureAt(text: string, start: number): string {
  const end = Math.min(text.length, start + 4 * MAX_SIGNATURE);
  let depth = 0;
  let at = start;
  for (; at < end; at++) {
    const char = text[at];
    if (char === "(" || char === "[") depth++;
    else if (char === ")" || char === "]") depth--;
    else if (depth > 0) continue;
    else if (char === "{" || char === "\n" || char === ";") break;
    else if (char === "=") {
      FUNCTION.lastIndex = at;
      if (text[at + 1] === ">" || !FUNCTION.test(text)) break;
    }
  }
  const plain = text.slice(start, at).replace(/\s+/g, " ").trim().replace(/:$/, "");
  return plain.length > MAX_SIGNATURE ? `${plain.slice(0, MAX_SIGNATURE - 1)}…` : plain;
}
