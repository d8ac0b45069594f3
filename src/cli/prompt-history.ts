/** Prompts of earlier days, newest last: one JSON line each, in the state place, readable by their owner alone. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Prompts that are kept. */
const KEPT = 1_000;

interface Line {
  readonly folder: string;
  readonly text: string;
}

export interface PromptHistory {
  /** Prompts of this folder, oldest first; then of all folders when `all`. */
  list(all?: boolean): readonly string[];
  add(text: string): void;
}

/** A file that cannot be read or written is an empty one: history is a comfort. */
export function promptHistory(file: string, folder: string): PromptHistory {
  let lines = readLines(file);
  return {
    list: (all = false) => lines.filter((line) => all || line.folder === folder).map(({ text }) => text),
    add(text) {
      if (lines.findLast((line) => line.folder === folder)?.text === text) return;
      lines.push({ folder, text });
      try {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
        if (lines.length <= KEPT * 2)
          return appendFileSync(file, `${JSON.stringify({ folder, text })}\n`, { mode: 0o600 });
        lines = lines.slice(-KEPT);
        writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""), { mode: 0o600 });
      } catch {
        // It stays in memory.
      }
    },
  };
}

function readLines(file: string): Line[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => {
    try {
      const { folder, text } = JSON.parse(line) as Partial<Line>;
      return typeof folder === "string" && typeof text === "string" ? [{ folder, text }] : [];
    } catch {
      // A line that was cut off by a crash.
      return [];
    }
  });
}
