/** Git's part in worktrees of sessions: each step is one command in the sandbox, on record, with git's own ways to start programs closed. */
import { basename, dirname, join } from "node:path";
import { controlPlace } from "./base/control-places.ts";
import { CrucibleError } from "./base/error.ts";
import { shellQuoted } from "./base/shell-words.ts";
import { oneLine } from "./base/text.ts";
import { type ConfinedOrder, runConfined } from "./confined.ts";
import type { WorktreeRecord } from "./core/ports/worktrees.ts";
import type { SandboxMode } from "./core/verdict.ts";
import type { House } from "./house.ts";

/** Where git runs: a checkout of the repository, under the sandbox that the session will have. */
export interface GitPlace {
  readonly house: House;
  readonly sandbox: SandboxMode;
}

export interface Look {
  /** The commit that is checked out. */
  readonly head: string;
  /** Where the branch stands, when there is one already. */
  readonly branch?: string;
  readonly dirty: boolean;
}

const LOOK = String.raw`command -v git >/dev/null || exit 127
git rev-parse --git-dir >/dev/null || exit 90
head=$(git rev-parse -q --verify 'HEAD^{commit}') || exit 91
[ "$(git config --type=bool --get extensions.worktreeConfig)" != true ] || exit 92
printf '\nhead %s\n' "$head"
git rev-parse -q --verify "refs/heads/$BRANCH^{commit}" | sed 's/^/branch /'
git --no-optional-locks status --porcelain | sed -n '1s/.*/dirty yes/p'
exit 0`;

const REFUSALS: Readonly<Record<number, readonly [message: string, hint: string]>> = {
  91: ["there is no commit yet that a worktree could begin at", "commit something first: git add -A && git commit"],
  92: [
    "this repository keeps settings for each worktree (extensions.worktreeConfig), which a session may not write",
    "make the worktree yourself: git worktree add ../name, and start crucible in it",
  ],
  127: ["git is missing where commands run", "install git: apt-get install git"],
};

/** What the checkout says before a worktree is made. Throws `usage`, `tool-failed`. */
export async function lookAt({ house, sandbox }: GitPlace, branch: string, signal: AbortSignal): Promise<Look> {
  const order = { script: LOOK, variables: { BRANCH: branch }, readOnly: true, reveals: [house.workspace] };
  const { code, output } = await runGit(house, { ...order, mode: sandbox, title: "git status" }, signal);
  const refusal = REFUSALS[code ?? -1];
  if (refusal) throw new CrucibleError("usage", `${house.workspace}: ${refusal[0]}`, { hint: refusal[1] });
  const head = lineOf(output, "head");
  if (code !== 0 || head === undefined) throw failed("the repository could not be read", output);
  const tip = lineOf(output, "branch");
  return { head, ...(tip === undefined ? {} : { branch: tip }), dirty: lineOf(output, "dirty") !== undefined };
}

const ADD = `if git rev-parse -q --verify "refs/heads/$BRANCH" >/dev/null
then git worktree add -q --lock --no-checkout "$TREE" "$BRANCH"
else git worktree add -q --lock --no-checkout --no-track -b "$BRANCH" "$TREE" "$BASE"
fi || exit
echo; git ls-tree -r -z --name-only "$BRANCH" | tr '\\0' '\\n' | grep -iE '(^|/)(\\.codecrucible|\\.crucible|\\.mcp\\.json)(/|$)' | sed 's/^/steers /'
exit 0`;

/**
 * Makes the worktree in its empty folder. It is locked: where it is not to be seen (in the sandbox of another
 * checkout), no `git worktree prune` takes it for gone. Its files come second, in a sandbox that sees nothing else:
 * a filter that the repository names runs in there.
 */
export async function addWorktree(place: GitPlace, record: WorktreeRecord, signal: AbortSignal): Promise<void> {
  const { path, branch, base } = record;
  const order = { mode: place.sandbox, readOnly: false };
  const add = await runGit(
    place.house,
    {
      ...order,
      script: ADD,
      variables: { BRANCH: branch, TREE: path, BASE: base },
      addDirs: [path],
      title: `git worktree add ${path}`,
    },
    signal,
  );
  if (add.code !== 0) throw failed("git made no worktree", add.output);
  // What steers this program is put there as it stands in the commit: it may not be a command's own, and waits for trust.
  const reveals = linesOf(add.output, "steers").map((file) => join(path, controlPart(file)));
  const fill = await runGit(
    houseAt(place.house, path),
    { ...order, reveals, script: "git reset -q --hard HEAD", variables: {}, title: "git reset --hard" },
    signal,
  );
  if (fill.code !== 0) throw failed("the files of the worktree could not be written", fill.output);
}

/** The control place that a file is, or lies in. */
function controlPart(file: string): string {
  const parts = file.split("/");
  const last = parts.findIndex((_part, index) => controlPlace(parts.slice(0, index + 1).join("/")) !== undefined);
  return parts.slice(0, last + 1).join("/");
}

/** Folders that tools make again: when they are ignored, nothing in them is anybody's work. */
const MADE =
  /^!! (?:.*\/)?(?:node_modules|\.venv|venv|__pycache__|\.(?:pytest|mypy|ruff)_cache|\.tox|\.nox|target|dist|build|coverage|\.nyc_output|\.next|\.turbo|\.gradle|\.cache)\/$/;

const STATE = String.raw`set -o pipefail
printf '\nhead %s\ncommits %s\n' "$(git rev-parse -q --verify HEAD)" "$(git rev-list --count "$BASE..HEAD")"
printf 'tip %s\n' "$(git rev-parse -q --verify "refs/heads/$BRANCH")"
git --no-optional-locks status --porcelain --ignored=matching | sed -n '1,2000s/^/file /p'`;

export interface WorktreeState {
  readonly head: string;
  readonly tip: string;
  readonly commits: number;
  readonly files: number;
}

/** What was done in the worktree since it was begun. Secret-named files count by what is in them. Throws `tool-failed`. */
export async function stateOf(place: GitPlace, record: WorktreeRecord, signal: AbortSignal): Promise<WorktreeState> {
  const { path, branch, base } = record;
  const order = { script: STATE, variables: { BRANCH: branch, BASE: base }, readOnly: true, reveals: [path] };
  const { code, output } = await runGit(
    houseAt(place.house, path),
    { ...order, mode: place.sandbox, title: "git status" },
    signal,
  );
  const [head, tip, commits] = ["head", "tip", "commits"].map((name) => lineOf(output, name));
  if (code !== 0 || !head || commits === undefined) throw failed("the worktree could not be looked at", output);
  const files = linesOf(output, "file").filter((line) => !MADE.test(line)).length;
  return { head, tip: tip ?? "", commits: Number(commits), files };
}

/** The folder is gone already, so git takes away what it knows of it; a path of another place is named by its end. */
const DROP = `git worktree unlock "$NAME" 2>/dev/null
git worktree remove --force --force "$NAME" 2>/dev/null
git worktree list --porcelain | grep -qxF "worktree $TREE" && exit 93
[ -z "$TIP" ] || git update-ref -d "refs/heads/$BRANCH" "$TIP" || true`;

/** Takes the worktree out of the repository, and its branch when it still stands at `tip`. Throws `tool-failed`. */
export async function dropWorktree(
  { house, sandbox }: GitPlace,
  { path, branch }: WorktreeRecord,
  { tip, signal }: { readonly tip: string | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const name = `${basename(dirname(path))}/${basename(path)}`;
  const variables = { NAME: name, TREE: path, BRANCH: branch, TIP: tip ?? "" };
  const order = { script: DROP, variables, mode: sandbox, readOnly: false, title: `git worktree remove ${path}` };
  const { code, output } = await runGit(house, order, signal);
  if (code !== 0) throw failed(`git still lists the worktree ${path}`, output);
}

/** True when everything of the branch is in the commit that the checkout stands at. */
export async function isMerged({ house, sandbox }: GitPlace, tip: string, signal: AbortSignal): Promise<boolean> {
  const order = { script: 'git merge-base --is-ancestor "$TIP" HEAD', variables: { TIP: tip } };
  const { code } = await runGit(house, { ...order, mode: sandbox, readOnly: true, title: "git merge-base" }, signal);
  return code === 0;
}

interface GitOrder extends Omit<ConfinedOrder, "command" | "tool"> {
  readonly script: string;
  readonly variables: Readonly<Record<string, string>>;
}

async function runGit(house: House, { script, variables, ...order }: GitOrder, signal: AbortSignal) {
  const given = Object.entries(variables).map(([name, value]) => `${name}=${shellQuoted(value)}\n`);
  let output = "";
  const onOutput = (text: string) => {
    output += text;
  };
  const command = `${given.join("")}${script}`;
  const { exitCode } = await runConfined(house, { ...order, command, tool: "worktree", onOutput }, signal);
  return { code: exitCode, output };
}

/** The same program in another checkout. */
function houseAt(house: House, workspace: string): House {
  return { ...house, workspace, options: { ...house.options, workspace } };
}

function lineOf(output: string, name: string): string | undefined {
  return linesOf(output, name)[0];
}

/** What stands after `name ` on each line that begins with it. */
function linesOf(output: string, name: string): string[] {
  return output.split("\n").flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1)] : []));
}

function failed(what: string, output: string): CrucibleError {
  const said = output.trim().split("\n").at(-1) ?? "";
  return new CrucibleError("tool-failed", said === "" ? what : `${what}: ${oneLine(said, 300)}`, {
    hint: /permission denied|read-only/i.test(said)
      ? "git must write in the repository, and commands may not here: crucible doctor"
      : "look at it with: git worktree list",
  });
}
