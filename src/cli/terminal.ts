/** The person at a terminal: approvals and questions, one at a time, always answerable with Ctrl+C. */
import { createInterface } from "node:readline/promises";
import type { Human } from "../core/ports/human.ts";
import { harmless, lineOf, type Output } from "./output.ts";

/** An answer sooner than this after its question was typed before it (milliseconds). */
export const READING_MS = 700;
export const TOO_EARLY = "that was typed before the question could be read; again:";

/** Asks on the terminal; `pause` clears the status line first. */
export function terminalHuman(output: Output, pause: () => void): Human {
  let queue: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = queue.then(work);
    queue = next.catch(() => undefined);
    return next;
  };
  const question = async (prompt: string, signal: AbortSignal): Promise<string> => {
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    lines.on("SIGINT", () => process.emit("SIGINT"));
    try {
      return (await lines.question(prompt, { signal })).trim();
    } finally {
      lines.close();
    }
  };
  const { style } = output;
  /** What was typed ahead allows nothing. */
  const considered = async (ask: () => Promise<string>): Promise<string> => {
    for (;;) {
      const since = performance.now();
      const answer = await ask();
      if (performance.now() - since >= READING_MS) return answer;
      output.out(`  ${TOO_EARLY}\n`);
    }
  };
  return {
    present: true,
    approve: (asked, signal) =>
      inTurn(async () => {
        pause();
        output.out(
          `${style.yellow("?")} ${style.bold(lineOf(asked.title))}\n${[...asked.lines, ...asked.rules.map((rule) => `always would allow: ${rule}`)].map((line) => `  ${lineOf(line)}\n`).join("")}`,
        );
        const lasting = asked.rules.length > 0;
        const words = lasting ? "  allow? [y]es once, [a]lways, [N]o " : "  allow once? [y/N] ";
        const answer = await considered(() => question(words, signal));
        if (lasting && /^a(?:lways)?$/i.test(answer)) return "always";
        return /^y(?:es)?$/i.test(answer) ? "yes" : "no";
      }),
    ask: (text, options, signal) =>
      inTurn(async () => {
        pause();
        output.out(
          `${style.yellow("?")} ${style.bold(harmless(text).replaceAll("\n", "\n  │ "))}\n${options.map((option, index) => `  ${index + 1}. ${lineOf(option)}\n`).join("")}`,
        );
        const answer = await question(options.length > 0 ? "  number or text: " : "  > ", signal);
        return options[Number(answer) - 1] ?? answer;
      }),
  };
}
