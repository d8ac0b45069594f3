/** Identifiers: time-ordered UUIDs (RFC 9562, version 7) and short random ids. */
import { randomBytes } from "node:crypto";

/** A UUIDv7 for `now` (milliseconds since the epoch): sorts by creation time. */
export function uuid(now: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** True for any RFC 9562 UUID in lower or upper case. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text);
}

/** A short random id (`length` hex characters) with a readable prefix. */
export function shortId(prefix: string, length = 10): string {
  return `${prefix}_${randomBytes(Math.ceil(length / 2))
    .toString("hex")
    .slice(0, length)}`;
}
