/** Listens on a socket file whose path may be longer than the 107 bytes of unix(7). */
import { closeSync, openSync } from "node:fs";
import type { Server } from "node:net";
import { basename, dirname } from "node:path";

/** By the folder's descriptor, and for everybody: the folder's mode decides who comes near. Failures are emitted as `error`. */
export function listenAt(server: Server, path: string): void {
  const fd = openSync(dirname(path), "r");
  try {
    const near = process.platform === "linux" ? `/proc/self/fd/${fd}/${basename(path)}` : path;
    server.listen({ path: near, readableAll: true, writableAll: true });
  } finally {
    closeSync(fd);
  }
}
