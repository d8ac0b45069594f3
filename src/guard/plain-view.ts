/** A text as it would read without colours, invisible characters and escapes, with the way back to its own places. */
import { HIDDEN } from "../base/invisible.ts";

/** CSI, OSC, DCS and shorter sequences (ECMA-48, in both their forms), then everything that takes no room. */
const NOTHING = new RegExp(
  "\\u001b(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^\\u0007\\u001b]*(?:\\u0007|\\u001b\\\\)|[ -/]+[0-~]|[0-OQ-WYZ\\\\])" +
    "|\\u009b[0-?]*[ -/]*[@-~]" +
    "|[\\u0090\\u0098\\u009d-\\u009f][^\\u0007\\u001b\\u0080-\\u009f]*[\\u0007\\u009c]" +
    `|(?!\\r)[${HIDDEN}\\ufe0f]`,
  "gu",
);
/** For each UTF-16 unit 32 (a sixth bit) when a view may differ because of it; tags by their first half. */
export const HIDES = new Uint8Array(65536);
for (const [, first = "0", last = first] of `${HIDDEN}\\ufe0f\\ud834\\udb40-\\udb43`.matchAll(
  /\\u(\w{4})(?:-\\u(\w{4}))?/g,
))
  HIDES.fill(32, Number.parseInt(first, 16), Number.parseInt(last, 16) + 1);
HIDES[0x0d] = 0;

function hidesAny(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (HIDES[text.charCodeAt(at)] === 32) return true;
  return false;
}

/** Escapes of JSON and its relatives, percent codes, entities of HTML, soft line ends of quoted-printable. */
const ESCAPE =
  /\\(?:u\{[0-9a-f]{1,6}\}|u[0-9a-f]{4}|x[0-9a-f]{2}|[nrtbf0"'\\/])|(?:%[89a-f][0-9a-f])+|%[0-7][0-9a-f]|&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-f]{1,6});|=\r?\n/gi;
const ANY_ESCAPE = /\\[nrtux"'\\/0bf]|%[0-9a-fA-F]{2}|&(?:[aglq][a-z]{1,4}|#x?[0-9a-f]+);|=\r?\n/g;
const NAMED: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  b: "\b",
  f: "\f",
  "0": "\0",
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

export interface PlainView {
  readonly plain: string;
  /** The span of the text that a span of `plain` stands for. */
  readonly span: (start: number, end: number) => readonly [start: number, end: number];
}

/** `from` in the view is `start` in the text; `until` is where a decoded piece ends in the text. */
interface Piece {
  readonly from: number;
  readonly start: number;
  readonly until?: number;
}

/** Without what takes no room. The same text comes back when there is nothing of that. */
export function plainView(text: string): PlainView {
  if (!hidesAny(text)) return { plain: text, span: (start, end) => [start, end] };
  return replacedView(text, NOTHING, () => "");
}

/** With escapes decoded, only the lines that hold one; `undefined` when no line does. */
export function decodedView(text: string): PlainView | undefined {
  const lines = escapedLines(text);
  if (lines.plain === "") return undefined;
  const decoded = replacedView(lines.plain, ESCAPE, decodeEscape);
  return { plain: decoded.plain, span: (start, end) => lines.span(...decoded.span(start, end)) };
}

/** Stands between lines that are no neighbours. */
const GAP = "\n\u0001\n";

function escapedLines(text: string): PlainView {
  const pieces: Piece[] = [];
  let plain = "";
  let done = -1;
  ANY_ESCAPE.lastIndex = 0;
  for (let found = ANY_ESCAPE.exec(text); found; found = ANY_ESCAPE.exec(text)) {
    const start = Math.max(done, text.lastIndexOf("\n", found.index - 1) + 1);
    const lineEnd = text.indexOf("\n", found.index + found[0].length - 1);
    const end = lineEnd < 0 ? text.length : lineEnd + 1;
    if (done >= 0 && done !== start) plain += GAP;
    if (done !== start) pieces.push({ from: plain.length, start });
    plain += text.slice(start, end);
    done = end;
    ANY_ESCAPE.lastIndex = end;
  }
  return { plain, span: spanOf(pieces) };
}

function decodeEscape(code: string): string {
  const first = code[0];
  if (first === "=") return "";
  if (first === "%") return Buffer.from(code.replaceAll("%", ""), "hex").toString("utf8");
  const name = first === "&" ? code.slice(1, -1).toLowerCase() : code.slice(1);
  const digits = /^(?:#x|u\{?|x)([0-9a-f]+)\}?$/i.exec(name)?.[1];
  if (digits !== undefined) return characterOf(Number.parseInt(digits, 16));
  if (name.startsWith("#")) return characterOf(Number(name.slice(1)));
  return NAMED[name] ?? name;
}

function characterOf(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : "";
}

function replacedView(text: string, shape: RegExp, by: (found: string) => string): PlainView {
  const pieces: Piece[] = [];
  let plain = "";
  let done = 0;
  for (const { 0: found, index } of text.matchAll(shape)) {
    if (index > done) pieces.push({ from: plain.length, start: done });
    plain += text.slice(done, index);
    done = index + found.length;
    const instead = by(found);
    if (instead === "") continue;
    pieces.push({ from: plain.length, start: index, until: done });
    plain += instead;
  }
  if (done < text.length) pieces.push({ from: plain.length, start: done });
  return { plain: plain + text.slice(done), span: spanOf(pieces) };
}

function spanOf(pieces: readonly Piece[]): PlainView["span"] {
  const pieceOf = (index: number): Piece => {
    let low = 0;
    let high = pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((pieces[middle]?.from ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    return pieces[low] ?? { from: 0, start: 0 };
  };
  return (start, end) => {
    const first = pieceOf(start);
    const last = pieceOf(end - 1);
    return [
      first.until === undefined ? first.start + start - first.from : first.start,
      last.until ?? last.start + end - last.from,
    ];
  };
}
