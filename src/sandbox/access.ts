/** Which paths one grant opens for reading and writing: the second look, after the gate's. */
import { readdirSync } from "node:fs";
import { controlHomeOf, controlHomes, controlPlace } from "../base/control-places.ts";
import { CrucibleError } from "../base/error.ts";
import { isSecretPath } from "../base/secret-names.ts";
import type { Grant } from "../core/grant.ts";
import type { PathFact } from "../core/ports/sandbox.ts";
import type { SandboxContext } from "./options.ts";
import { contains } from "./paths.ts";
import { isGitFolder } from "./tree-scan.ts";

/** Throws `outside-workspace` or `denied` when this grant does not open `fact` for reading. */
export function checkReadable(context: SandboxContext, grant: Grant, fact: PathFact): void {
  const opened = isRevealed(context, grant, fact) || within(context.readable, fact.resolved);
  if (fact.root === undefined && !opened) throw outside(fact);
  if (isHiddenSecret(context, grant, fact)) {
    throw new CrucibleError("denied", `${fact.absolute} looks like a secret file`, {
      hint: "list it under sandbox.expose in your user config to open it",
    });
  }
}

/** Throws `outside-workspace` or `denied` when this grant does not open `fact` for writing. */
export function checkWritable(context: SandboxContext, grant: Grant, fact: PathFact): void {
  if (fact.root === undefined && !isRevealed(context, grant, fact)) throw outside(fact);
  const relative = fact.root === undefined ? fact.resolved : fact.resolved.slice(fact.root.length);
  const shared = context.paths.isShared(fact.resolved) ? "a copy of the workspace shares it" : undefined;
  const ruled = context.rules?.holds(fact.resolved) && !isRevealed(context, grant, fact);
  const reason =
    shared ??
    (ruled ? "a rule of the policy forbids it" : undefined) ??
    controlPlace(relative) ??
    homeReason(context, fact.resolved) ??
    repositoryReason(context, fact.root ?? "", relative.split("/"));
  if (reason !== undefined) {
    throw new CrucibleError("denied", `${fact.absolute} may not be written: ${reason}`, {
      hint: "change it yourself, outside the session",
    });
  }
}

/** True when a secret-named path, or one that a rule hides, is neither exposed by the user nor shown by an approved question. */
export function isHiddenSecret(
  context: SandboxContext,
  grant: Grant,
  fact: Pick<PathFact, "resolved" | "root" | "absolute">,
): boolean {
  const relative = fact.root === undefined ? fact.resolved : fact.resolved.slice(fact.root.length);
  if (!isSecretPath(relative) && !context.rules?.hides(fact.resolved)) return false;
  return (
    !isRevealed(context, grant, fact) &&
    !within(context.exposed, fact.resolved) &&
    !within(context.readable, fact.resolved)
  );
}

function isRevealed(context: SandboxContext, grant: Grant, fact: Pick<PathFact, "resolved" | "absolute">): boolean {
  const { paths } = context;
  return grant.reveals.some((path) => {
    const shown = paths.look(path);
    return contains(shown.resolved, fact.resolved) && (shown.kind === "directory" || shown.resolved === fact.resolved);
  });
}

function within(folders: readonly string[], path: string): boolean {
  return folders.some((folder) => contains(folder, path));
}

function homeReason(context: SandboxContext, path: string): string | undefined {
  const homes = controlHomes(context.home, context.env);
  return controlHomeOf(homes, context.paths.roots, path) === undefined ? undefined : "it steers this program";
}

/** Names that make a folder a repository (`git` looks for one in every folder, not only in `.git`), and that steer one. */
const SHAPE: ReadonlySet<string> = new Set(["HEAD", "objects", "refs"]);
const STEERS: ReadonlySet<string> = new Set(["config", "config.worktree", "hooks", "info", "commondir"]);

/** Why a write below `root` would make or steer a repository that is not called `.git`. */
function repositoryReason(context: SandboxContext, root: string, segments: readonly string[]): string | undefined {
  for (const [index, name] of segments.entries()) {
    if (!SHAPE.has(name) && !STEERS.has(name)) continue;
    const names = namesIn(context.paths.host(`${root}${segments.slice(0, index).join("/")}` || "/"));
    if (isGitFolder([...names, name]) && (STEERS.has(name) || !isGitFolder(names))) {
      return "its folder is, or would become, a repository whose config can start programs";
    }
  }
  return undefined;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function outside(fact: PathFact): CrucibleError {
  const target = fact.resolved === fact.absolute ? "" : ` (it leads to ${fact.resolved})`;
  return new CrucibleError("outside-workspace", `${fact.absolute} is outside the workspace${target}`, {
    hint: "add its folder with --add-dir",
  });
}
