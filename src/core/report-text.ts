/** Reports of larger work in plain words, for faces that show text alone. */
import { oneLine, plural } from "../base/text.ts";
import type { CouncilReport } from "./council.ts";
import type { Finding, ReviewReport } from "./review.ts";
import type { SpiralReport } from "./spiral.ts";

/** What was decided, how sure, and who disagrees. */
export function councilWords({ decision, options }: CouncilReport): string {
  const winner = options.find(({ id }) => id === decision.winner);
  const sure = decision.winner === undefined ? undefined : decision.posterior[decision.winner];
  const percent = sure === undefined ? "" : `, ${Math.round(sure * 100)} % sure`;
  const why = decision.abstainReason === undefined ? "" : ` (${decision.abstainReason})`;
  const head = `${decision.outcome}${why}${percent}, ${decision.nEff.toFixed(1)} independent votes by ${decision.rule}`;
  const dissent = decision.dissent.map(
    ({ voice, reason }) => `dissent of ${voice}: ${oneLine(reason ?? "no reason given", 400)}`,
  );
  return [head, ...(winner ? ["", winner.diff ?? winner.text, ""] : []), ...dissent].join("\n").trimEnd();
}

export function reviewWords({ change, findings, unread, failed }: ReviewReport): string {
  const head = `${change}: ${findings.length === 0 ? "nothing found" : plural(findings.length, "finding")}${failed ? ", the gate fails" : ""}`;
  const left = unread.length === 0 ? [] : [`not read: ${unread.join(", ")}`];
  return [head, ...findings.map(findingWords), ...left].join("\n");
}

function findingWords({ severity, status, file, line, text }: Finding): string {
  const place = file === undefined ? "" : ` ${file}${line === undefined ? "" : `:${line}`}`;
  return `${severity}, ${status}${place}: ${oneLine(text, 600)}`;
}

export function spiralWords({ end, reason, loops, applied }: SpiralReport): string {
  const quality = loops.at(-1)?.quality.value;
  const good = quality === undefined || quality === null ? "" : `, quality ${quality.toFixed(2)}`;
  const files = applied.length === 0 ? "nothing was changed" : `changed: ${applied.join(", ")}`;
  return `${end} after ${plural(loops.length, "loop")}${good}: ${reason}\n${files}`;
}
