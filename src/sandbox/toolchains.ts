/** Where the user's own tools live: installation folders behind their PATH, and package caches. */
import { lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isSecretName } from "../base/secret-names.ts";
import { contains } from "./paths.ts";

/** Always shown as a whole. */
const SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/** Folders below the home that hold tools or package caches and no work of the user. */
const HOME_ROOTS = [
  ".nvm",
  ".fnm",
  ".local/share/fnm",
  ".volta",
  ".asdf",
  ".local/share/mise",
  ".pyenv",
  ".rbenv",
  ".rustup",
  ".cargo",
  ".sdkman",
  ".jenv",
  ".bun",
  ".deno",
  ".nodenv",
  ".goenv",
  ".ghcup",
  ".dotnet",
  ".juliaup",
  ".opam",
  ".poetry",
  ".rye",
  ".pixi",
  "go/pkg/mod",
  ".m2/repository",
  ".gradle/caches",
  ".gradle/wrapper",
  ".local/share/pnpm",
  ".local/share/uv",
  ".local/pipx",
  ".local/share/pipx",
  ".local/lib",
  ".local/bin",
  ".npm/_cacache",
  ".cache/pip",
  ".cache/uv",
  ".cache/yarn",
  ".yarn/berry",
  ".nix-profile",
  "miniconda3",
  "anaconda3",
];

export interface Toolchains {
  /** Folders to show read-only at their own path. */
  readonly roots: readonly string[];
  /** Credential files inside them, to be masked. */
  readonly secrets: readonly string[];
}

/** `never` lists folders (home, workspace) that must not be shown through an ancestor. */
export function findToolchains(path: string, home: string, never: readonly string[]): Toolchains {
  const fitting = (root: string) =>
    !never.some((folder) => contains(root, folder)) && !SYSTEM.some((system) => contains(system, root));
  const found = new Set<string>();
  const add = (root: string | undefined) => {
    if (root !== undefined && root !== "/" && fitting(root) && isFolder(root)) found.add(root);
  };
  for (const name of HOME_ROOTS) add(join(home, name));
  for (const entry of path.split(":")) {
    for (const place of [entry, real(entry)]) {
      if (place === undefined) continue;
      for (const root of rootsOf(place, home)) add(fitting(root) ? root : undefined);
      if (!fitting(installationOf(place))) add(place);
    }
    for (const name of ["node", "python3", "java", "go"]) {
      const binary = real(join(entry, name));
      if (binary !== undefined) add(installationOf(dirname(binary)));
    }
  }
  if (path.split(":").some((entry) => entry.includes("/.nix-profile/") || entry.startsWith("/nix/"))) add("/nix");
  const all = [...found].sort();
  const roots = all.filter((root) => !all.some((other) => other !== root && contains(other, root)));
  return { roots, secrets: roots.flatMap(secretsAtop) };
}

/** The installation behind a PATH entry. An unknown folder below the home may be a project: only its tool parts. */
function rootsOf(place: string, home: string): string[] {
  const root = installationOf(place);
  if (root === place || !contains(home, root)) return [root];
  return [place, ...["lib", "lib64", "libexec", "share", "include"].map((part) => join(root, part))];
}

/** `/opt/go` for `/opt/go/bin`; the folder itself when it is no `bin`. */
function installationOf(folder: string): string {
  const isBin = ["bin", "sbin", "shims"].includes(basename(folder));
  const parent = dirname(folder);
  return isBin && basename(parent) !== ".local" && parent.split("/").length > 2 ? parent : folder;
}

function real(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    // A folder that may not be looked into is of no use to a command either.
    return false;
  }
}

function secretsAtop(root: string): string[] {
  try {
    const names = readdirSync(root).filter(isSecretName);
    return names.map((name) => join(root, name)).filter((path) => lstatSync(path).isFile());
  } catch {
    return [];
  }
}
