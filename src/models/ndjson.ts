/** Newline-delimited JSON: one value per line, blank lines ignored. */
import { createLines, type Lines } from "./lines.ts";

/** Calls `onValue` per line; a line that is no JSON goes to `onJunk` (a proxy's error page, for example). */
export function createNdjson(onValue: (value: unknown) => void, onJunk: (line: string) => void): Lines {
  return createLines((line) => {
    if (line === "" || line === "\r") return;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      if (line.trim() !== "") onJunk(line);
      return;
    }
    onValue(value);
  });
}
