/** The change that a review reads: from git, file by file, as far as it fits the model's window. */
import { CrucibleError } from "./base/error.ts";
import { shellQuoted } from "./base/shell-words.ts";
import type { ReviewOptions } from "./core/ports/app.ts";
import type { ToolOutcome } from "./core/ports/gate.ts";
import { withoutNumbers } from "./council-context.ts";
import { gitPatch } from "./sandbox/git-patch.ts";
import { gitState } from "./sandbox/git-state.ts";

export interface Change {
  /** For people: `uncommitted changes`, `main...HEAD`, `commit abc`. */
  readonly name: string;
  readonly diff: string;
  /** Paths that it touches and that were read. */
  readonly files: readonly string[];
  /** Paths that did not fit, or that are no text. */
  readonly left: readonly string[];
}

export interface ChangeRoom {
  readonly workspace: string;
  readonly tokens: number;
  readonly tokensOf: (text: string) => number;
}

type Act = (tool: string, input: Record<string, unknown>) => Promise<ToolOutcome>;

const MOST_FILES = 200;
const FLAGS = "--no-color --no-ext-diff --no-textconv";

/** Throws `usage` outside a repository, for a name that git does not know, and when there is no change. */
export async function changeOf(
  act: Act,
  options: Pick<ReviewOptions, "base" | "commit" | "uncommitted">,
  { workspace, tokens, tokensOf }: ChangeRoom,
): Promise<Change> {
  const git = async (command: string) => {
    const outcome = await act("shell", { command: `git ${command}` });
    const said = outcome.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
    // The tool's own words for nothing; what is cut is not a diff.
    const text = said === "(no output)" || outcome.details?.["truncated"] === true ? "" : said;
    return { text, code: outcome.details?.["exitCode"] };
  };
  const state = gitState(workspace);
  if (!state)
    throw new CrucibleError("usage", "a review reads changes that git knows, and this folder is no git repository", {
      hint: "git init, or crucible council to ask about files",
    });
  const { name, range, untracked } = rangeOf(options, state.commit !== undefined);
  const named = await git(`diff --name-only ${range}`);
  if (named.code !== 0)
    throw new CrucibleError("usage", `git does not know ${name}: ${firstLine(named.text)}`, {
      hint: "see: git log --oneline",
    });
  const tracked = linesOf(named.text).map((path) => ({
    path,
    text: async () => (await git(`diff ${FLAGS} ${range} -- ${shellQuoted(path)}`)).text,
  }));
  const fresh = untracked ? linesOf((await git("ls-files --others --exclude-standard")).text) : [];
  const added = fresh.map((path) => ({ path, text: () => newFile(act, path) }));
  const all = [...tracked, ...added];
  if (all.length === 0)
    throw new CrucibleError("usage", `there is nothing to review: no ${name}`, {
      hint: "name another: --base main, --commit HEAD",
    });
  const parts: string[] = [];
  const files: string[] = [];
  const left: string[] = all.slice(MOST_FILES).map(({ path }) => path);
  let room = tokens;
  for (const { path, text: read } of all.slice(0, MOST_FILES)) {
    const text = await read();
    const size = tokensOf(text);
    const readable = text.startsWith("diff --git") && !text.includes("\nBinary files ");
    if (!readable || size > room) {
      left.push(path);
      continue;
    }
    room -= size;
    parts.push(text.endsWith("\n") ? text : `${text}\n`);
    files.push(path);
  }
  if (files.length === 0)
    throw new CrucibleError("context-overflow", `no file of the ${name} fits the model's window`, {
      hint: "a larger window: --context N",
    });
  return { name, diff: parts.join(""), files, left };
}

/** A file that git does not know yet, as the diff that adds it; empty for what is no text. */
async function newFile(act: Act, path: string): Promise<string> {
  const outcome = await act("read", { path });
  if (outcome.failed || outcome.details?.["lines"] === undefined) return "";
  const text = withoutNumbers(outcome.parts.map((part) => (part.type === "text" ? part.text : "")).join(""));
  return gitPatch([{ path, after: { mode: "100644", bytes: Buffer.from(`${text}\n`) } }]);
}

function rangeOf(
  { base, commit, uncommitted }: Pick<ReviewOptions, "base" | "commit" | "uncommitted">,
  commits: boolean,
) {
  const given = [base, commit, uncommitted || undefined].filter((value) => value !== undefined);
  if (given.length > 1)
    throw new CrucibleError("usage", "--base, --commit and --uncommitted name one change each", {
      hint: "give one of them",
    });
  for (const word of [base, commit])
    if (word !== undefined && !/^[A-Za-z0-9_@^~][\w./@^~{}-]*$/.test(word))
      throw new CrucibleError("usage", `${word} is no name of a commit or branch`);
  if (base !== undefined) return { name: `changes ${base}...HEAD`, range: `${base}...HEAD`, untracked: false };
  if (commit !== undefined) return { name: `changes of commit ${commit}`, range: `${commit}^!`, untracked: false };
  // The empty tree: in a repository without commits everything is new.
  const range = commits ? "HEAD" : "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
  return { name: "uncommitted changes", range, untracked: true };
}

const linesOf = (text: string) => text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("["));
const firstLine = (text: string) => text.split("\n")[0] ?? "";
