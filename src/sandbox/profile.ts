/** What one command may see: an allow-list of mounts, in order, and the key that tells two profiles apart. */
import { existsSync, lstatSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { controlPlace } from "../base/control-places.ts";
import type { Grant } from "../core/grant.ts";
import { gitPlaces } from "./git-places.ts";
import type { SandboxContext } from "./options.ts";
import { contains } from "./paths.ts";
import type { SecretFile } from "./secret-scan.ts";
import type { Toolchains } from "./toolchains.ts";

export type Mount =
  | { readonly kind: "ro" | "rw"; readonly source: string; readonly target: string; readonly mapped: boolean }
  | { readonly kind: "link"; readonly source: string; readonly target: string };

export interface Profile {
  /** Equal keys mean equal sandboxes: a waiting spare fits. */
  readonly key: string;
  readonly mounts: readonly Mount[];
}

/** Made once per session and shared by all its profiles. */
export interface ProfileParts {
  readonly toolchains: Toolchains;
  /** An empty file, and files that stand for their namesakes in `/etc` and git's global config. */
  readonly empty: string;
  readonly etc: readonly (readonly [source: string, target: string])[];
  readonly scanSecrets: () => readonly SecretFile[];
}

const ETC = [
  "nsswitch.conf",
  "host.conf",
  "hosts",
  "localtime",
  "timezone",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "ssl/certs",
  "ssl/openssl.cnf",
  "ca-certificates",
  "ca-certificates.conf",
  "alternatives",
  "os-release",
  "debian_version",
  "lsb-release",
  "services",
  "protocols",
  "mime.types",
  "magic",
  "terminfo",
  "locale.alias",
  "inputrc",
  "login.defs",
  "fonts",
  "python3",
  "python3.11",
  "java-17-openjdk",
  "java-21-openjdk",
  "perl",
  "pki/tls/certs",
  "crypto-policies",
];

export function buildProfile(
  context: SandboxContext,
  parts: ProfileParts,
  grant: Pick<Grant, "readOnly" | "reveals">,
): Profile {
  const { paths } = context;
  const roots = paths.roots.filter((root) => root !== paths.tmp.view);
  const kind = grant.readOnly ? "ro" : "rw";
  const shown = grant.reveals.map((path) => paths.look(path).resolved);
  const revealed = (path: string) =>
    [...shown, ...context.exposed, ...context.readable].some((open) => contains(open, path));
  const guarded = guardedPlaces(context, roots);
  const secrets = parts.scanSecrets().filter((secret) => !revealed(secret.path));
  const opened = [...context.readable, ...shown].filter(
    (path) => existsSync(path) && !roots.some((root) => contains(root, path)) && !contains(path, "/"),
  );
  const mounts: Mount[] = [
    ...systemMounts(parts),
    { kind: "rw", source: paths.tmp.host, target: paths.tmp.view, mapped: true },
    ...parts.toolchains.roots.map((root) => same("ro", root, false)),
    ...parts.toolchains.secrets.map((secret) => mask(parts, secret)),
    same("rw", context.privateHome, true),
    ...opened.map((path) => same("ro", path, true)),
    ...roots.map((root) => same(kind, root, true)),
    ...guarded.common.map((path) => same(kind, path, true)),
    ...guarded.pinned.map((path) => same(kind, path, true)),
    ...guarded.readOnly.map((path) => same("ro", path, true)),
    ...secrets.map((secret) => mask(parts, secret.path)),
  ];
  if (!mounts.some((mount) => contains("/var/tmp", mount.target)))
    mounts.unshift({ kind: "link", source: "/tmp", target: "/var/tmp" });
  const identities = [...guarded.readOnly, ...guarded.pinned].map((path) => identity(path));
  const key = JSON.stringify([
    kind,
    mounts.map((mount) => mount.target),
    identities,
    secrets.map((secret) => secret.identity),
  ]);
  return { key, mounts };
}

function systemMounts(parts: ProfileParts): Mount[] {
  const top = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"].flatMap((path): Mount[] => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) return [];
    return [
      stat.isSymbolicLink() ? { kind: "link", source: readlinkSync(path), target: path } : same("ro", path, false),
    ];
  });
  const etc = ETC.map((name) => `/etc/${name}`).filter((path) => existsSync(path));
  const made = parts.etc.map(([source, target]): Mount => ({ kind: "ro", source, target, mapped: false }));
  return [same("ro", "/usr", false), ...top, ...etc.map((path) => same("ro", path, false)), ...made];
}

/** Control places of every root as they are now. */
function guardedPlaces(
  context: SandboxContext,
  roots: readonly string[],
): { common: string[]; pinned: string[]; readOnly: string[] } {
  const result = { common: [] as string[], pinned: [] as string[], readOnly: [] as string[] };
  for (const root of roots) {
    const git = gitPlaces(root, context.owner);
    result.common.push(...git.common);
    result.pinned.push(...git.pinned);
    result.readOnly.push(
      ...git.readOnly,
      ...controlNames(root)
        .filter((name) => name.toLowerCase() !== ".git")
        .map((name) => join(root, name)),
    );
  }
  return result;
}

/** Names directly below a root that are control places, in the letter case they have. */
export function controlNames(root: string): string[] {
  return readdirSync(root).filter((name) => controlPlace(name) !== undefined);
}

function same(kind: "ro" | "rw", path: string, mapped: boolean): Mount {
  return { kind, source: path, target: path, mapped };
}

function mask(parts: ProfileParts, target: string): Mount {
  return { kind: "ro", source: parts.empty, target, mapped: false };
}

function identity(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.dev}:${stat.ino}` : "";
}

/** True when a root would show the home folder whole: nothing may run there. */
export function holdsHome(context: SandboxContext): boolean {
  const { paths, home } = context;
  return paths.roots.some((root) => root !== paths.tmp.view && contains(root, home));
}
