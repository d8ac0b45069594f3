/** Collects a command's output: shown as it comes, capped for the model, spilled to a file when it is more. */
import { closeSync, constants, fchownSync, openSync, writeSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import type { Owner } from "./options.ts";

const COALESCE_MS = 50;
/** A command that prints without end must not fill the disk. */
const MAX_SPILL = 256 * 1024 * 1024;

export interface OutputSink {
  push(chunk: Buffer): void;
  /** Ends the flow of deltas; returns what the model reads. */
  finish(): {
    readonly output: string;
    readonly truncated: boolean;
    readonly spill?: string;
    readonly spillAt?: string;
  };
}

export interface SinkOptions {
  readonly cap: number;
  /** Host path of the spill file and the name it has for tools. */
  readonly spill: { readonly host: string; readonly shown: string };
  readonly owner: Owner | undefined;
  readonly onDelta: (text: string) => void;
}

/** Keeps the first 60 % and the last 40 % of `cap` bytes; everything goes to the spill file once the cap is passed. */
export function outputSink(options: SinkOptions): OutputSink {
  const { cap } = options;
  const headCap = Math.floor(cap * 0.6);
  const kept: Buffer[] = [];
  let size = 0;
  let tailStart = 0;
  let head: Buffer | undefined;
  let file: number | undefined;
  let spilled = 0;
  const deltas = deltaFlow(options.onDelta);

  const spill = (chunk: Buffer) => {
    file ??= openSpill(options);
    const room = Math.max(0, MAX_SPILL - spilled);
    spilled += writeSync(file, chunk.subarray(0, room));
  };
  const push = (chunk: Buffer) => {
    deltas.push(chunk);
    kept.push(chunk);
    size += chunk.length;
    if (size <= cap) return;
    if (!head) {
      const all = Buffer.concat(kept);
      spill(all);
      head = all.subarray(0, headCap);
      kept.splice(0, kept.length, all.subarray(headCap));
      tailStart = headCap;
    } else spill(chunk);
    const tailCap = cap - headCap;
    while (kept.length > 1 && size - tailStart - (kept[0]?.length ?? 0) >= tailCap)
      tailStart += kept.shift()?.length ?? 0;
  };
  const finish = () => {
    deltas.end();
    if (file !== undefined) closeSync(file);
    if (!head) return { output: Buffer.concat(kept).toString("utf8"), truncated: false };
    const tail = Buffer.concat(kept);
    const end = whole(tail.subarray(Math.max(0, tail.length - (cap - headCap))));
    const left = size - head.length - end.length;
    const output = `${new StringDecoder("utf8").write(head)}\n… ${left} bytes left out …\n${end.toString("utf8")}`;
    return { output, truncated: true, spill: options.spill.shown, spillAt: options.spill.host };
  };
  return { push, finish };
}

/** Drops the rest of a character that was cut at the start. */
function whole(bytes: Buffer): Buffer {
  let start = 0;
  while (start < 3 && start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  return bytes.subarray(start);
}

/** Keeps one text in a file of its own. */
export function spillText(options: Pick<SinkOptions, "spill" | "owner">, text: string): string {
  const file = openSpill(options);
  try {
    writeSync(file, text.slice(0, MAX_SPILL));
  } finally {
    closeSync(file);
  }
  return options.spill.shown;
}

function openSpill(options: Pick<SinkOptions, "spill" | "owner">): number {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const fd = openSync(options.spill.host, flags, 0o600);
  if (options.owner) fchownSync(fd, options.owner.uid, options.owner.gid);
  return fd;
}

function deltaFlow(onDelta: (text: string) => void): { push(chunk: Buffer): void; end(): void } {
  const decoder = new StringDecoder("utf8");
  let pending = "";
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    timer = undefined;
    if (pending !== "") onDelta(pending);
    pending = "";
  };
  return {
    push: (chunk) => {
      pending += decoder.write(chunk);
      timer ??= setTimeout(flush, COALESCE_MS);
    },
    end: () => {
      clearTimeout(timer);
      pending += decoder.end();
      flush();
    },
  };
}
