/** Control places that did not exist cannot be mounted read-only: what a command made of them is moved away. */
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { controlPlace } from "../base/control-places.ts";
import { shortId } from "../base/id.ts";
import type { Grant } from "../core/grant.ts";
import type { SandboxContext } from "./options.ts";
import { controlNames } from "./profile.ts";

/** Looks now; the returned function looks again, moves away what is new and says so, one line each. */
export function watchControlPlaces(
  context: SandboxContext,
  grant: Pick<Grant, "readOnly" | "reveals">,
): () => string[] {
  if (grant.readOnly || context.mode === "off") return () => [];
  const roots = context.paths.roots.filter((root) => root !== context.paths.tmp.view);
  const before = new Set(roots.flatMap((root) => controlNames(root).map((name) => join(root, name))));
  const shown = new Set(grant.reveals.map((path) => context.paths.look(path).resolved));
  return () => {
    const notes: string[] = [];
    for (const root of roots) {
      for (const name of controlNames(root)) {
        const path = join(root, name);
        if (before.has(path) || shown.has(path) || isHarmlessGit(path)) continue;
        moveAway(context, path, name);
        notes.push(`${path} was moved away: ${controlPlace(name) ?? "it is a control place"}`);
      }
    }
    return notes;
  };
}

function moveAway(context: SandboxContext, path: string, name: string): void {
  const folder = join(context.stateDir, "sandbox", "quarantine", context.session);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const target = join(folder, `${shortId("q")}-${name}`);
  try {
    renameSync(path, target);
  } catch {
    cpSync(path, target, { recursive: true, verbatimSymlinks: true });
    rmSync(path, { recursive: true, force: true });
  }
}

/** Keys of a fresh repository's config that start nothing. */
const PLAIN_KEY =
  /^(repositoryformatversion|filemode|bare|logallrefupdates|ignorecase|precomposeunicode|symlinks|url|fetch|remote|merge|name|email|objectformat|defaultbranch)$/i;
const PLAIN_SECTION = /^\[(core|user|init|extensions|(remote|branch) "[^"]*")\]$/i;

/** What `git init` makes: a folder with sample hooks and a config of plain keys. */
function isHarmlessGit(path: string): boolean {
  if (!path.endsWith("/.git") || !lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
  try {
    const hooks = readdirSync(join(path, "hooks")).every((name) => name.endsWith(".sample"));
    const config = lstatSync(join(path, "config")).isFile() ? readFileSync(join(path, "config"), "utf8") : "[include]";
    return hooks && config.split("\n").every(isPlainLine);
  } catch {
    return false;
  }
}

function isPlainLine(line: string): boolean {
  const text = line.trim();
  if (text === "" || PLAIN_SECTION.test(text)) return true;
  const key = /^([a-z]+) *= *[^\\]*$/i.exec(text)?.[1];
  return key !== undefined && PLAIN_KEY.test(key);
}
