/** Splits a question into tokens that are compared exactly; their kinds say what a difference is about. */
import { NEGATIONS, NUMBER_WORDS, OPPOSITES, UNITS } from "./words.ts";

export type TokenKind =
  | "quoted"
  | "flag"
  | "version"
  | "number"
  | "path"
  | "identifier"
  | "negation"
  | "opposite"
  | "word"
  | "mark";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** The article that stood before it. */
  readonly article?: "a" | "the";
}

/** Quoted spans whole, spaces within included; other text up to the next white space. */
const RUN =
  /\s+|(?:```[\s\S]*?```|`[^`]*`|"[^"]*"|“[^”]*”|«[^»]*»|(?<![\p{L}\p{N}])'[^'\n]*'(?![\p{L}\p{N}])|[^\s])+?(?=\s|$)/gu;
const CLOSING = /[.,;:?!…]+$/;
const QUOTED = /^(?:`[\s\S]*`|"[\s\S]*"|“[\s\S]*”|«[\s\S]*»|'[\s\S]*')$/;

/** The tokens of a trimmed text. Nothing is lost but single spaces; every other white space is a mark. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (const [run] of text.matchAll(RUN)) {
    if (run === " ") continue;
    if (run.trim() === "") {
      tokens.push({ kind: "mark", text: run });
      continue;
    }
    const marks = CLOSING.exec(run)?.[0] ?? "";
    const body = run.slice(0, run.length - marks.length);
    // A run of marks alone is a name (`..`, `?`), not the end of a sentence.
    if (body === "") tokens.push({ kind: "identifier", text: run });
    else {
      tokens.push({ kind: kindOf(body, tokens.at(-1)), text: body });
      for (const mark of marks) tokens.push({ kind: "mark", text: mark });
    }
  }
  return tokens;
}

function kindOf(text: string, previous: Token | undefined): TokenKind {
  if (QUOTED.test(text)) return "quoted";
  if (/^[-+]{1,2}[A-Za-z]/.test(text)) return "flag";
  if (/^[v^~=<>]*\d+(?:\.[\dx*]+)+/i.test(text) || /^v\d/i.test(text)) return "version";
  if (/^[-+#$€£~<>=]*[.\d]*\d/.test(text)) return "number";
  const lower = text.toLowerCase();
  if (previous?.kind === "number" && UNITS.has(lower)) return "number";
  if (/[/\\]|^~|[\p{L}\p{N}_-]\.[A-Za-z]\w{0,5}$|^\.\w/u.test(text)) return "path";
  if (!isPlainWord(text)) return "identifier";
  if (NEGATIONS.has(lower) || /n['’]t$/.test(lower)) return "negation";
  if (NUMBER_WORDS.has(lower)) return "number";
  if (OPPOSITES.has(lower)) return "opposite";
  return "word";
}

/** Letters only, of which none but the first is a capital; apostrophes within. */
function isPlainWord(text: string): boolean {
  return /^\p{L}[\p{Ll}\p{Lo}\p{M}]*(?:['’]\p{Ll}+)?$/u.test(text);
}
