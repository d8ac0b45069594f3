/** Cuts a byte stream into text lines; safe at every byte boundary because a line feed never is part of a character. */

const FEED = 0x0a;
/** No real server writes a longer line; a stream without line feeds must not fill the memory. */
const MAX_LINE = 64 * 1024 * 1024;

export interface Lines {
  push(chunk: Buffer): void;
  /** Delivers a last line that has no line feed. */
  end(): void;
}

/** Calls `onLine` with each line, without its line feed. Throws on a line over 64 MiB. */
export function createLines(onLine: (line: string) => void): Lines {
  let pending: Buffer[] = [];
  let size = 0;
  return {
    push(chunk) {
      const last = chunk.lastIndexOf(FEED);
      if (last < 0) {
        size += chunk.length;
        if (size > MAX_LINE) throw new RangeError("the server sent a line over 64 MiB");
        if (chunk.length > 0) pending.push(chunk);
        return;
      }
      const head = chunk.subarray(0, last);
      const text = pending.length > 0 ? Buffer.concat([...pending, head]).toString("utf8") : head.toString("utf8");
      pending = last + 1 < chunk.length ? [chunk.subarray(last + 1)] : [];
      size = chunk.length - last - 1;
      if (!text.includes("\n")) onLine(text);
      else for (const line of text.split("\n")) onLine(line);
    },
    end() {
      const text = Buffer.concat(pending).toString("utf8");
      pending = [];
      size = 0;
      if (text !== "") onLine(text);
    },
  };
}
