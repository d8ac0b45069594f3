/** What an undo did, or would do, file by file. */
import { relative } from "node:path";
import { plural } from "../../base/text.ts";
import type { UndoOptions, UndoReport } from "../../core/ports/undo.ts";
import { harmless } from "../output.ts";

const WHY = {
  changed: "changed since by somebody else",
  doubtful: "changed while a background command ran, or after the work was cut off: by it or by you",
  blocked: "something lies in the way",
} as const;

export function undoText(report: UndoReport, options: Pick<UndoOptions, "dryRun">, workspace: string): string {
  const short = (path: string) => {
    const below = relative(workspace, path);
    return harmless(below.startsWith("..") ? path : below);
  };
  const { redo, turns, files, conflicts, uncovered, done } = report;
  const what = `${turns.length === 1 ? "turn" : "turns"} ${turns.join(", ")}`;
  const lines = [
    ...uncovered.map((path) => `not covered: ${harmless(path)}`),
    ...files.map(
      ({ path, change }) => `  ${done || change === "mode" ? "" : "would be "}${change.padEnd(8)}  ${short(path)}`,
    ),
    ...conflicts.map(({ path, why }) => `  left      ${short(path)} (${WHY[why]})`),
    ...ending(report, options, `${redo ? "redid" : "undid"} ${what}: ${plural(files.length, "file")}`),
  ];
  return `${lines.join("\n")}\n`;
}

function ending({ done, redo, conflicts }: UndoReport, { dryRun }: Pick<UndoOptions, "dryRun">, did: string): string[] {
  if (done) return [`${did}. The conversation goes on from there; back again: crucible undo${redo ? "" : " --redo"}`];
  if (conflicts.length === 0) return ["nothing was changed (--dry-run)"];
  const doubtful = conflicts.some(({ why }) => why === "doubtful");
  return [
    `nothing was changed${dryRun ? " (--dry-run)" : ""}: --keep-mine undoes all other files and leaves these${doubtful ? ", --doubtful takes the doubtful ones too" : ""}`,
  ];
}
