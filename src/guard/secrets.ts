/** Shapes of secrets with fixed anchors, secrets by the name before them, and both in encoded form. */

export interface SecretSpan {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

/** Token forms as their issuers document them: a fixed prefix and a fixed alphabet. */
const SHAPES: readonly (readonly [string, RegExp])[] = [
  [
    "private-key",
    /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----|$)/g,
  ],
  ["aws-key-id", /\b(?:AKIA|ASIA)(?![A-Z2-7]*EXAMPLE\b)[A-Z2-7]{16}\b/g],
  ["github-token", /\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{50,})\b/g],
  ["gitlab-token", /\bgl(?:pat|dt|rt|ptt|cbt)-[\w-]{20,}/g],
  ["slack-token", /\bxox[abeoprs]-[A-Za-z0-9-]{20,}/g],
  [
    "webhook",
    /\bhttps:\/\/(?:hooks\.slack\.com\/services\/T\w+\/B\w+\/\w{20,}|(?:\w+\.)?discord(?:app)?\.com\/api\/webhooks\/\d+\/[\w-]{40,})/g,
  ],
  ["discord-token", /\b[MNO][\w-]{23,27}\.[\w-]{6,7}\.[\w-]{27,}/g],
  ["stripe-key", /\b(?:[srp]k_(?:live|test)_[A-Za-z0-9]{20,}|whsec_[A-Za-z0-9+/]{24,})/g],
  [
    "model-key",
    /\b(?:sk-(?:proj-|or-v1-|ant-[a-z0-9]+-|svcacct-)?[A-Za-z0-9_-]{32,}|gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{60,}|tvly-[A-Za-z0-9-]{20,}|hf_[A-Za-z0-9]{30,}|e2b_[0-9a-f]{40})/g,
  ],
  ["google-key", /\bAIza[\w-]{35}/g],
  ["registry-token", /\b(?:npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,}|dckr_pat_[\w-]{20,}|rubygems_[0-9a-f]{40,})/g],
  [
    "cloud-token",
    /\b(?:do[opr]_v1_[0-9a-f]{64}|v1\.0-[0-9a-f]{20,}-[0-9a-f]{100,}|hv[sbr]\.[\w-]{24,}|\w{14}\.atlasv1\.[\w-]{60,}|dapi[0-9a-f]{32}|gl(?:sa|c)_[A-Za-z0-9]{32}_[0-9a-f]{8}|ntn_[A-Za-z0-9]{40,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|dp\.(?:pt|st|ct|sa|scim)\.[A-Za-z0-9]{40,}|sbp_[0-9a-f]{40})/g,
  ],
  ["fly-token", /\bFlyV1 fm\d_[\w+/=,-]{20,}/g],
  ["jwt", /\beyJ[\w-]{8,400}\.eyJ[\w-]{8,8000}\.[\w-]{16,}/g],
  ["bearer", /\b(?:bearer|basic)\s+(?=[\w.~+/-]*\d)[\w.~+/-]{20,}=*/gi],
  ["url-password", /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@"']{0,200}:[^\s/@"']{3,400}@/gi],
  ["signature", /[?&](?:X-Amz-(?:Signature|Security-Token)|sig|signature)=[\w%+/.=-]{20,}/gi],
  ["cookie", /\b(?:set-)?cookie:\s*[^\r\n]{0,2000}?\b[\w-]{1,80}=(?=[^;\s]*\d)[^;\s]{16,}/gi],
  ["password-hash", /\$(?:[156y]|2[aby]|argon2id?)\$[\w./$=,+-]{20,}/g],
];

/** A key whose name says secret, then a value: `API_TOKEN=…`, `"password": "…"`, `AccountKey=…;`. */
const NAMED =
  /(?:^|[^A-Za-z0-9])["']?((?:[A-Za-z][A-Za-z0-9]{0,30}[._-]){0,5}(?:[a-z]{0,20}pass(?:word|wd|phrase)|pwd|[a-z]{0,20}secret(?:[_-]?(?:access)?[_-]?key)?|[a-z]{0,20}token|(?:api|access|account|auth|private|encryption|signing|shared|master|service|client)[_-]?(?:key|secret|token)|[A-Za-z0-9]{0,30}_?private_?key|_auth(?:token)?|x-api-key))["']?\s*(?::=|[:=])\s*["']?([^\s"',;&)}\]]{8,})/gim;
/** Passwords on a command line. */
const ARGUMENT =
  /(?:^|\s)(?:-p|--pass(?:word)?|--token|--secret|--api-key)[ =]([^\s"']{8,})|(?:^|\s)(?:-u|--user)[ =]\S+?:([^\s"']{6,})/g;

/** A word, a name, a call, a variable or a path is no secret; a mix of letters and digits may be. */
function looksRandom(value: string): boolean {
  if (
    /^(?:\$|<|\{|process\.|os\.|env\.|[\w.]+\(|\.{2,}|\*+$|x+$|https?:|\/|~\/|\.\/)/i.test(value) ||
    /\.\.\.|…|\(|\[redacted/.test(value)
  )
    return false;
  if (/^(?:true|false|null|undefined|none|changeme|example|placeholder|string|required|optional)$/i.test(value))
    return false;
  if (/\d/.test(value)) return /[A-Za-z]/.test(value);
  // Letters alone: names change case between words, random text every other letter.
  const runs = value.match(/[a-z]+|[A-Z]+/g) ?? [];
  return value.length >= 16 && /^[A-Za-z]+$/.test(value) && value.length / runs.length < 2.2;
}

/** Every span of `text` that looks like a secret, in order, overlaps merged. */
export function findSecrets(text: string): readonly SecretSpan[] {
  const { plain, at } = withoutInvisible(text);
  const spans = [...shaped(plain), ...named(plain), ...encoded(plain)];
  return merge(spans.map((span) => ({ ...span, start: at(span.start), end: at(span.end - 1) + 1 })));
}

/** Kinds that are certain by their form alone: what must not be written into a file without a question. */
const CERTAIN = new Set([
  "private-key",
  "aws-key-id",
  "github-token",
  "gitlab-token",
  "slack-token",
  "webhook",
  "stripe-key",
  "model-key",
  "google-key",
  "registry-token",
  "cloud-token",
  "fly-token",
]);

/** Tokens of known issuers in `text`; code that merely speaks of passwords has none. */
export function findTokens(text: string): readonly SecretSpan[] {
  return merge(shaped(text).filter((span) => CERTAIN.has(span.kind)));
}

function shaped(text: string): SecretSpan[] {
  const spans: SecretSpan[] = [];
  for (const [kind, shape] of SHAPES) {
    for (const match of text.matchAll(shape))
      spans.push({ kind, start: match.index, end: match.index + match[0].length });
  }
  return spans;
}

function named(text: string): SecretSpan[] {
  const found = [
    ...[...text.matchAll(NAMED)].map((match) => ({ match, value: match[2] ?? "" })),
    ...[...text.matchAll(ARGUMENT)].map((match) => ({ match, value: match[1] ?? match[2] ?? "" })),
  ];
  return found.flatMap(({ match, value }) => {
    if (!looksRandom(value)) return [];
    const end = match.index + match[0].length;
    return [{ kind: "named-secret", start: end - value.length, end }];
  });
}

/** Base64, hexadecimal and percent forms whose plain text has a token shape. */
function encoded(text: string): SecretSpan[] {
  const forms: readonly (readonly [RegExp, (value: string) => string])[] = [
    [/[A-Za-z0-9+/]{32,}={0,2}/g, (value) => Buffer.from(value, "base64").toString("latin1")],
    [/\b(?:[0-9a-f]{2}){20,}\b/gi, (value) => Buffer.from(value, "hex").toString("latin1")],
    [/(?:%[0-9a-f]{2}){16,}/gi, (value) => Buffer.from(value.replaceAll("%", ""), "hex").toString("latin1")],
  ];
  return forms.flatMap(([form, decode]) =>
    [...text.matchAll(form)].flatMap((match) => {
      const inner = decode(match[0]);
      const hidden = /^[\x09\x0a\x0d\x20-\x7e]+$/.test(inner) && shaped(inner).length > 0;
      return hidden ? [{ kind: "encoded-secret", start: match.index, end: match.index + match[0].length }] : [];
    }),
  );
}

/** The text without zero-width characters, and the way back to its places. */
function withoutInvisible(text: string): { plain: string; at: (index: number) => number } {
  if (!/[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]/.test(text)) return { plain: text, at: (index) => index };
  const places: number[] = [];
  let plain = "";
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? "";
    if (/[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]/.test(character)) continue;
    places.push(index);
    plain += character;
  }
  return { plain, at: (index) => places[index] ?? text.length - 1 };
}

function merge(spans: readonly SecretSpan[]): SecretSpan[] {
  const merged: SecretSpan[] = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1);
    if (!last || span.start >= last.end) merged.push(span);
    else if (span.end > last.end) merged[merged.length - 1] = { ...last, end: span.end };
  }
  return merged;
}
