/** `crucible stats`: what the sessions of this folder, or of all, took: times, tokens, tools, voices, resources. */
import type { Command } from "commander";
import { CrucibleError } from "../../base/error.ts";
import type { PerformanceReport, QuantileRow, ShareRow } from "../../core/performance.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import { workFolder } from "../files.ts";
import { table } from "../table.ts";

export default function stats(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command
    .option("--all", "of every folder")
    .option("--days <n>", "of the last n days", "30")
    .option("--json", "machine-readable")
    .action(async (options: { all?: boolean; days: string; json?: boolean }) => {
      const days = Number(options.days);
      if (!(days > 0))
        throw new CrucibleError("usage", `--days ${options.days} is no number of days`, {
          hint: "write it like --days 7",
        });
      const app = await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() });
      const report = await app.performance({ days, all: options.all === true });
      process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : shown(report, days));
      finish(0);
    });
}

function shown(report: PerformanceReport, days: number): string {
  if (report.sessions === 0) return `no sessions in the last ${days} days\n`;
  const { tokens, resources, requestsPerMinute } = report;
  const cached = tokens.input > 0 ? ` (${Math.round((tokens.cached / tokens.input) * 100)} % cached)` : "";
  const spans: (readonly [string, QuantileRow | undefined, (value: number) => string])[] = [
    ["turn", report.turnMs, time],
    ["answer of a model", report.answerMs, time],
    ["first token", report.firstTokenMs, time],
    ["tokens/s written", report.tokensPerSecond, (value) => value.toFixed(1)],
  ];
  const quantiles = spans.flatMap(([name, row, form]) => (row ? [[name, String(row.count), ...cells(row, form)]] : []));
  const kinds: (readonly [string, readonly ShareRow[]])[] = [
    ["TOOL", report.tools],
    ["VOICE", report.voices],
    ["MODEL", report.models],
  ];
  return [
    `${report.sessions} sessions, ${tokens.input} tokens read${cached}, ${tokens.output} written${requestsPerMinute === undefined ? "" : `, ${requestsPerMinute.toFixed(1)} requests a minute of work`}\n`,
    resources.rssMiB > 0
      ? `this program: at most ${Math.round(resources.rssMiB)} MiB, ${time(resources.cpuMs)} of processor, ${time(resources.gcMs)} of it collecting garbage, event loop late by at most ${time(resources.loopP99Ms)} (p99 of a turn)\n`
      : "",
    `\n${table([["", "COUNT", "P50", "P95", "P99", "MOST"], ...quantiles])}`,
    ...kinds
      .filter(([, rows]) => rows.length > 0)
      .map(
        ([head, rows]) =>
          `\n${table([[head, "COUNT", "FAILED", "DENIED", "P50", "P95", "P99", "MOST"], ...rows.map(shareCells)])}`,
      ),
  ].join("");
}

function shareCells({ name, count, failed, denied, ms }: ShareRow): string[] {
  return [name, String(count), String(failed), String(denied), ...(ms ? cells(ms, time) : [])];
}

function cells({ p50, p95, p99, max }: QuantileRow, form: (value: number) => string): string[] {
  return [p50, p95, p99, max].map(form);
}

function time(ms: number): string {
  return ms < 1_000
    ? `${Math.round(ms)} ms`
    : ms < 100_000
      ? `${(ms / 1_000).toFixed(1)} s`
      : `${Math.round(ms / 60_000)} min`;
}
