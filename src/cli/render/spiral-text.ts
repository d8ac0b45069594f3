/** A spiral for people: its phases as they come, and at the end what ran, what changed and what is still open. */
import type { Event } from "../../core/event.ts";
import type { Quality, SpiralReport } from "../../core/spiral.ts";
import { harmless, type Output } from "../output.ts";
import { table } from "../table.ts";

type Style = Output["style"];

/** Lines of a phase that are shown as they come. */
const SHOWN = 12;

/** One phase as it begins or ends. */
export function phaseLines(event: Event, style: Style): string[] | undefined {
  if (event.kind === "phase-start")
    return [style.bold(`▸ ${event.phase}${event.loop > 1 ? ` (loop ${event.loop})` : ""}`)];
  if (event.kind !== "phase-end") return undefined;
  const lines = harmless(event.text)
    .split("\n")
    .filter((line) => line.trim() !== "");
  const more = lines.length > SHOWN ? [`… ${lines.length - SHOWN} more lines`] : [];
  return [...lines.slice(0, SHOWN), ...more].map((line) => style.dim(`  ${line}`));
}

export function spiralText(report: SpiralReport, style: Style): string {
  const { end, reason, applied, loops, lesson, id, plan } = report;
  const last = loops.at(-1);
  const done = end === "done";
  const head = done
    ? style.green(style.bold(`Done: ${harmless(reason)}`))
    : style.yellow(style.bold(`Not done (${end}): ${harmless(reason)}`));
  const parts = [
    head,
    ...(applied.length > 0 ? [`changed: ${applied.map(harmless).join(", ")}`] : []),
    ...(last ? ["", checksTable(last.quality)] : []),
    ...(last?.problem && !done ? [style.yellow(harmless(last.problem)), ""] : []),
    ...(!done && last && last.diff !== ""
      ? [style.dim("the last try, which was not taken:"), indent(harmless(last.diff)), ""]
      : []),
    ...(lesson ? [`lesson: ${harmless(lesson)}`] : []),
    ...(done && plan ? [style.dim(`to take it back: ${harmless(plan.rollback)}`)] : []),
    ...(end === "needs-human" ? [style.dim(`go on with it: crucible spiral --resume ${id.slice(1)}`)] : []),
    style.dim(`${loops.length} ${loops.length === 1 ? "loop" : "loops"}, scale ${report.scale}`),
  ];
  return `${parts.join("\n")}\n`;
}

function checksTable({ checks, findings }: Quality): string {
  if (checks.length === 0) return "no check could be run\n";
  const rows = checks.map(({ kind, title, before, after }) => [kind, harmless(title), before, after]);
  const found = findings.map((finding) => `refused by the guard: ${harmless(finding)}\n`).join("");
  return `${table([["CHECK", "WHAT", "BEFORE", "AFTER"], ...rows])}${found}`;
}

const indent = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
