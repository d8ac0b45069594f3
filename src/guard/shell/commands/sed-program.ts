/** Reads a sed program in one pass: addresses, printing, deleting and substituting are plain, everything else is not. */

interface Reader {
  readonly text: string;
  at: number;
}

/** True when the program can neither write files nor start programs (no `w`, `r`, `e`, `W`, `R`, `F` and no such flags). */
export function isPlainSed(text: string): boolean {
  if (text.length > 4096) return false;
  const reader: Reader = { text, at: 0 };
  let depth = 0;
  for (;;) {
    skip(reader, /[\s;]/);
    const next = reader.text[reader.at];
    if (next === undefined) return depth === 0;
    if (next === "}") {
      reader.at++;
      if (--depth < 0) return false;
      continue;
    }
    if (!addresses(reader)) return false;
    skip(reader, /[ \t!]/);
    if (reader.text[reader.at] === "{") {
      reader.at++;
      depth++;
      continue;
    }
    if (!command(reader)) return false;
  }
}

function skip(reader: Reader, characters: RegExp): void {
  while (reader.at < reader.text.length && characters.test(reader.text[reader.at] ?? "")) reader.at++;
}

/** None, one or two addresses: `3`, `$`, `/x/I`, `1~2`, `2,+3`. */
function addresses(reader: Reader): boolean {
  if (!address(reader)) return true;
  skip(reader, /[ \t]/);
  if (reader.text[reader.at] !== ",") return true;
  reader.at++;
  skip(reader, /[ \t+~]/);
  return address(reader);
}

function address(reader: Reader): boolean {
  const start = reader.text[reader.at] ?? "";
  if (/[0-9$]/.test(start)) {
    reader.at++;
    skip(reader, /[0-9~]/);
    return true;
  }
  if (start !== "/" || !delimited(reader, "/")) return false;
  skip(reader, /[IM]/);
  return true;
}

/** Moves past `/…/`; the reader stands on the first delimiter. */
function delimited(reader: Reader, delimiter: string): boolean {
  for (reader.at++; reader.at < reader.text.length; reader.at++) {
    const character = reader.text[reader.at];
    if (character === "\\") reader.at++;
    else if (character === "[" && bracketHolds(reader, delimiter)) return false;
    else if (character === delimiter) {
      reader.at++;
      return true;
    } else if (character === "\n") return false;
  }
  return false;
}

/** A delimiter inside `[…]` is read differently by different seds: such a program is not plain. */
function bracketHolds(reader: Reader, delimiter: string): boolean {
  const close = reader.text.indexOf("]", reader.at + 2);
  const inner = reader.text.slice(reader.at + 1, close < 0 ? undefined : close);
  return inner.includes(delimiter);
}

function command(reader: Reader): boolean {
  const name = reader.text[reader.at++] ?? "";
  if (/[pPdD=nNgGhHxlz]/.test(name)) return ended(reader);
  if (/[:btT]/.test(name)) {
    skip(reader, / /);
    skip(reader, /\w/);
    return ended(reader);
  }
  if (/[qQ]/.test(name)) {
    skip(reader, /[ 0-9]/);
    return ended(reader);
  }
  if (/[aic]/.test(name)) {
    while (reader.at < reader.text.length && reader.text[reader.at] !== "\n")
      reader.at += reader.text[reader.at] === "\\" ? 2 : 1;
    return true;
  }
  if (name !== "s" && name !== "y") return false;
  const delimiter = reader.text[reader.at] ?? "";
  if (!/[/|#,:@!_%]/.test(delimiter) || !delimited(reader, delimiter)) return false;
  reader.at--;
  if (!delimited(reader, delimiter)) return false;
  if (name === "s") skip(reader, /[gpIiMm0-9]/);
  return ended(reader);
}

/** After a command: the end, a separator or a closing brace. */
function ended(reader: Reader): boolean {
  skip(reader, /[ \t]/);
  const next = reader.text[reader.at];
  return next === undefined || next === ";" || next === "\n" || next === "}";
}
