/** A review for people: the gravest first, each with its place, what stands behind it, and who said it. */
import { plural } from "../../base/text.ts";
import type { Finding, ReviewReport } from "../../core/review.ts";
import { harmless, type Output } from "../output.ts";

type Style = Output["style"];

export function reviewText(report: ReviewReport, style: Style): string {
  const { change, files, findings, groups, unread, elsewhere, cost, failed, failOn, voices } = report;
  const confirmed = findings.filter(({ status }) => status !== "unconfirmed");
  const open = findings.filter(({ status }) => status === "unconfirmed");
  const silent = voices.filter(({ status }) => status !== "ok");
  const lines = [
    style.bold(`${harmless(change)}: ${plural(files.length, "file")}, ${plural(findings.length, "finding")}`),
    "",
    ...confirmed.flatMap((finding) => shown(finding, report, style)),
    ...(open.length > 0 ? [style.bold("Unconfirmed: no test shows them, and no second model named them"), ""] : []),
    ...open.flatMap((finding) => shown(finding, report, style)),
    ...(groups.length < 2 && open.length > 0
      ? [style.dim("one model read this: what it says alone fails no gate")]
      : []),
    ...(unread.length > 0 ? [style.yellow(`not read: ${harmless(unread.join(", "))}`)] : []),
    ...(elsewhere > 0
      ? [style.dim(`${plural(elsewhere, "remark")} on files that the change does not touch left out`)]
      : []),
    ...silent.map(({ voice, status, problem }) =>
      style.yellow(`${voice} ${status}${problem ? ` (${harmless(problem)})` : ""}`),
    ),
    style.dim(`${plural(cost.calls, "call")}, ${cost.promptTokens} tokens read, ${cost.outputTokens} written`),
    ...(failOn ? [gateText(failOn, failed, silent.length < voices.length, style)] : []),
  ];
  return `${lines.join("\n")}\n`;
}

function gateText(failOn: string, failed: boolean, read: boolean, style: Style): string {
  if (!read) return style.red("nobody read the change: the gate does not hold");
  return failed ? style.red(`the gate fails (${failOn} or worse)`) : style.green(`the gate holds (${failOn})`);
}

function shown(
  { severity, file, line, subject, text, status, by, voices, forPerson }: Finding,
  { checks }: ReviewReport,
  style: Style,
): string[] {
  const grave = severity === "critical" || severity === "high";
  const head = `${severity.toUpperCase().padEnd(8)} ${harmless(file ?? "")}${line ? `:${line}` : ""}  ${harmless(subject)}`;
  const commands = checks.filter(({ id }) => by.includes(id)).map(({ command }) => command);
  const behind =
    status === "confirmed"
      ? `confirmed: ${commands.join(", ")} passed before and fails now`
      : status === "seconded"
        ? `named by ${by.join(" and ")}`
        : `by ${voices.join(", ")}`;
  const look = forPerson ? "; look at it yourself" : "";
  return [
    grave && status !== "unconfirmed" ? style.red(style.bold(head)) : style.bold(head),
    `  ${harmless(text)}`,
    style.dim(`  ${harmless(behind)}${look}`),
    "",
  ];
}
