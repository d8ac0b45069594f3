/** What a tool call looks like once it has ended: one line, its diff or the end of its output below. */
import type { EventOf } from "../../core/event.ts";
import { harmless, type Output } from "../output.ts";

/** Lines of a diff or of output that are shown when not all are. */
const SHOWN_LINES = 24;
/** Lines of what a command of the model has printed. */
const SHELL_LINES = 8;
/** Lines of what the person asked for themselves. */
const OWN_LINES = 300;

export interface ToolLook extends Pick<Output, "style" | "columns"> {
  readonly verbose: boolean;
  /** How all of it is shown, in words; "" when it cannot be. */
  readonly more: string;
}

/** One line for the call, its diff or the end of its output below. */
export function toolLines(event: EventOf<"tool-end">, title: string | undefined, look: ToolLook): string[] {
  const { style, columns, verbose } = look;
  const mark = event.denied ? style.yellow("✋") : event.failed ? style.red("✗") : style.green("✔");
  const details = event.details ?? {};
  const facts = [
    typeof details["added"] === "number" ? `+${details["added"]} -${String(details["removed"])}` : "",
    typeof details["exitCode"] === "number" ? `exit ${details["exitCode"]}` : "",
    `${Math.round(event.durationMs)} ms`,
    details["copy"] === true ? "in a copy" : "",
  ].filter(Boolean);
  const head = `${mark} ${cut(harmless(title ?? event.tool).replaceAll("\n", " "), columns - 24)} ${style.dim(facts.join(" · "))}`;
  const diff =
    typeof details["diff"] === "string"
      ? details["diff"].split("\n").filter((line) => !/^(?:---|\+\+\+|Index|={3,})/.test(line))
      : undefined;
  if (diff)
    return [head, ...shortened(diff, look, SHOWN_LINES).map((line) => paintDiff(harmless(line), style, columns))];
  const own = event.voice === "person" && event.tool === "shell";
  const body = event.failed || verbose || event.tool === "shell" ? textOf(event).trimEnd().split("\n") : [];
  // What a command prints last tells how it ended.
  const shown =
    event.tool === "shell"
      ? shortened(body.toReversed(), look, own ? OWN_LINES : SHELL_LINES).toReversed()
      : shortened(body, look, SHOWN_LINES);
  return [head, ...shown.map((line) => style.dim(`  ${cut(harmless(line), columns - 3)}`))];
}

/** What it gave, with paths as they are outside of the sandbox. */
function textOf({ parts, details = {} }: EventOf<"tool-end">): string {
  const text = parts.map((part) => (part.type === "text" ? part.text : `[${part.mediaType}]`)).join("\n");
  const { spill, spillAt } = details;
  return typeof spill === "string" && typeof spillAt === "string" ? text.replaceAll(spill, spillAt) : text;
}

/** The first `most` lines, and how many are left out. */
function shortened(lines: readonly string[], { verbose, more }: ToolLook, most: number): readonly string[] {
  const left = lines.length - most;
  // A line that says that one is left out takes as much room as that one.
  if (verbose || left <= 1) return lines;
  return [...lines.slice(0, most), `… ${left} more lines${more === "" ? "" : ` (${more})`}`];
}

/** At most `width` characters. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(1, width - 1))}…`;
}

function paintDiff(line: string, style: Output["style"], columns: number): string {
  const text = `  ${cut(line, columns - 3)}`;
  return line.startsWith("+") ? style.green(text) : line.startsWith("-") ? style.red(text) : style.dim(text);
}
