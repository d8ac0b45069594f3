/** Secrets that the name before them gives away, in the forms of configuration files, languages and command lines. */
import { isSecretName } from "./secret-names.ts";
import { looksRandom, looksSecret } from "./value-shape.ts";

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Named {
  readonly secret: Span | undefined;
  /** Up to where the text was looked at for good. */
  readonly past: number;
}

const NAME_CHARACTER = /[\w.-]/;
const LONGEST_NAME = 120;

/** What stands between a name and its value. */
interface Link {
  readonly shape: RegExp;
  /** The value must show by itself that it is random: the link also stands between ordinary words. */
  readonly strict?: true;
  /** The value ends at a `<`. */
  readonly markup?: true;
  /** Whether the link counts behind this name; `before` ends where the name begins. */
  readonly when?: (name: string, before: string) => boolean;
}

const NETRC =
  /(?:\b(?:login|user|account)\s+\S+\s+|(?:^|\n)\s*(?:ENV|ARG|setx|set -\w+|set)\s+|\b(?:WITH|ENCRYPTED)\s+)$/;
/** A number in sixteens or a UUID shows by itself that it is no word. */
const HEXADECIMAL = /^(?=.*\d)(?:[0-9a-f]{32,}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})$/i;
/** A call that gives a name its value. */
const SETS = /\b(?:define|set\w*|put\w*)\s*\(\s*\\?["'`]$/i;
const LINKS: readonly Link[] = [
  // const apiToken: string = "…", var apiToken string = "…"
  { shape: /\??(?:\s{0,8}:\s{0,8}|\s{1,8})[&*]?(?:'\w+\s+)?[A-Za-z_][\w.<>[\]|?& ]{0,40}?\s{0,8}:?=\s{0,8}(?=["'`])/y },
  // name = …, "name": …, name => …, x["name"] = …, **name**: …
  { shape: /\\?["'`]?\]?\*{0,2}\s{0,200}(?::=|=>|\?\?=|\|\|=|={1,3}|:)\s{0,400}/y },
  // name: X, value: …
  {
    shape:
      /\\?["'`]?(?:\s{0,40}[,;])?\s{0,80}(?:-\s+)?["']?(?:parameter)?(?:value|default)["']?\s{0,8}[:=]>?\s{0,80}/iy,
  },
  // variable "name" { default = "…" }
  { shape: /["']\s{0,80}\{[^{}]{0,300}?\bdefault\s{0,80}=\s{0,80}(?=["'])/y },
  // <key>name</key><string>…</string>
  { shape: /\s{0,8}<\/[\w:]{1,40}>\s{0,80}<(?:string|value|data)>\s{0,80}/y, markup: true },
  // <name>…</name>, <property name="name">…
  {
    shape: /["']?(?:\s[^<>\n]{0,80})?>\s{0,80}(?:<!\[CDATA\[)?(?=[^<\s])/y,
    markup: true,
    when: (_, before) => /(?:<|<\w{1,20}:|\b(?:name|key|id)=["'])$/.test(before),
  },
  // define('NAME', '…')
  { shape: /\\?["'`]\s{0,80},\s{0,80}(?=\\?["'`])/y, when: (_, before) => SETS.test(before) },
  // name="password" of a form in parts
  { shape: /"(?:;[^\n]{0,200})?\r?\n\r?\n(?=\S)/y, when: (_, before) => /\bname="$/.test(before) },
  // ("name", "…")
  { shape: /\\?["'`]\s{0,80},\s{0,80}(?=\\?["'`])/y, strict: true },
  // setPassword("…")
  { shape: /\(\s{0,80}(?=["'`])/y, strict: true },
  // --name …, login x name …, ENV NAME …
  {
    shape: /["'`]?(?:,\s?)?[ \t\n]{1,80}(?=\S)|["']\s?,\s?(?=["'])/y,
    when: (name, before) => name.startsWith("-") || NETRC.test(before),
  },
  // name …, | name | … |
  { shape: /["'`]?(?:\s{1,8}is|\s{0,8}\|)?[ \t]{1,80}(?=["'`\w/+$])/y, strict: true },
];
/** What may stand in front of a value: YAML tags and anchors, openers of lists, prefixes of strings, block scalars. */
const LEAD = /(?:!{1,2}[\w:/.-]*\s+|&\w+\s+|-\s+|[[{(]\s{0,80}|[bBfFrRuU@$]{1,2}(?=["'])){0,4}/y;
const BLOCK = /[|>][+-]?\d?[ \t]*(?:#[^\n]*)?\r?\n(?=[ \t]+\S)/y;
const BLOCK_LINES = /(?:[ \t]+\S[^\n]{0,500}(?:\n|$)){1,40}/y;
/** The word of a scheme before what an Authorization header carries. */
const SCHEME = /[A-Za-z][\w-]{2,20}\s{1,8}(?=[^\s"'])/y;
const TRIPLE = /("""|''')\s{0,80}/y;

/** The value behind the name around `index`; `undefined` when the name says nothing. */
export function namedAt(text: string, index: number, length: number): Named & { readonly nameEnd: number } {
  let start = index;
  while (start > 0 && index - start < LONGEST_NAME && NAME_CHARACTER.test(text[start - 1] ?? "")) start--;
  let end = index + length;
  while (end < text.length && end - index < LONGEST_NAME && NAME_CHARACTER.test(text[end] ?? "")) end++;
  const name = text.slice(start, end);
  const before = text.slice(Math.max(0, start - 60), start);
  if (!isSecretName(name, before)) return { secret: undefined, past: 0, nameEnd: end };
  let past = 0;
  for (const link of LINKS) {
    link.shape.lastIndex = end;
    if ((link.when && !link.when(name, before)) || !link.shape.test(text)) continue;
    const value = linkedValue(text, link, { name, at: link.shape.lastIndex, before });
    past = Math.max(past, value.past);
    if (value.secret) return { ...value, nameEnd: end };
  }
  return { secret: undefined, past, nameEnd: end };
}

interface Place {
  readonly name: string;
  readonly before: string;
  /** Where the value begins, with what may stand in front of it. */
  readonly at: number;
}

function linkedValue(text: string, link: Link, { name, at, before }: Place): Named {
  let from = link.strict ? at : behind(LEAD, text, at);
  if (/auth(?:orization)?$/i.test(name)) {
    const quote = /["'`]/.test(text[from] ?? "") ? 1 : 0;
    const carried = behind(SCHEME, text, from + quote);
    if (carried > from + quote) from = carried;
  }
  const inBlock = behind(BLOCK, text, from);
  const value =
    inBlock > from
      ? blockValue(text, inBlock)
      : link.markup
        ? upTo(MARKUP, text, from)
        : plainValue(text, from, before);
  const found = text.slice(value.start, value.end);
  const secret =
    found.length >= 6 &&
    (link.strict ? looksRandom(found) || HEXADECIMAL.test(found) : found.length >= 8 && looksSecret(found));
  return {
    secret: secret ? { start: value.start, end: value.end } : undefined,
    past: secret || value.long ? value.end : 0,
  };
}

function behind(shape: RegExp, text: string, at: number): number {
  shape.lastIndex = at;
  return shape.test(text) ? shape.lastIndex : at;
}

interface Value extends Span {
  /** Longer than is read again for another name inside it. */
  readonly long: boolean;
}

const MARKUP = /[^<]*/y;
const QUOTED: Readonly<Record<string, RegExp>> = {
  '"': /(?:[^"\\\n]|\\[^\n])*/y,
  "'": /(?:[^'\\\n]|\\[^\n])*/y,
  "`": /[^`\n]*/y,
};
const TRIPLES: Readonly<Record<string, RegExp>> = { '"""': /[^"]*/y, "'''": /[^']*/y };
const IN_QUERY = /[^\s"'&#<>]*/y;
const IN_PAIRS = /[^\s"';]*/y;
const IN_LINE = /[^\s"'`]*/y;
const ANYWHERE = /[^\s"'`,;&)}\]<>]*/y;
const LONG = 512;

function upTo(shape: RegExp, text: string, start: number): Value {
  const end = behind(shape, text, start);
  return { start, end, long: end - start > LONG };
}

function blockValue(text: string, at: number): Value {
  const lines = upTo(BLOCK_LINES, text, at);
  const found = text.slice(lines.start, lines.end);
  return {
    start: lines.start + found.length - found.trimStart().length,
    end: lines.end - (found.length - found.trimEnd().length),
    long: lines.long,
  };
}

/** A quoted value runs to its quote; another one as far as its surroundings let it. */
function plainValue(text: string, at: number, before: string): Value {
  const inTriple = behind(TRIPLE, text, at);
  const triple = TRIPLES[text.slice(at, at + 3)];
  if (inTriple > at && triple) return upTo(triple, text, inTriple);
  const quoted = QUOTED[text[at] ?? ""];
  if (quoted) {
    const value = upTo(quoted, text, at + 1);
    // Without its second quote the first one is a part of the value.
    if (text[value.end] === text[at]) return value;
    return upTo(ANYWHERE, text, at + 1);
  }
  const last = before.trimEnd().at(-1);
  if (last === "?" || last === "&") return upTo(IN_QUERY, text, at);
  if (last === ";") return upTo(IN_PAIRS, text, at);
  if (!/(?:^|\n)[ \t]*(?:-[ \t]+|export[ \t]+|set[ \t]+|env[ \t]+)?$/.test(before)) return upTo(ANYWHERE, text, at);
  const value = upTo(IN_LINE, text, at);
  // `<your-password>` stands for a value; its bracket belongs to it.
  if (text[at] === "<") return value;
  const trailing = /[,;)}\]>]+$/.exec(text.slice(Math.max(value.start, value.end - 8), value.end))?.[0].length ?? 0;
  return { ...value, end: value.end - trailing };
}
