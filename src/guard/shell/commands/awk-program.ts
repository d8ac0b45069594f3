/** Reads an awk program in one pass: which files it writes, and whether it may do more than compute and print. */

export interface AwkReading {
  /** Why nobody can say what it does. */
  readonly opaque?: string;
  readonly writes: readonly string[];
}

/** What starts programs, reads other input or shows the environment. */
const REACHES = /\bsystem\b|\bgetline\b|\bENVIRON\b|\bPROCINFO\b|\bARGV\b|\bARGC\b|@/;
const TOKEN =
  /[ \t\r]+|\\\r?\n|#[^\n]*|"(?:[^"\\\n]|\\[\s\S])*"|[A-Za-z_]\w*|[\d.][\w.]*|\|\||&&|\|&|>>|[<>=!]=|\+\+|--|[-+*%^!<>|?:,;$~=(){}[\]\n/]/y;
const REGEX = /\/(?:[^/\\\n]|\\[^\n])*\//y;
/** Behind these a slash divides; behind all other tokens it begins a pattern. */
const OPERAND = /^(?:["\w.]|\]$)/;
const KEYWORD = /^(?:print|printf|in|else|do|return|exit|delete|case)$/;
/** Behind these a slash may do either. */
const EITHER = /^(?:\)|\+\+|--|length)$/;
/** A line that ends so goes on in the next. */
const GOES_ON = /^(?:,|\{|&&|\|\||do|else)$/;

export function readAwk(text: string): AwkReading {
  if (text.length > 4096) return { opaque: "is long", writes: [] };
  if (REACHES.test(text)) return { opaque: "can start programs or read the environment", writes: [] };
  const tokens = tokensOf(text);
  return tokens ? redirections(tokens) : { opaque: "cannot be read with certainty", writes: [] };
}

/** Undefined where awks would not agree on the tokens. */
function tokensOf(text: string): readonly string[] | undefined {
  const tokens: string[] = [];
  for (let at = 0; at < text.length; ) {
    const last = tokens.at(-1) ?? ";";
    if (text[at] === "/") {
      const either = EITHER.test(last);
      if (
        either &&
        text
          .slice(at + 1)
          .split("\n", 1)[0]
          ?.includes("/")
      )
        return undefined;
      if (!either && (!OPERAND.test(last) || KEYWORD.test(last))) {
        REGEX.lastIndex = at;
        const regex = REGEX.exec(text)?.[0];
        // A slash inside brackets ends the pattern for some awks only.
        if (regex === undefined || /\[[^\]]*$/.test(regex)) return undefined;
        tokens.push(regex);
        at = REGEX.lastIndex;
        continue;
      }
    }
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) return undefined;
    if (!/^(?:[ \t\r#]|\\)/.test(token)) tokens.push(token);
    at = TOKEN.lastIndex;
  }
  return tokens;
}

/** `>` behind `print`, outside of brackets, names a file; a single bar starts a program. */
function redirections(tokens: readonly string[]): AwkReading {
  const writes: string[] = [];
  let printing = false;
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (token === "|" || token === "|&") return { opaque: "may pipe into a program", writes };
    if (token === "print" || token === "printf") {
      printing = true;
      depth = 0;
    } else if (token === "(") depth++;
    else if (token === ")") depth--;
    else if (/^[;{}]$/.test(token) || (token === "\n" && !GOES_ON.test(tokens[at - 1] ?? ""))) printing = false;
    else if (/^>>?$/.test(token) && printing && depth <= 0) {
      const target = /^"([^"\\\n]+)"$/.exec(tokens[at + 1] ?? "")?.[1];
      // A name put together of several parts is not plain.
      if (target === undefined || !/^[;}\n]$/.test(tokens[at + 2] ?? ";"))
        return { opaque: "writes to a file whose name is not plain", writes };
      writes.push(target);
    }
  }
  return { writes };
}
