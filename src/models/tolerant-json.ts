/** Reads JSON the way models write it: fences, trailing commas, single quotes, bare keys, raw line feeds, missing closers. */

/** The first value in `text`. Throws SyntaxError when there is none, or when a string is cut off (nothing is invented). */
export function parseTolerant(text: string): unknown {
  const body = text.replace(/^\s*```[\w-]*\s*\n?/, "").replace(/\n?```\s*$/, "");
  const reader = new Reader(body);
  return reader.document();
}

const WORDS: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  null: null,
  True: true,
  False: false,
  None: null,
  undefined: null,
};
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    this.#space();
    const value = this.#value(0);
    this.#space();
    const rest = this.#text.slice(this.#at);
    if (/[^\s}\];,`]/.test(rest)) throw this.#error("text after the value");
    return value;
  }

  #value(depth: number): unknown {
    if (depth > 200) throw this.#error("nested too deeply");
    const char = this.#text[this.#at];
    if (char === "{") return this.#object(depth);
    if (char === "[") return this.#array(depth);
    if (char === '"' || char === "'") return this.#string(char);
    const word = /^[^\s,:{}[\]"']+/.exec(this.#text.slice(this.#at, this.#at + 64))?.[0];
    if (word === undefined) throw this.#error("no value");
    this.#at += word.length;
    if (Object.hasOwn(WORDS, word)) return WORDS[word];
    const number = Number(word);
    if (!/^[-+]?(\d|\.\d)/.test(word) || !Number.isFinite(number)) throw this.#error(`"${word}" is no value`);
    return number;
  }

  #object(depth: number): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    this.#at++;
    for (;;) {
      this.#separators();
      const char = this.#text[this.#at];
      if (char === undefined) return result;
      if (char === "}") {
        this.#at++;
        return result;
      }
      const key = char === '"' || char === "'" ? this.#string(char) : this.#bareKey();
      this.#space();
      if (this.#text[this.#at] !== ":") throw this.#error(`no colon after "${key}"`);
      this.#at++;
      this.#space();
      Object.defineProperty(result, key, {
        value: this.#value(depth + 1),
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
  }

  #array(depth: number): unknown[] {
    const result: unknown[] = [];
    this.#at++;
    for (;;) {
      this.#separators();
      const char = this.#text[this.#at];
      if (char === undefined) return result;
      if (char === "]") {
        this.#at++;
        return result;
      }
      result.push(this.#value(depth + 1));
    }
  }

  #string(quote: string): string {
    let result = "";
    let from = ++this.#at;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw this.#error("a string is cut off");
      if (char === quote) {
        result += this.#text.slice(from, this.#at++);
        return result;
      }
      if (char !== "\\") {
        this.#at++;
        continue;
      }
      result += this.#text.slice(from, this.#at) + this.#escape();
      from = this.#at;
    }
  }

  #escape(): string {
    const char = this.#text[this.#at + 1];
    if (char === undefined) throw this.#error("a string is cut off");
    this.#at += 2;
    if (char === "u") {
      const hex = this.#text.slice(this.#at, this.#at + 4);
      if (/^[0-9a-fA-F]{4}$/.test(hex)) {
        this.#at += 4;
        return String.fromCharCode(Number.parseInt(hex, 16));
      }
    }
    if (Object.hasOwn(ESCAPES, char)) return ESCAPES[char] ?? char;
    // A backslash before anything else was meant literally (regular expressions, Windows paths).
    return /["'\\/]/.test(char) ? char : `\\${char}`;
  }

  #bareKey(): string {
    const key = /^[\w$-]+/.exec(this.#text.slice(this.#at, this.#at + 128))?.[0];
    if (key === undefined) throw this.#error("no key");
    this.#at += key.length;
    return key;
  }

  #separators(): void {
    this.#space();
    while (this.#text[this.#at] === ",") {
      this.#at++;
      this.#space();
    }
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? "x")) this.#at++;
  }

  #error(what: string): SyntaxError {
    return new SyntaxError(`${what} at character ${this.#at}`);
  }
}
