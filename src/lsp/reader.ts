/** Messages of a language server, taken one at a time: a length that no message has, or a flood of them, ends it. */
import type { DataCallback, MessageReader } from "vscode-jsonrpc/node";
import { CrucibleError } from "../base/error.ts";

/** A longer message is none (bytes). */
const MOST_BYTES = 32 * 1024 * 1024;
/** Longest header of a message (bytes). */
const MOST_HEADER = 8 * 1024;
/** Messages that wait to be read. */
const MOST_WAITING = 20_000;
/** All that waits to be read (bytes). */
const MOST_HELD = 2 * MOST_BYTES;
const END = "\r\n\r\n";

export interface BoundedReader {
  take(chunk: Buffer): void;
  /** Gives every message to `deliver`, in order, one a turn of the event loop. */
  listen(deliver: (message: unknown) => void): void;
  end(): void;
}

/** `stop` is called once, with the reason; nothing is delivered after it. */
export function boundedReader(stop: (reason: CrucibleError) => void): BoundedReader {
  let chunks: Buffer[] = [];
  let size = 0;
  /** Bytes without which nothing more can be read. */
  let needed = 1;
  let body: number | undefined;
  let held = 0;
  let open = true;
  let deliver: ((message: unknown) => void) | undefined;
  const queue: Buffer[] = [];
  const end = () => {
    open = false;
    chunks = [];
    queue.length = 0;
  };
  const refuse = (why: string): undefined => {
    if (!open) return;
    end();
    stop(new CrucibleError("tool-failed", `the language server sent ${why}`));
  };
  const next = () => {
    const bytes = queue.shift();
    if (bytes === undefined || !open) return;
    held -= bytes.length;
    try {
      deliver?.(JSON.parse(bytes.toString("utf8")));
    } catch {
      refuse("a message that is no JSON");
    }
    if (queue.length > 0) setImmediate(next);
  };
  const put = (bytes: Buffer) => {
    held += bytes.length;
    const first = queue.push(bytes) === 1;
    if (queue.length > MOST_WAITING || held > MOST_HELD) refuse("more than can be read");
    else if (first && deliver) setImmediate(next);
  };
  /** What is left after the next header or message; undefined when it is not whole yet. */
  const step = (all: Buffer): Buffer | undefined => {
    if (body !== undefined) {
      needed = body;
      if (all.length < body) return undefined;
      put(Buffer.from(all.subarray(0, body)));
      const rest = all.subarray(body);
      body = undefined;
      return rest;
    }
    needed = all.length + 1;
    const at = all.subarray(0, MOST_HEADER).indexOf(END);
    if (at < 0 && all.length < MOST_HEADER) return undefined;
    const length = /^content-length: *(\d{1,10}) *$/im.exec(all.toString("latin1", 0, Math.max(at, 0)))?.[1];
    if (length === undefined) return refuse("what is no message");
    if (Number(length) > MOST_BYTES) return refuse(`a message of ${length} bytes`);
    body = Number(length);
    return all.subarray(at + END.length);
  };
  return {
    end,
    take(chunk) {
      if (!open) return;
      chunks.push(chunk);
      size += chunk.length;
      if (size < needed) return;
      let rest: Buffer = Buffer.concat(chunks);
      for (let after = step(rest); after !== undefined && open; after = step(rest)) rest = after;
      chunks = open ? [rest] : [];
      size = rest.length;
    },
    listen(given) {
      deliver = given;
      if (queue.length > 0) setImmediate(next);
    },
  };
}

/** The reader as the protocol's library takes it. */
export function messageReader(reader: BoundedReader): MessageReader {
  const never = () => ({ dispose: () => undefined });
  return {
    ...{ onError: never, onClose: never, onPartialMessage: never },
    listen(callback: DataCallback) {
      reader.listen((message) => callback(message as Parameters<DataCallback>[0]));
      return { dispose: reader.end };
    },
    dispose: reader.end,
  };
}
