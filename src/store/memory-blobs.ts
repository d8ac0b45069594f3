/** Blobs of a session that is not kept. */
import { sha256 } from "../base/hash.ts";
import type { Blobs } from "../core/ports/store.ts";

/** A blob store that forgets everything when the process ends. */
export function memoryBlobs(): Blobs {
  const kept = new Map<string, Uint8Array>();
  const put = async (bytes: Uint8Array): Promise<string> => {
    const hash = sha256(bytes);
    kept.set(hash, bytes);
    return hash;
  };
  return {
    put,
    putAll: (items) => Promise.all(items.map(put)),
    has: (hash) => kept.has(hash),
    get: async (hash) => kept.get(hash),
  };
}
