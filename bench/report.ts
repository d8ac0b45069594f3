/** The table of one run: on the screen, and with the machine's facts in bench/results. */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import type { Row } from "./kit.ts";

const HEAD = ["item", "measured", "floor", "x floor", "budget", "", "note"];

/** Prints the rows; keeps them when asked to. True when every budget is met. */
export function report(rows: readonly Row[], options: { keep: boolean }): boolean {
  const machine = {
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    node: process.version,
    load: loadavg().map((load) => Number(load.toFixed(2))),
  };
  const facts = `${machine.processor}, ${machine.cores} cores, ${machine.memoryGib} GiB, Linux ${machine.kernel}, Node ${machine.node}, load ${machine.load.join(" ")}`;
  const lines = table(rows);
  console.log(`the built program (dist/), medians, bare Node measured in turn\n${facts}\n\n${lines.join("\n")}`);
  if (options.keep) {
    const folder = join(import.meta.dirname, "results");
    const date = new Date().toISOString().slice(0, 10);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${date}.json`), `${JSON.stringify({ date, machine, rows }, null, 2)}\n`);
    writeFileSync(
      join(folder, `${date}.md`),
      `# Measured on ${date}\n\nThe built program (\`dist/\`), medians; the floor is bare Node measured in turn with it.\n${facts}\n\n${lines.join("\n")}\n`,
    );
  }
  return rows.every((row) => verdict(row) !== "OVER");
}

/** The figure that the budget is on. */
function judged(row: Row): number {
  return row.byFloor ? row.value / (row.floor ?? Number.NaN) : row.value;
}

function verdict(row: Row): string {
  if (!row.budget) return "";
  const good = "most" in row.budget ? judged(row) <= row.budget.most : judged(row) >= row.budget.least;
  return good ? "ok" : "OVER";
}

function table(rows: readonly Row[]): string[] {
  const cells = rows.map((row) => {
    const bound = row.budget && ("most" in row.budget ? `<= ${row.budget.most}` : `>= ${row.budget.least}`);
    return [
      row.item,
      `${short(row.value)} ${row.unit}`.trim(),
      row.floor === undefined ? "" : short(row.floor),
      row.floor === undefined ? "" : short(row.value / row.floor),
      bound === undefined ? "" : `${bound}${row.byFloor ? " x" : ""}`,
      verdict(row),
      row.note ?? "",
    ];
  });
  const widths = HEAD.map((head, at) => Math.max(head.length, 2, ...cells.map((line) => line[at]?.length ?? 0)));
  const line = (words: readonly string[]) => `| ${words.map((word, at) => word.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  return [line(HEAD), line(widths.map((width) => "-".repeat(width))), ...cells.map(line)];
}

function short(value: number): string {
  if (Number.isNaN(value)) return "absent";
  return value >= 1000 ? Math.round(value).toString() : value.toPrecision(3);
}
