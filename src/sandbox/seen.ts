/** What the agent last saw of each file: hashes for ever, texts while they are few. */
import type { Blobs } from "../core/ports/store.ts";

const KEPT_BYTES = 32 * 1024 * 1024;

export interface Seen {
  hash(path: string): string | undefined;
  text(path: string): Promise<string | undefined>;
  mark(path: string, hash: string): void;
  /** Remembers content under its hash for later differences; the oldest goes first. */
  keep(hash: string, bytes: Uint8Array): void;
}

export function createSeen(blobs: Blobs, initial: ReadonlyMap<string, string> = new Map()): Seen {
  const hashes = new Map(initial);
  const contents = new Map<string, Uint8Array>();
  let size = 0;

  const keep = (hash: string, bytes: Uint8Array) => {
    if (contents.has(hash) || bytes.length > KEPT_BYTES / 4) return;
    contents.set(hash, bytes);
    size += bytes.length;
    for (const [oldest, content] of contents) {
      if (size <= KEPT_BYTES) break;
      contents.delete(oldest);
      size -= content.length;
    }
  };
  const text = async (path: string) => {
    const hash = hashes.get(path);
    if (hash === undefined) return undefined;
    const bytes = contents.get(hash) ?? (await blobs.get(hash));
    return bytes && Buffer.from(bytes).toString("utf8");
  };
  return { hash: (path) => hashes.get(path), text, mark: (path, hash) => void hashes.set(path, hash), keep };
}
