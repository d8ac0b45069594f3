/** A Redis server of this machine, started on a socket of its own, with as much of its protocol as the benchmark needs. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

type Reply = string | number | null | Reply[];

/** The version of the redis-server on PATH, if there is one. */
export function redisVersion(): string | undefined {
  try {
    return /v=(\d+\.\d+[.\d]*)/.exec(execFileSync("redis-server", ["--version"], { encoding: "utf8" }))?.[1];
  } catch {
    return undefined;
  }
}

export interface Redis extends AsyncDisposable {
  /** Sends one command. Rejects with what the server calls an error. */
  send(...words: readonly (string | Uint8Array)[]): Promise<Reply>;
}

export async function startRedis(): Promise<Redis> {
  const folder = mkdtempSync(join(tmpdir(), "crucible-redis-"));
  const path = join(folder, "socket");
  const child = spawn("redis-server", ["--port", "0", "--unixsocket", path, "--save", "", "--dir", folder], {
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  for (let tries = 0; !existsSync(path) && tries < 200 && child.exitCode === null; tries++) await wait(25);
  const socket = connect(path);
  await once(socket, "connect");
  const waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  let rest = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    for (let read = readReply(rest, 0); read; read = readReply(rest, 0)) {
      rest = rest.subarray(read.end);
      const one = waiting.shift();
      if (read.reply instanceof Error) one?.reject(read.reply);
      else one?.resolve(read.reply);
    }
  });
  return {
    send(...words) {
      const parts = words.flatMap((word) => [`$${Buffer.byteLength(word)}\r\n`, word, "\r\n"]);
      socket.write(Buffer.concat([`*${words.length}\r\n`, ...parts].map((part) => Buffer.from(part as string))));
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
      child.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One reply of RESP2 from `at` on, or undefined when it is not whole. */
function readReply(bytes: Buffer, at: number): { reply: Reply | Error; end: number } | undefined {
  const line = bytes.indexOf("\r\n", at);
  if (line < 0) return undefined;
  const text = bytes.toString("utf8", at + 1, line);
  const kind = String.fromCharCode(bytes[at] ?? 0);
  let end = line + 2;
  if (kind === "+") return { reply: text, end };
  if (kind === "-") return { reply: new Error(text), end };
  if (kind === ":") return { reply: Number(text), end };
  const length = Number(text);
  if (length < 0) return { reply: null, end };
  if (kind === "$") {
    if (bytes.length < end + length + 2) return undefined;
    return { reply: bytes.toString("utf8", end, end + length), end: end + length + 2 };
  }
  const items: Reply[] = [];
  for (let n = 0; n < length; n++) {
    const item = readReply(bytes, end);
    if (!item) return undefined;
    items.push(item.reply instanceof Error ? item.reply.message : item.reply);
    end = item.end;
  }
  return { reply: items, end };
}
