/** Messages over a confined process: one JSON value per line on its standard streams. */
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { CrucibleError } from "../../base/error.ts";
import type { ServerProcess } from "../../core/ports/mcp.ts";

/** A longer line is no message (bytes). */
const MAX_LINE = 32 * 1024 * 1024;
/** Messages that wait to be read; more of them are a flood. */
const MOST_WAITING = 20_000;
/** Lines that are no messages are told of this often. */
const MAX_NOTES = 5;

/** The protocol's transport; closing it ends the process, and the end of the process closes it. */
export function processTransport(
  server: ServerProcess,
  parse: (line: unknown) => JSONRPCMessage,
  note: (text: string) => void,
): Transport {
  let rest: Buffer[] = [];
  let size = 0;
  let garbage = 0;
  let closed = false;
  let stopped = false;
  const queue: JSONRPCMessage[] = [];
  const transport: Transport = {
    start: async () => {
      server.onOutput(take);
      server.ended.then(end, end);
    },
    send: (message) => server.write(`${JSON.stringify(message)}\n`),
    close: async () => {
      server.kill();
      await server.ended.catch(() => undefined);
      end();
    },
  };
  /** One a turn: what a notification brings is taken in before the answer behind it, which ends its call. */
  function next(): void {
    const message = queue.shift();
    if (message !== undefined) transport.onmessage?.(message);
    if (queue.length > 0) setImmediate(next);
  }
  function end(): void {
    if (closed) return;
    closed = true;
    for (const message of queue.splice(0)) transport.onmessage?.(message);
    transport.onclose?.();
  }
  function take(chunk: Buffer): void {
    if (stopped) return;
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...rest, chunk.subarray(from, at)]).toString("utf8");
      rest = [];
      size = 0;
      from = at + 1;
      if (line.trim() !== "") read(line);
    }
    rest.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > MAX_LINE) stop(`it sent a line of more than ${MAX_LINE} bytes`);
    else if (queue.length > MOST_WAITING) stop("it sent more messages than can be read");
  }
  function stop(why: string): void {
    rest = [];
    size = 0;
    queue.length = 0;
    if (!stopped) transport.onerror?.(new CrucibleError("tool-failed", why));
    stopped = true;
    server.kill();
  }
  function read(line: string): void {
    let message: JSONRPCMessage;
    try {
      message = parse(JSON.parse(line));
    } catch {
      if (garbage++ < MAX_NOTES) note(`no message: ${line.slice(0, 200)}`);
      return;
    }
    if (queue.push(message) === 1) setImmediate(next);
  }
  return transport;
}
