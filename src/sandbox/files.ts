/** File hands: reading and listing through verified descriptors. */
import { readdirSync } from "node:fs";
import { sha256 } from "../base/hash.ts";
import type { Grant } from "../core/grant.ts";
import type { FileHands } from "../core/ports/hands.ts";
import { checkReadable } from "./access.ts";
import type { SandboxContext } from "./options.ts";
import type { Seen } from "./seen.ts";
import { openFault, openVerified, readVerified } from "./verified-open.ts";

/** Reading powers of one grant. */
export function fileHands(context: SandboxContext, grant: Grant, seen: Seen): FileHands {
  const { paths } = context;
  const locate = (path: string) => {
    const fact = paths.look(path);
    checkReadable(context, grant, fact);
    return fact.resolved;
  };
  return {
    read: async (path) => {
      const shown = locate(path);
      const { bytes, stat } = readVerified(paths.host(shown));
      const hash = sha256(bytes);
      seen.keep(hash, bytes);
      return { path: shown, bytes, mode: stat.mode & 0o7777, hash };
    },
    list: async (path) => {
      const host = paths.host(locate(path));
      using folder = openVerified(host, "directory");
      try {
        const at = process.platform === "linux" ? `/proc/self/fd/${folder.fd}` : host;
        const entries = readdirSync(at, { withFileTypes: true });
        return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort();
      } catch (error) {
        throw openFault(host, error);
      }
    },
    lastSeen: (path) => seen.hash(paths.look(path).resolved),
    lastSeenText: (path) => seen.text(paths.look(path).resolved),
    markSeen: (path, hash) => seen.mark(paths.look(path).resolved, hash),
  };
}
