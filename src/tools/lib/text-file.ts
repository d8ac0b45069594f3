/** Bytes of a file as text and back, without changing what was not edited. */

const BOM = "\ufeff";
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text without its byte order mark, or undefined for what is not UTF-8 text. */
export function decodeText(bytes: Uint8Array): { readonly text: string; readonly bom: string } | undefined {
  if (bytes.subarray(0, 8192).includes(0)) return undefined;
  try {
    const text = decoder.decode(bytes);
    return text.startsWith(BOM) ? { text: text.slice(1), bom: BOM } : { text, bom: "" };
  } catch {
    return undefined;
  }
}

const MAGIC: readonly (readonly [mediaType: string, test: (bytes: Uint8Array) => boolean])[] = [
  ["image/png", (bytes) => starts(bytes, 0, "\x89PNG\r\n\x1a\n")],
  ["image/jpeg", (bytes) => starts(bytes, 0, "\xff\xd8\xff")],
  ["image/gif", (bytes) => starts(bytes, 0, "GIF8")],
  ["image/webp", (bytes) => starts(bytes, 0, "RIFF") && starts(bytes, 8, "WEBP")],
];

/** The media type of an image that models can look at. */
export function imageType(bytes: Uint8Array): string | undefined {
  return MAGIC.find(([, test]) => test(bytes))?.[0];
}

function starts(bytes: Uint8Array, at: number, text: string): boolean {
  return Buffer.from(bytes.subarray(at, at + text.length)).toString("latin1") === text;
}
