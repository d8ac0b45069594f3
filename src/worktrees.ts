/** Wires worktrees of sessions: each a checkout of its own in the data folder, removed when nothing came of it. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { systemClock } from "./base/clock.ts";
import { CrucibleError } from "./base/error.ts";
import { newWorktreeName, worktreeName } from "./base/worktree-name.ts";
import { worktreeOrigin } from "./config/worktree-origin.ts";
import type { Sessions } from "./core/ports/store.ts";
import type { EnteredWorktree, WorktreeLeft, WorktreeRecord, WorktreesView } from "./core/ports/worktrees.ts";
import type { SandboxMode } from "./core/verdict.ts";
import type { House } from "./house.ts";
import { commonGit, namedFolder } from "./sandbox/git-places.ts";
import { type WorktreeRegister, worktreeRegister } from "./store/worktrees.ts";
import type { GitPlace } from "./worktree-git.ts";

/** Loaded when git is needed: a look at where a session worked is on the way of `-r`. */
const git = () => import("./worktree-git.ts");

interface Desk {
  readonly house: House;
  /** The folder of git that all checkouts share. */
  readonly repository: string;
  readonly register: WorktreeRegister;
}

type Store = () => Promise<{ readonly sessions: Sessions; close(): void }>;

export function worktreesView(house: House, openStore: Store): WorktreesView {
  return {
    enter: async ({ name, sandbox }, signal) => enter(deskOf(house), { name, sandbox }, signal),
    list() {
      const repository = commonGit(house.workspace);
      if (repository === undefined) return [];
      const register = worktreeRegister(house.config.places.data, repository);
      return register.list().map((record) => {
        using held = register.hold(record.name);
        return { ...record, live: held === undefined };
      });
    },
    remove: (name, { force }, signal) => remove(deskOf(house), { name, force }, signal),
    ofSession: (wanted) => ofSession(house, wanted, openStore),
  };
}

/** Throws `usage` outside a repository. */
function deskOf(house: House): Desk {
  const repository = commonGit(house.workspace);
  if (repository !== undefined)
    return { house, repository, register: worktreeRegister(house.config.places.data, repository) };
  throw new CrucibleError("usage", `${house.workspace} is not the top of a git repository: -w needs one`, {
    hint: "go into one, or make one: git init && git add -A && git commit",
  });
}

async function enter(
  desk: Desk,
  { name, sandbox }: { readonly name: string | undefined; readonly sandbox: SandboxMode },
  signal: AbortSignal,
): Promise<EnteredWorktree> {
  const { house, register } = desk;
  // A checkout that is made where commands run elsewhere would not be here.
  if (sandbox !== "off" && house.config.get("sandbox.backend") === "e2b")
    throw new CrucibleError("usage", "-w makes a worktree on this machine, and sandbox.backend is e2b", {
      hint: "crucible config set sandbox.backend auto",
    });
  const place: GitPlace = { house, sandbox };
  const chosen = name === undefined ? newWorktreeName((text) => isTaken(desk, text)) : worktreeName(name);
  const held = holdOf(register, chosen);
  try {
    const found = register.read(chosen);
    const again = found?.state === "ready" && isLinked(desk, found);
    const { record, dirty } = again ? { record: found, dirty: false } : await begin(desk, place, chosen, signal);
    const leave = async (at: AbortSignal) => {
      try {
        return await leaveOrKeep(desk, place, record, at);
      } finally {
        held[Symbol.dispose]();
      }
    };
    return { ...record, folder: standing(house, record.path), again, dirty, leave };
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

/** A new name is no name of a worktree or a branch that is there: neither's work is meant. */
function isTaken({ repository, register }: Desk, name: string): boolean {
  if (existsSync(register.pathOf(name)) || register.read(name)) return true;
  const ref = `refs/heads/${branchOf(name)}`;
  const packed = join(repository, "packed-refs");
  return existsSync(join(repository, ref)) || (existsSync(packed) && readFileSync(packed, "utf8").includes(`${ref}\n`));
}

const branchOf = (name: string) => `crucible/${name}`;

/** Throws `session-busy`. */
function holdOf(register: WorktreeRegister, name: string): Disposable {
  const held = register.hold(name);
  if (held) return held;
  throw new CrucibleError("session-busy", `the worktree ${name} is in use by another session`, {
    hint: "wait for it to end, or take another name: -w other",
  });
}

/** Its `.git` leads to a folder that the repository has for it. */
function isLinked({ repository }: Desk, { path }: WorktreeRecord): boolean {
  return namedFolder(join(path, ".git"))?.startsWith(`${repository}/worktrees/`) === true;
}

/** The folder that the person stands in, inside the worktree; its top when the commit has no such folder. */
function standing({ workspace, options }: House, path: string): string {
  const folder = join(path, relative(workspace, options.workspace));
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? folder : path;
}

/** A worktree made anew; what a crash or a removal by hand left of an earlier one goes first. */
async function begin(desk: Desk, place: GitPlace, name: string, signal: AbortSignal) {
  const { house, repository, register } = desk;
  const before = register.read(name);
  const path = register.pathOf(name);
  // With its place in git a worktree has not lost what somebody wrote in it.
  if (existsSync(path) && (!before || before.state === "ready"))
    throw new CrucibleError("usage", `${path} is there, but git knows it as no worktree of this repository`, {
      hint: "take what you need out of it and move it away, or take another name",
    });
  if (before) await discard(desk, place, before, signal);
  const branch = branchOf(name);
  const look = await (await git()).lookAt(place, branch, signal);
  const ownBranch = look.branch === undefined || before?.ownBranch === true;
  const base = look.branch === undefined ? look.head : before?.ownBranch ? before.base : look.branch;
  const origin = worktreeOrigin(house.config.places.data, house.workspace) ?? house.workspace;
  const at = systemClock.now();
  const record: WorktreeRecord = { name, path, repository, origin, branch, base, ownBranch, state: "making", at };
  register.write(record);
  try {
    register.makeFolder(name, house.workspace);
    await (await git()).addWorktree(place, record, signal);
    const ready: WorktreeRecord = { ...record, state: "ready" };
    register.write(ready);
    return { record: ready, dirty: look.dirty };
  } catch (error) {
    await discard(desk, place, record, AbortSignal.timeout(CLEANING_MS)).catch(() => undefined);
    throw error;
  }
}

/** Longest cleaning up after a failure or a cancelled start (milliseconds). */
const CLEANING_MS = 60_000;

/** Folder, git's record of it and, where it still stands at its beginning, the branch that came with it. */
async function discard(
  { register }: Desk,
  place: GitPlace,
  record: WorktreeRecord,
  signal: AbortSignal,
  tip: string | undefined = record.ownBranch ? record.base : undefined,
): Promise<void> {
  register.write({ ...record, state: "leaving" });
  register.removeFolder(record.name);
  await (await git()).dropWorktree(place, record, { tip, signal });
  register.forget(record.name);
}

async function leaveOrKeep(
  desk: Desk,
  place: GitPlace,
  record: WorktreeRecord,
  signal: AbortSignal,
): Promise<WorktreeLeft> {
  const { head, tip, commits, files } = await (await git()).stateOf(place, record, signal);
  const same = head === record.base && tip === record.base && files === 0;
  // Another branch may be checked out by now; at the same commit nothing is lost with the folder.
  if (same) await discard(desk, place, record, signal);
  return { kept: !same, commits, files };
}

async function remove(
  desk: Desk,
  { name, force }: { readonly name: string; readonly force: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { house, register } = desk;
  const place: GitPlace = { house, sandbox: house.config.get<SandboxMode>("sandbox.mode") };
  const record = register.read(worktreeName(name));
  if (!record)
    throw new CrucibleError("usage", `there is no worktree ${name} of this repository`, {
      hint: "crucible worktree list",
    });
  if (house.workspace === record.path)
    throw new CrucibleError("usage", `you stand in the worktree ${name}`, { hint: `go to: cd ${record.origin}` });
  using _held = holdOf(register, name);
  if (record.state !== "ready" || !existsSync(record.path)) return discard(desk, place, record, signal);
  if (!isLinked(desk, record)) {
    if (force) return discard(desk, place, record, signal);
    throw new CrucibleError("usage", `git knows ${record.path} as no worktree of this repository any more`, {
      hint: `look at what is in it; then: crucible worktree remove --force ${name}`,
    });
  }
  const state = await (await git()).stateOf(place, record, signal);
  const merged = state.head === record.base || (await (await git()).isMerged(place, state.head, signal));
  if (!force && (state.files > 0 || !merged))
    throw new CrucibleError("usage", `the worktree ${name} has ${workIn(state)} that would be lost`, {
      hint: `take the work first: git merge ${record.branch}; or: crucible worktree remove --force ${name}`,
    });
  await discard(desk, place, record, signal, record.ownBranch ? state.tip : undefined);
}

function workIn({ commits, files }: { readonly commits: number; readonly files: number }): string {
  const parts = [
    ...(commits > 0 ? [`${commits} ${commits === 1 ? "commit" : "commits"}`] : []),
    ...(files > 0 ? [`${files} ${files === 1 ? "file" : "files"} not committed`] : []),
  ];
  return parts.join(" and ") || "another commit checked out";
}

async function ofSession(house: House, wanted: string, openStore: Store): Promise<string | undefined> {
  const repository = commonGit(house.workspace);
  if (repository === undefined) return undefined;
  const register = worktreeRegister(house.config.places.data, repository);
  if (!existsSync(register.folder)) return undefined;
  const store = await openStore();
  try {
    const { id, workspace } = store.sessions.find(wanted, house.workspace);
    if (workspace === house.workspace || !workspace.startsWith(`${register.folder}/`)) return undefined;
    const name = basename(workspace);
    if (register.read(name)?.state === "ready" && existsSync(workspace)) return name;
    throw new CrucibleError("session-missing", `session ${id} worked in the worktree ${name}, which is gone`, {
      hint: `make it anew at this commit: crucible -w ${name} -r ${id}`,
    });
  } finally {
    store.close();
  }
}
