/** `-w`: the run happens in a worktree of its own; said at its end where the work is, or nothing when there is none. */
import { toFault } from "../base/error.ts";
import type { App } from "../core/ports/app.ts";
import type { CommandContext } from "../core/ports/cli.ts";
import type { EnteredWorktree, WorktreeLeft } from "../core/ports/worktrees.ts";
import { workFolder } from "./files.ts";
import type { Flags } from "./flags.ts";
import { configFlags, sandboxOf } from "./open-options.ts";
import { faultLine } from "./render/renderer.ts";

export type Run = (flags: Flags, context: CommandContext) => Promise<number>;

/** Longest look at a worktree that is left (milliseconds). */
const LEAVING_MS = 60_000;

/** In the worktree that `-w` names, or in the one where the session of `-r` worked; else where the person stands. */
export async function inPlace(flags: Flags, context: CommandContext, run: Run): Promise<number> {
  const app = await context.makeApp({
    workspace: workFolder(flags.text("cd")),
    bare: flags.has("bare"),
    flags: configFlags(flags),
  });
  const resume = flags.text("resume");
  const given = flags.text("worktree");
  const name = given ?? (resume === undefined ? undefined : await (await app.worktrees()).ofSession(resume));
  if (name === undefined) return run(flags, { ...context, makeApp: async () => app });
  return inWorktree(flags, context, { app, name: name === "" ? undefined : name, run });
}

async function inWorktree(
  flags: Flags,
  context: CommandContext,
  { app, name, run }: { readonly app: App; readonly name: string | undefined; readonly run: Run },
): Promise<number> {
  const wanted = { ...(name === undefined ? {} : { name }), sandbox: sandboxOf(flags, app) };
  const entered = await (await app.worktrees()).enter(wanted, new AbortController().signal);
  if (!flags.has("quiet")) for (const line of begun(entered, app.workspace)) say(line);
  const texts: Partial<Record<string, string>> = { cd: entered.folder, worktree: entered.name };
  try {
    const has: Flags["has"] = (flag) => flag === "worktree" || flags.has(flag);
    return await run({ ...flags, has, text: (flag) => texts[flag] ?? flags.text(flag) }, context);
  } finally {
    await leave(entered);
  }
}

const say = (line: string) => void process.stderr.write(`crucible: ${line}\n`);

function begun({ name, path, branch, base, again, dirty }: EnteredWorktree, workspace: string): string[] {
  const what = again ? "opened again" : `begun at ${base.slice(0, 12)}`;
  return [
    `worktree ${name} (branch ${branch}) ${what}: ${path}`,
    ...(dirty ? [`what is not committed in ${workspace} is not in it`] : []),
  ];
}

/** A look that fails loses nothing: the worktree stays. */
async function leave(entered: EnteredWorktree): Promise<void> {
  const { name, path } = entered;
  try {
    const left = await entered.leave(AbortSignal.timeout(LEAVING_MS));
    if (left.kept) say(kept(entered, left));
  } catch (error) {
    say(`the worktree ${name} stays, because it could not be looked at: ${faultLine(toFault(error))}; it is ${path}`);
  }
}

function kept({ name, path, branch }: EnteredWorktree, { commits, files }: WorktreeLeft): string {
  const count = (number: number, one: string, more: string) => (number === 1 ? `1 ${one}` : `${number} ${more}`);
  const work = [
    ...(commits > 0 ? [count(commits, "commit", "commits")] : []),
    ...(files > 0 ? [`${count(files, "file", "files")} not committed`] : []),
  ].join(", ");
  const take = commits > 0 ? `take its commits: git merge ${branch}` : `see it: git -C ${path} status`;
  return `worktree ${name} kept (${work || "another commit checked out"}) on branch ${branch}: ${path} · ${take} · go on: crucible -w ${name} -c · remove: crucible worktree remove ${name}`;
}
