/** Places that steer this program or git: no tool may write them, in any letter case, existing or not. */
import { isWorktreePlace } from "./worktree-place.ts";

/** First segments below a root that belong to this program. */
const OURS: ReadonlySet<string> = new Set([".codecrucible", ".crucible"]);
const GIT_PARTS: ReadonlySet<string> = new Set(["config", "config.worktree", "hooks", "info", "commondir", "gitdir"]);

/**
 * Why `relative` (a path below a root, `/` between segments) may not be written, or undefined.
 * `.git` itself, its config, hooks, info and links (also of submodules and worktrees), the list of other object
 * stores, `.mcp.json` and this program's own folders are control places at any depth.
 */
export function controlPlace(relative: string): string | undefined {
  const segments = relative
    .toLowerCase()
    .split("/")
    .filter((segment) => segment !== "" && segment !== ".");
  const ours = segments.find((segment) => OURS.has(segment));
  if (ours !== undefined) return `${ours}/ steers this program`;
  if (segments.at(-1) === ".mcp.json") return ".mcp.json starts programs";
  const git = segments.indexOf(".git");
  return git < 0 ? undefined : gitPlace(segments.slice(git + 1));
}

function gitPlace(below: readonly string[]): string | undefined {
  const [first, , third] = below;
  if (first === undefined) return ".git itself is git's";
  if (GIT_PARTS.has(first)) return `.git/${first} can start programs`;
  if (below.slice(0, 3).join("/") === "objects/info/alternates") return ".git/objects/info/alternates leads elsewhere";
  if (
    (first === "modules" || first === "worktrees") &&
    below.some((part, index) => index >= 2 && GIT_PARTS.has(part))
  ) {
    return `.git/${first}/…/${third ?? ""} can start programs`;
  }
  return undefined;
}

/** This program's own folders outside any workspace. `env` is the user's environment. */
export function controlHomes(home: string, env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const base = (key: string, standard: string) => env[key] || `${home}/${standard}`;
  const homes = [
    `${home}/.codecrucible`,
    `${home}/.crucible`,
    `${base("XDG_CONFIG_HOME", ".config")}/codecrucible`,
    `${base("XDG_DATA_HOME", ".local/share")}/codecrucible`,
    `${base("XDG_STATE_HOME", ".local/state")}/codecrucible`,
    "/etc/codecrucible",
  ];
  const moved = env["CODECRUCIBLE_HOME"];
  return moved ? [...homes, moved] : homes;
}

/** True when `path` is `folder` or lies below it, by segment and in any letter case. */
export function isBelowAnyCase(folder: string, path: string): boolean {
  const a = folder.toLowerCase();
  const b = path.toLowerCase();
  return b === a || b.startsWith(a.endsWith("/") ? a : `${a}/`);
}

/**
 * The one of `homes` that `path` lies in. A worktree of a session lies in the data folder and is a workspace like any
 * other: below a root that is one, nothing is this program's own.
 */
export function controlHomeOf(homes: readonly string[], roots: readonly string[], path: string): string | undefined {
  const worktree = roots.some(
    (root) => path.startsWith(`${root}/`) && homes.some((home) => isWorktreePlace(home, root)),
  );
  return worktree ? undefined : homes.find((home) => isBelowAnyCase(home, path));
}
