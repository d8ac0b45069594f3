/** What comes of a decided patch: put into the workspace through the session's gate; where nothing was decided, the person is asked. */
import { CrucibleError } from "./base/error.ts";
import type { CouncilOption, CouncilReport } from "./core/council.ts";
import type { FileChange } from "./core/council-record.ts";
import type { Event } from "./core/event.ts";
import type { CopyPort, FileEdit } from "./core/ports/council.ts";
import type { Human } from "./core/ports/human.ts";

interface Taken {
  readonly edits: readonly FileEdit[];
  /** Absent: the council decided. */
  readonly chosen?: CouncilOption;
}

/** The decided edits, or those of the patch that the person takes; undefined for none. */
export async function takenFrom(
  { decision, edits, options, id }: CouncilReport,
  human: Human,
  signal: AbortSignal,
): Promise<Taken | undefined> {
  if (decision.outcome === "decided") return edits ? { edits } : undefined;
  const standing = options.filter((option) => (option.edits?.length ?? 0) > 0 && option.problem === undefined);
  if (!human.present || standing.length === 0) return undefined;
  const question = `Council ${id} did not decide. Which patch shall be taken? Their diffs and what ran stand above.`;
  const names = standing.map(({ label, text }) => `${label}: ${text}`);
  const answer = await human.ask(question, [...names, "none of them"], signal);
  const chosen = standing[names.indexOf(answer ?? "")];
  return chosen?.edits ? { edits: chosen.edits, chosen } : undefined;
}

interface Applying {
  readonly report: CouncilReport;
  readonly edits: readonly FileEdit[];
  readonly workspace: string;
}

/** Gives the changed paths. Throws `file-changed` when the workspace moved on, and whatever the gate refuses. */
export async function applyEdits(
  copies: CopyPort,
  { report, edits, workspace }: Applying,
  signal: AbortSignal,
): Promise<readonly string[]> {
  await using copy = await copies.copy(signal);
  const { problem } = await copy.edit(edits, signal);
  if (problem !== undefined)
    throw new CrucibleError("file-changed", `the decided patch does not apply any more: ${problem}`, {
      hint: "the workspace changed meanwhile: run the council again",
    });
  const named = new Set(edits.map(({ path }) => relativeTo(workspace, path)));
  const stray = filesOf(await copy.diff()).filter((path) => !named.has(path));
  if (stray.length > 0)
    throw new CrucibleError("internal", `the decided patch would change ${stray.join(", ")}, which it does not name`, {
      hint: `nothing was changed; see: crucible council show ${report.id}`,
    });
  // Awaited here: the copy must be there until everything is accepted.
  return await copies.accept(copy, signal);
}

function filesOf(diff: string): string[] {
  return [...diff.matchAll(/^diff --git a\/(.*) b\/\1$/gm)].map(([, path = ""]) => path);
}

function relativeTo(workspace: string, path: string): string {
  return (path.startsWith(`${workspace}/`) ? path.slice(workspace.length + 1) : path).replace(/^(?:\.\/)+/, "");
}

/** Hashes of the changed files before and after, as the gate recorded them. */
export function changesIn(
  events: readonly Event[],
  applied: readonly string[],
  workspace: string,
): Record<string, FileChange> {
  const changes: Record<string, FileChange> = {};
  for (const event of events) {
    if (event.kind !== "file-changed") continue;
    const path = relativeTo(workspace, event.path);
    if (applied.includes(path)) changes[path] = { before: changes[path]?.before ?? event.before, after: event.after };
  }
  return changes;
}
