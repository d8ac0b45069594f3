/** What a tool call looks like once it has ended: one line, its diff or the end of its output below. */
import type { EventOf } from "../../core/event.ts";
import { harmless, type Output } from "../output.ts";

/** Lines of a diff or of output that are shown when not all are. */
const SHOWN_LINES = 24;

/** One line for the call, its diff or the end of its output below. */
export function toolLines(
  event: EventOf<"tool-end">,
  title: string | undefined,
  { style, columns, verbose }: Pick<Output, "style" | "columns"> & { readonly verbose: boolean },
): string[] {
  const mark = event.denied ? style.yellow("✋") : event.failed ? style.red("✗") : style.green("✔");
  const details = event.details ?? {};
  const facts = [
    typeof details["added"] === "number" ? `+${details["added"]} -${String(details["removed"])}` : "",
    typeof details["exitCode"] === "number" ? `exit ${details["exitCode"]}` : "",
    `${Math.round(event.durationMs)} ms`,
    details["copy"] === true ? "in a copy" : "",
  ].filter(Boolean);
  const text = event.parts.map((part) => (part.type === "text" ? part.text : `[${part.mediaType}]`)).join("\n");
  const head = `${mark} ${cut(harmless(title ?? event.tool).replaceAll("\n", " "), columns - 24)} ${style.dim(facts.join(" · "))}`;
  const diff =
    typeof details["diff"] === "string"
      ? details["diff"].split("\n").filter((line) => !/^(?:---|\+\+\+|Index|={3,})/.test(line))
      : undefined;
  if (diff) return [head, ...clip(diff, verbose).map((line) => paintDiff(harmless(line), style, columns))];
  const body = event.failed || verbose || event.tool === "shell" ? text.trimEnd().split("\n") : [];
  const shown = event.tool === "shell" && !verbose ? body.slice(-8) : clip(body, verbose);
  return [head, ...shown.map((line) => style.dim(`  ${cut(harmless(line), columns - 3)}`))];
}

function clip(lines: readonly string[], verbose: boolean): readonly string[] {
  return verbose || lines.length <= SHOWN_LINES
    ? lines
    : [...lines.slice(0, SHOWN_LINES), `… ${lines.length - SHOWN_LINES} more lines`];
}

/** At most `width` characters. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(1, width - 1))}…`;
}

function paintDiff(line: string, style: Output["style"], columns: number): string {
  const text = `  ${cut(line, columns - 3)}`;
  return line.startsWith("+") ? style.green(text) : line.startsWith("-") ? style.red(text) : style.dim(text);
}
