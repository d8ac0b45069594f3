/** Server-sent events (WHATWG HTML 9.2), with the liberties that model servers take. */
import { createLines, type Lines } from "./lines.ts";

/**
 * Calls `onData` with the data of each event. Comments (pings) and other fields are skipped.
 * Beyond the standard: an event without its closing blank line counts at the end of the stream,
 * and a bare JSON line counts as data (errors are often written so).
 */
export function createSse(onData: (data: string) => void): Lines {
  let data: string | undefined;
  let first = true;
  const flush = () => {
    if (data === undefined) return;
    const whole = data;
    data = undefined;
    onData(whole);
  };
  const field = (line: string) => {
    if (line === "") flush();
    else if (line.startsWith("data:")) {
      const value = line.charCodeAt(5) === 0x20 ? line.slice(6) : line.slice(5);
      data = data === undefined ? value : `${data}\n${value}`;
    } else if (line.startsWith("{")) {
      flush();
      onData(line);
    }
  };
  const lines = createLines((line) => {
    let text = line;
    if (first) {
      first = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    if (text.endsWith("\r")) text = text.slice(0, -1);
    if (text.includes("\r")) for (const part of text.split("\r")) field(part);
    else field(text);
  });
  return {
    push: lines.push,
    end() {
      lines.end();
      flush();
    },
  };
}
