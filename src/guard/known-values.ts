/** Secrets known by value, in the forms a program prints them; escapes and wrapped encodings are undone before. */

/** Shortest value that is looked for; shorter ones stand in ordinary text by chance. */
const SHORTEST = 8;
/** Three characters are looked at in every sixth place: one of the first six places of each form is among them. */
const STEP = 6;

/** Finds every form of every registered value. */
export interface KnownValues {
  /** Spans in `text`; overlaps are possible. */
  find(text: string): readonly { readonly start: number; readonly end: number }[];
  /** Length of the longest form, spread out as in a hexadecimal dump: what a stream must hold back. */
  readonly longest: number;
}

/** `values` shorter than 8 characters are left out. */
export function knownValues(values: readonly string[]): KnownValues {
  const forms = new Set(values.filter((value) => value.length >= SHORTEST).flatMap(formsOf));
  if (forms.size === 0) return { find: () => [], longest: 0 };
  const hashed = new Uint8Array(65536);
  const places = new Map<number, { readonly form: string; readonly offset: number }[]>();
  for (const form of forms) {
    for (let offset = 0; offset < STEP; offset++) {
      const hash = hashAt(form, offset);
      hashed[hash] = 1;
      places.set(hash, [...(places.get(hash) ?? []), { form, offset }]);
    }
  }
  const find = (text: string) => {
    const spans: { start: number; end: number }[] = [];
    for (let at = 0; at + 2 < text.length; at += STEP) {
      const hash = hashAt(text, at);
      if (hashed[hash] === 0) continue;
      for (const { form, offset } of places.get(hash) ?? []) {
        const start = at - offset;
        if (start >= 0 && isAt(text, start, form)) spans.push({ start, end: start + form.length });
      }
    }
    return spans;
  };
  return { longest: 6 * Math.max(...[...forms].map((form) => form.length)), find };
}

/** Letter case is nothing here. */
const FOLDED = new Uint8Array(65536).fill(127);
for (let code = 0; code < 128; code++) FOLDED[code] = String.fromCharCode(code).toLowerCase().charCodeAt(0);

function hashAt(text: string, at: number): number {
  const a = FOLDED[text.charCodeAt(at)] as number;
  const b = FOLDED[text.charCodeAt(at + 1)] as number;
  const c = FOLDED[text.charCodeAt(at + 2)] as number;
  return (a * 961 + b * 31 + c) & 0xffff;
}

function isAt(text: string, start: number, form: string): boolean {
  const last = form.length - 1;
  if (FOLDED[text.charCodeAt(start + last)] !== FOLDED[form.charCodeAt(last)]) return false;
  return text.slice(start, start + form.length).toLowerCase() === form;
}

function formsOf(value: string): string[] {
  const bytes = Buffer.from(value, "utf8");
  const json = JSON.stringify(value).slice(1, -1);
  // Decoded bytes are read as Latin-1.
  const latin = bytes.toString("latin1");
  return [
    value,
    latin,
    value.replaceAll(" ", "+"),
    json,
    ...base64Forms(bytes),
    ...base32Forms(bytes),
    bytes.toString("hex"),
  ]
    .filter((form) => form.length >= SHORTEST)
    .map((form) => form.toLowerCase());
}

/** A value inside a longer encoded text begins at one of three places of a group; only whole groups are its own. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes]);
    const whole = padded.subarray(0, padded.length - (padded.length % 3));
    const own = (text: string) => text.slice(shift === 0 ? 0 : 4);
    return [own(whole.toString("base64")), own(whole.toString("base64url"))];
  });
}

/** The same for base32 (RFC 4648): five bytes are eight characters. */
function base32Forms(bytes: Buffer): string[] {
  return [0, 1, 2, 3, 4].map((shift) => {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes]);
    return base32(padded.subarray(0, padded.length - (padded.length % 5))).slice(Math.ceil((shift * 8) / 5));
  });
}

function base32(bytes: Buffer): string {
  let bits = "";
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  return (bits.match(/.{5}/g) ?? [])
    .map((five) => "abcdefghijklmnopqrstuvwxyz234567"[Number.parseInt(five, 2)])
    .join("");
}
