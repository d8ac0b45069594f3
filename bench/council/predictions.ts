/** Predictions in the form of SWE-bench: one council in a copy of each checkout, and the diff of what it decided. */

import { execFileSync } from "node:child_process";
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CouncilReport } from "../../src/core/council.ts";
import { type Asked, councilIn, jsonLines } from "./real-councils.ts";

export interface PredictionOrder {
  /** JSON lines: `instance_id`, `problem_statement`, and where the work begins: `repo`, `base_commit`. */
  readonly dataset: string;
  /** Folder of checkouts, one per instance and named as it is. */
  readonly checkouts: string;
  /** JSON lines; instances that stand there already are not asked again. */
  readonly out: string;
  readonly asked: Asked;
}

/** Goes on after an instance that failed; `failed` counts them, each told on stderr in one line. */
export async function writePredictions({ dataset, checkouts, out, asked }: PredictionOrder) {
  const done = new Set(jsonLines(out).map((row) => row["instance_id"]));
  let [written, failed] = [0, 0];
  for (const row of jsonLines(dataset)) {
    const id = String(row["instance_id"]);
    if (done.has(row["instance_id"])) continue;
    const checkout = join(checkouts, id);
    try {
      if (!existsSync(checkout)) throw new Error(`there is no checkout ${checkout}: clone ${row["repo"]} there`);
      const patch = await patchFor(checkout, row, asked);
      const line = { instance_id: id, model_name_or_path: `codecrucible+${asked.model ?? "?"}`, model_patch: patch };
      appendFileSync(out, `${JSON.stringify(line)}\n`);
      written++;
    } catch (error) {
      failed++;
      console.error(`${id}: ${(error as Error).message.split("\n")[0]}`);
    }
  }
  return { written, failed };
}

/** An empty patch where the council did not decide: that is an answer too. */
async function patchFor(checkout: string, row: Record<string, unknown>, asked: Asked): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "crucible-swe-"));
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", folder, ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  try {
    cpSync(checkout, folder, { recursive: true, verbatimSymlinks: true });
    const commit = row["base_commit"];
    if (typeof commit === "string" && commit !== "") git("checkout", "--quiet", "--force", commit);
    const report = await councilIn(folder, String(row["problem_statement"]), asked);
    apply(folder, report);
    git("add", "--all");
    return git("diff", "--cached", "HEAD");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function apply(folder: string, { decision, edits = [] }: CouncilReport): void {
  if (decision.outcome !== "decided") return;
  for (const { path, find, replace } of edits) {
    const file = join(folder, path);
    writeFileSync(file, find === "" ? replace : readFileSync(file, "utf8").replace(find, () => replace));
  }
}
