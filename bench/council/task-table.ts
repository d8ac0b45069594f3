/** The table of tries: shares, means, and what a thousand tokens bring. */
import type { Tried } from "./simulate.ts";

export interface Line {
  readonly world: string;
  /** Who worked: a council of some size, or one voice. */
  readonly way: string;
  readonly tried: readonly Tried[];
}

export const HEAD = [
  "world",
  "way",
  "solved %",
  "abstained %",
  "regret %",
  "calls",
  "prompt tokens",
  "output tokens",
  "exec s",
  "solved per 1,000 output tokens",
];

export type Figures = Readonly<Record<string, number | string>>;

/** Shares in percent, everything else means per task; regret: a right change was there and was not taken. */
export function figuresOf({ world, way, tried }: Line): Figures {
  const mean = (of: (one: Tried) => number) => tried.reduce((sum, one) => sum + of(one), 0) / Math.max(1, tried.length);
  const share = (of: (one: Tried) => boolean) => round(100 * mean((one) => Number(of(one))), 1);
  const output = mean(({ outputTokens }) => outputTokens);
  return {
    world,
    way,
    solved: share(({ solved }) => solved),
    abstained: share(({ abstained }) => abstained),
    regret: share(({ missed }) => missed),
    calls: round(
      mean(({ calls }) => calls),
      1,
    ),
    promptTokens: round(
      mean(({ promptTokens }) => promptTokens),
      0,
    ),
    outputTokens: round(output, 0),
    execSeconds: round(mean(({ execMs }) => execMs) / 1_000, 1),
    solvedPer1000: round((1_000 * mean(({ solved }) => Number(solved))) / Math.max(1, output), 2),
  };
}

const round = (value: number, digits: number) => Number(value.toFixed(digits));

export function rowsOf(lines: readonly Line[]): string[][] {
  return lines.map((line) => Object.values(figuresOf(line)).map(String));
}

export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((word, at) => Math.max(word.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (words: readonly string[]) => `| ${words.map((word, at) => word.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
