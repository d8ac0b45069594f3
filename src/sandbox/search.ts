/** Search hands: ripgrep, started directly with fixed options and a bare environment. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { relative } from "node:path";
import { slices } from "../base/async.ts";
import { controlPlace } from "../base/control-places.ts";
import { CrucibleError } from "../base/error.ts";
import { globMatcher } from "../base/glob.ts";
import type { Grant } from "../core/grant.ts";
import type { GrepMatch, SearchHands } from "../core/ports/hands.ts";
import { checkReadable, isHiddenSecret } from "./access.ts";
import type { SandboxContext } from "./options.ts";
import { isTemporary } from "./temporary.ts";
import { openVerified } from "./verified-open.ts";

const FIXED = [
  "--no-config",
  "--no-follow",
  "--hidden",
  "--no-require-git",
  "--no-messages",
  "--color=never",
  "--max-filesize=20M",
  "--glob=!.git",
];
/** Longest work on what was found before other work has its turn (milliseconds). */
const SLICE_MS = 8;
/** Longest line given back, in characters. */
const MAX_LINE = 500;

interface Target {
  /** Folder in which ripgrep starts, and its name as shown. */
  readonly cwd: string;
  readonly root: string;
  /** Path below it to search, `.` for all. */
  readonly below: string;
}

/** Every plain file below `path` that is neither ignored nor hidden, in no order, until `take` returns false. */
export async function eachFile(
  { context, grant, path }: { context: SandboxContext; grant: Grant; path: string },
  signal: AbortSignal,
  take: (path: string) => boolean,
): Promise<{ readonly folder: string; readonly truncated: boolean }> {
  const target = locate(context, grant, path);
  // Links are not followed on the way: what is found lies where its path says.
  const hidden = (found: string) =>
    isHiddenSecret(context, grant, { absolute: found, resolved: found, root: target.root }) ||
    isGitInside(found, context) ||
    isTemporary(found.slice(found.lastIndexOf("/") + 1));
  const truncated = await ripgrep(
    target,
    ["--files", "--null", "--", target.below],
    { signal, separator: "\0" },
    (name) => {
      const found = join(target, name);
      return hidden(found) || take(found);
    },
  );
  return { folder: target.below === "." ? target.root : join(target, target.below), truncated };
}

/** Searching powers of one grant. Results of secret-named files are dropped unless the grant shows them. */
export function searchHands(context: SandboxContext, grant: Grant): SearchHands {
  const hidden = (path: string) =>
    isHiddenSecret(context, grant, context.paths.look(path)) ||
    isGitInside(path, context) ||
    isTemporary(path.slice(path.lastIndexOf("/") + 1));
  return {
    glob: async (query, signal) => {
      const target = locate(context, grant, query.path);
      const paths: string[] = [];
      const matches = matcher(target, query.pattern);
      const args = ["--files", "--null", "--sortr=modified", "--", target.below];
      const truncated = await ripgrep(target, args, { signal, separator: "\0" }, (name) => {
        const path = join(target, name);
        if (!matches(path) || hidden(path)) return true;
        if (paths.length === query.limit) return false;
        return paths.push(path) > 0;
      });
      return { paths, truncated };
    },
    grep: async (query, signal) => {
      const target = locate(context, grant, query.path);
      const matches: GrepMatch[] = [];
      let found = 0;
      const wanted = matcher(target, query.glob);
      const how = query.filesOnly ? ["--files-with-matches", "--null"] : ["--json", `--context=${query.context}`];
      const args = [
        ...how,
        ...(query.ignoreCase ? ["--ignore-case"] : []),
        "--regexp",
        query.pattern,
        "--",
        target.below,
      ];
      const options = { signal, separator: query.filesOnly ? "\0" : "\n" };
      const truncated = await ripgrep(target, args, options, (line) => {
        const match = query.filesOnly
          ? { path: join(target, line), line: 0, text: "", context: false }
          : parse(target, line);
        if (!match || !wanted(match.path) || hidden(match.path)) return true;
        if (!match.context && found === query.limit) return false;
        if (!match.context) found++;
        return matches.push(match) > 0;
      });
      return { matches, truncated };
    },
  };
}

function isGitInside(path: string, context: SandboxContext): boolean {
  const root = context.paths.roots.find((candidate) => path.startsWith(`${candidate}/`)) ?? "";
  return path.slice(root.length).includes("/.git/") && controlPlace(path.slice(root.length)) !== undefined;
}

function locate(context: SandboxContext, grant: Grant, path: string): Target {
  const { paths } = context;
  const fact = paths.look(path);
  checkReadable(context, grant, fact);
  if (!fact.exists) throw new CrucibleError("file-missing", `${fact.absolute} does not exist`);
  const root =
    fact.root ?? (fact.kind === "directory" ? fact.resolved : fact.resolved.slice(0, fact.resolved.lastIndexOf("/")));
  const cwd = paths.host(root);
  using folder = openVerified(cwd, "directory");
  return { cwd: folder.path, root, below: relative(root, fact.resolved) || "." };
}

function join(target: Target, name: string): string {
  const clean = name.startsWith("./") ? name.slice(2) : name;
  return target.root === "/" ? `/${clean}` : `${target.root}/${clean}`;
}

/** The test of a pattern for absolute paths below the searched folder. */
function matcher(target: Target, pattern: string | undefined): (path: string) => boolean {
  if (pattern === undefined) return () => true;
  const matches = globMatcher(pattern);
  const folder = target.below === "." ? target.root : join(target, target.below);
  return (path) => matches(path === folder ? path.slice(path.lastIndexOf("/") + 1) : path.slice(folder.length + 1));
}

interface RgText {
  readonly text?: string;
  readonly bytes?: string;
}

function parse(target: Target, line: string): GrepMatch | undefined {
  const record = JSON.parse(line) as { type: string; data: { path?: RgText; lines?: RgText; line_number?: number } };
  if (record.type !== "match" && record.type !== "context") return undefined;
  const text = textOf(record.data.lines).replace(/\r?\n$/, "");
  const cut = text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text;
  return {
    path: join(target, textOf(record.data.path)),
    line: record.data.line_number ?? 0,
    text: cut,
    context: record.type === "context",
  };
}

function textOf(value: RgText | undefined): string {
  return value?.text ?? Buffer.from(value?.bytes ?? "", "base64").toString("utf8");
}

/** Runs ripgrep and hands each record to `take` until that returns false; resolves to whether it was cut short. */
async function ripgrep(
  target: Target,
  args: readonly string[],
  options: { signal: AbortSignal; separator: string },
  take: (record: string) => boolean,
): Promise<boolean> {
  options.signal.throwIfAborted();
  const { rgPath } = await import("@vscode/ripgrep");
  const ignore = `${target.cwd}/.codecrucibleignore`;
  const extra = existsSync(ignore) ? [`--ignore-file=${ignore}`] : [];
  const child = spawn(rgPath, [...FIXED, ...extra, ...args], {
    cwd: target.cwd,
    env: {},
    stdio: ["ignore", "pipe", "pipe"],
    signal: options.signal,
  });
  let rest = "";
  let problem = "";
  let cut = false;
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    problem += text.slice(0, 4000 - problem.length);
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on("error", reject).on("close", resolve);
  // It is awaited below, when everything was read.
  promise.catch(() => undefined);
  const pause = slices(SLICE_MS);
  for await (const text of child.stdout.setEncoding("utf8")) {
    const records = (rest + (text as string)).split(options.separator);
    rest = records.pop() ?? "";
    cut = records.some((record) => !take(record));
    if (cut) break;
    await pause();
  }
  if (cut) child.kill("SIGKILL");
  const code = await promise;
  if (!cut && code !== null && code > 1 && problem !== "")
    throw new CrucibleError("bad-input", problem.trim().split("\n").slice(-1)[0] ?? problem);
  return cut;
}
