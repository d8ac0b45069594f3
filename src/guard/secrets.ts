/** Secrets by the form their issuers give them, by the name before them, by value, and all of these in encoded form. */
import { type Encoded, encodedApart, encodedInRun, wrappedBase64 } from "./encoded.ts";
import { flagSecrets } from "./flag-secrets.ts";
import { type KnownValues, knownValues } from "./known-values.ts";
import { characterSet, longRuns } from "./long-runs.ts";
import { namedAt } from "./named-secrets.ts";
import { decodedView, HIDES, type PlainView, plainView } from "./plain-view.ts";
import { privateKeys } from "./private-keys.ts";
import { tokensOf } from "./token-forms.ts";
import { looksSecret, scrambled } from "./value-shape.ts";

export interface SecretSpan {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

const NONE = knownValues([]);
/** Escapes inside escapes, encodings inside encodings: as deep as programs nest them. */
const DEEPEST = 3;

/** Every span of `text` that looks like a secret or is a `known` one, in order, overlaps merged. */
export function findSecrets(text: string, known: KnownValues = NONE): readonly SecretSpan[] {
  const first = secretsIn(text, known, DEEPEST);
  const spans = [...first.spans];
  for (const { plain, span } of otherViews(text, first.hides))
    for (const { kind, start, end } of secretsIn(plain, known, DEEPEST).spans) {
      const [from, to] = span(start, end);
      spans.push({ kind, start: from, end: to });
    }
  return mergeSpans(spans);
}

/** Tokens of known issuers in `text`; code that merely speaks of passwords has none. */
export function findTokens(text: string): readonly SecretSpan[] {
  const tokens = runsOf(text).flatMap(([start, end]) => tokensAt(text, start, end));
  const certain = tokens.filter(({ kind }) => !/^(?:jwt|discord-token|password-hash)$/.test(kind));
  return mergeSpans([...certain, ...ofKind("private-key", privateKeys(text))]);
}

/** The text as it reads without what is invisible, then with its escapes undone. */
function* otherViews(text: string, hides: boolean): Generator<PlainView> {
  let view: PlainView = hides ? plainView(text) : { plain: text, span: (start, end) => [start, end] };
  if (hides) yield view;
  for (let depth = 0; depth < DEEPEST; depth++) {
    const decoded = decodedView(view.plain);
    if (!decoded) return;
    view = within(view, within(decoded, plainView(decoded.plain)));
    yield view;
  }
}

/** A view of a view, with the way back to the first text. */
function within(outer: PlainView, inner: PlainView): PlainView {
  return { plain: inner.plain, span: (start, end) => outer.span(...inner.span(start, end)) };
}

const ofKind = (kind: string, spans: readonly { readonly start: number; readonly end: number }[]): SecretSpan[] =>
  spans.map(({ start, end }) => ({ kind, start, end }));

interface Found {
  readonly spans: readonly SecretSpan[];
  /** Some characters take no room. */
  readonly hides: boolean;
}

/** `depth` is how often what is found encoded is decoded again. */
function secretsIn(text: string, known: KnownValues, depth: number): Found {
  const words = named(text);
  const spans = [
    ...ofKind("value", known.find(text)),
    ...ofKind("private-key", privateKeys(text)),
    ...words.spans,
    ...ofKind("named-secret", flagSecrets(text)),
  ];
  const encoded: Encoded[] = encodedApart(text);
  let wrapped = 0;
  for (const [start, end] of runsOf(text)) {
    spans.push(...tokensAt(text, start, end));
    if (end - start < 24) continue;
    for (const part of encodedInRun(text.slice(start, end)))
      encoded.push({ ...part, start: start + part.start, end: start + part.end });
    const block = start >= wrapped ? wrappedBase64(text, start, end) : undefined;
    if (block) encoded.push(block);
    wrapped = Math.max(wrapped, block?.end ?? 0);
  }
  if (depth > 0) for (const part of encoded) spans.push(...spoken(part, known, depth));
  return { spans, hides: words.hides };
}

/** An encoded stretch that says a secret. */
function spoken({ start, end, readings }: Encoded, known: KnownValues, depth: number): SecretSpan[] {
  for (const reading of readings()) {
    const [first] = secretsIn(reading, known, depth - 1).spans;
    if (first) return [{ kind: first.kind === "value" ? "value" : "encoded-secret", start, end }];
  }
  return [];
}

/** Shortest token of any issuer. */
const SHORTEST = 20;
const RUN = characterSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-.%~$");
const runsOf = (text: string) => longRuns(text, RUN, SHORTEST);

function tokensAt(text: string, start: number, end: number): SecretSpan[] {
  return tokensOf(text.slice(start, end)).map(([kind, from, to]) => ({ kind, start: start + from, end: start + to }));
}

const KEY_WORD =
  /pass|pwd|pw\b|secret|token|key|auth|cred|:\/\/|cookie:|bearer|basic|signature=|sig=|flyv1|:aa|identified by|\$argon2|pbkdf2_sha/iy;

/** Characters in five bits: letters, the signs in key words, all others; a sixth bit for what takes no room. */
const FIVE_BITS = HIDES.slice();
for (const [at, sign] of [..."abcdefghijklmnopqrstuvwxyz:/$"].entries()) {
  FIVE_BITS[sign.charCodeAt(0)] = at + 1;
  FIVE_BITS[sign.toUpperCase().charCodeAt(0)] = at + 1;
}
/** Three characters in a row with which a key word begins. */
const BEGINNINGS = new Uint8Array(32768);
for (const start of "pas pwd sec tok key aut cre :// coo bea bas sig fly :aa ide $ar pbk pw\0 pw: pw/ pw$".split(" "))
  BEGINNINGS[[...start].reduce((code, sign) => (code << 5) | (FIVE_BITS[sign.charCodeAt(0)] ?? 0), 0)] = 1;

/** Secrets that a word before them gives away. */
function named(text: string): Found {
  const spans: SecretSpan[] = [];
  // What lies in a span that was looked at for good is not looked at again: the work stays linear.
  let past = 0;
  let last3 = 0;
  let seen = 0;
  for (let at = 0; at < text.length; at++) {
    const bits = FIVE_BITS[text.charCodeAt(at)] as number;
    seen |= bits;
    last3 = ((last3 << 5) | (bits & 31)) & 0x7fff;
    if (BEGINNINGS[last3] === 0) continue;
    const index = at - 2;
    if (index < past) continue;
    KEY_WORD.lastIndex = index;
    const word = KEY_WORD.exec(text)?.[0].toLowerCase();
    if (word === undefined) continue;
    const special = SPECIAL[word]?.(text, index);
    if (special) {
      spans.push(...special.spans);
      past = Math.max(past, special.past);
    }
    if ((special?.spans.length ?? 0) > 0 || !/^[a-z]/.test(word)) continue;
    const { secret, past: read, nameEnd } = namedAt(text, index, word.length);
    if (secret) spans.push({ kind: "named-secret", ...secret });
    past = Math.max(past, read, nameEnd);
  }
  return { spans, hides: (seen & 32) !== 0 };
}

interface Special {
  readonly spans: readonly SecretSpan[];
  /** Up to where the text was looked at for good. */
  readonly past: number;
}
const BEARER = /(?:bearer|basic)["']?[:=]?\s{1,8}(?=[\w.~+/-]*\d)[\w.~+/-]{16,}=*/iy;
const COOKIE_LINE = /cookie:[^\r\n]{0,4000}/iy;
const COOKIE = /=([^;\s"',|\\<>()]{16,})/g;
const WEBHOOK =
  /:\/\/(?:hooks\.slack\.com\/(?:services|workflows|triggers)\/[\w/]{30,}|(?:\w{1,20}\.)?discord(?:app)?\.com\/api\/(?:v\d+\/)?webhooks\/\d+\/[\w-]{40,}|(?:\w{1,40}\.webhook|outlook)\.office\.com\/webhookb?\d?\/\S{60,}|api\.telegram\.org\/bot\d+:[\w-]{30,})/y;
const URL_USER = /:\/\/([^\s:/@"'<>]{20,400})(?::x-oauth-basic)?@/y;
/** The password of a URL; an `@` in it is usual, a `/` a mistake that programs make. */
const URL_PASSWORD =
  /:\/\/[^\s:/@"'<>]{0,200}:(?!\d{1,5}(?:[/?#]|$))(?:([^\s/?#"'<>`]{3,400})|([^\s"'<>`]{3,400}?))@(?=[\w[%$])/y;
const URL_PLACEHOLDER =
  /^(?:\[redacted|\$\{?\w+\}?$|[<{%]|\*+$|x+$|pass(?:word|wd)?$|pw$|secret$|token$|changeme$|\.+$)/i;
const SIGNATURE = /(?:signature|security-token|sig)=([\w%+/.=-]{20,})/iy;

function spanAt(kind: string, shape: RegExp, only?: (value: string) => boolean) {
  return (text: string, index: number): Special => {
    shape.lastIndex = index;
    const match = shape.exec(text);
    if (!match) return { spans: [], past: 0 };
    const value = match[1] ?? match[2] ?? match[0];
    const start = index + match[0].lastIndexOf(value);
    const end = start + value.length;
    return { spans: only && !only(value) ? [] : [{ kind, start, end }], past: only && kind !== "signature" ? 0 : end };
  };
}

const bearer = spanAt("bearer", BEARER, (value) => {
  const carried = value.replace(/^\S+\s+/, "");
  return scrambled(carried) && looksSecret(carried);
});
const signature = spanAt("signature", SIGNATURE, (value) => /\d/.test(value) && (scrambled(value) || /%/.test(value)));
const hash = spanAt("password-hash", /\$argon2(?:id?|d)\$[\w./$=,+-]{20,}|pbkdf2_sha\d+\$\d+\$[\w+/$=.]{20,}/y);
const urlPassword = spanAt("url-password", URL_PASSWORD, (value) => !URL_PLACEHOLDER.test(value));
const urlToken = spanAt("url-password", URL_USER, (value) => scrambled(value) && looksSecret(value));
const webhook = spanAt("webhook", WEBHOOK);

/** Telegram: the bot's number, a colon, 35 characters. */
function botToken(text: string, index: number): Special {
  const number = /(?<![\w-])\d{8,10}$/.exec(text.slice(Math.max(0, index - 12), index));
  BOT.lastIndex = index;
  if (!number || !BOT.test(text)) return { spans: [], past: 0 };
  const end = BOT.lastIndex;
  return { spans: [{ kind: "bot-token", start: index - number[0].length, end }], past: end };
}
const BOT = /:AA[\w-]{33}(?![\w-])/y;

function cookies(text: string, index: number): Special {
  COOKIE_LINE.lastIndex = index;
  const line = COOKIE_LINE.exec(text)?.[0] ?? "";
  const spans = [...line.matchAll(COOKIE)].flatMap(({ 0: pair, 1: value = "", index: at }) => {
    const end = index + at + pair.length;
    return /\d/.test(value) || scrambled(value) ? [{ kind: "cookie", start: end - value.length, end }] : [];
  });
  return { spans, past: index + line.length };
}

function urls(text: string, index: number): Special {
  const found = [urlPassword, urlToken, webhook].flatMap((look) => look(text, index).spans);
  return { spans: found, past: Math.max(0, ...found.map(({ end }) => end)) };
}

const SPECIAL: Readonly<Record<string, (text: string, index: number) => Special>> = {
  "cookie:": cookies,
  "://": urls,
  bearer,
  basic: bearer,
  "signature=": signature,
  "sig=": signature,
  flyv1: spanAt("fly-token", /flyv1 fm\d_[\w+/=,-]{20,}/iy),
  ":aa": botToken,
  "identified by": spanAt("named-secret", /identified by ["']([^"'\n]{8,200})["']/iy, looksSecret),
  $argon2: hash,
  pbkdf2_sha: hash,
};

/** In order, overlaps made one. */
export function mergeSpans(spans: readonly SecretSpan[]): SecretSpan[] {
  const merged: SecretSpan[] = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1);
    if (!last || span.start >= last.end) merged.push(span);
    else if (span.end > last.end) merged[merged.length - 1] = { ...last, end: span.end };
  }
  return merged;
}
