/** What one command may see: an allow-list of mounts, in order, and the key that tells two profiles apart. */
import { existsSync, lstatSync, readlinkSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Grant } from "../core/grant.ts";
import { hostPairs } from "./egress.ts";
import { findRepositories, inside, makeGuardable } from "./git-places.ts";
import type { SandboxContext } from "./options.ts";
import { contains } from "./paths.ts";
import { PROXY_SOCKET } from "./relay.ts";
import { shownPlaces } from "./shared-places.ts";
import { boundSockets, socketsAtop } from "./sockets.ts";
import type { Toolchains } from "./toolchains.ts";
import type { SecretFile, Tree } from "./tree-scan.ts";

export type Mount =
  | {
      readonly kind: "ro" | "rw";
      readonly source: string;
      readonly target: string;
      readonly mapped: boolean;
      /** A folder around `source` from which many mounts come: as root it is staged once for all of them. */
      readonly around?: string;
    }
  | { readonly kind: "link"; readonly source: string; readonly target: string };

/** What of a grant decides the profile. */
export type Terms = Pick<Grant, "readOnly" | "reveals" | "hosts">;

export interface Profile {
  /** Equal keys mean equal sandboxes: a waiting spare fits. */
  readonly key: string;
  readonly mounts: readonly Mount[];
  /** The command has a way to some hosts, through the proxy. */
  readonly proxied: boolean;
}

/** Made once per session and shared by all its profiles. */
export interface ProfileParts {
  /** Show this machine's own programs; an image brings its own. */
  readonly system: boolean;
  readonly toolchains: Toolchains;
  /** An empty file, and files that stand for their namesakes in `/etc` and git's global config. */
  readonly empty: string;
  /** File with the seccomp program. */
  readonly filter: string;
  readonly etc: readonly (readonly [source: string, target: string])[];
}

/** Files and folders of `/etc` that hold no secrets and that programs look for. */
export const ETC = [
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
  order: { readonly grant: Terms; readonly tree: Tree; readonly socket: string | undefined },
): Profile {
  const { grant, tree } = order;
  const { paths, copy } = context;
  const roots = paths.roots.filter((root) => root !== paths.tmp.view);
  const kind = grant.readOnly ? "ro" : "rw";
  const shown = grant.reveals.map((path) => paths.look(path).resolved);
  const revealed = (path: string) =>
    [...shown, ...context.exposed, ...context.readable].some((open) => contains(open, path));
  const guarded = guardedPlaces(context, roots, tree);
  // A repository's common folder lies outside the roots: below `/tmp` too it is the real one.
  const host = (path: string) => (guarded.common.some((folder) => contains(folder, path)) ? path : paths.host(path));
  const at = (mode: "ro" | "rw", path: string): Mount => {
    const change = mode === "rw" && !paths.isShared(path);
    return { kind: change ? "rw" : "ro", source: host(path), target: path, mapped: true };
  };
  const secrets = tree.secrets.filter((secret) => !revealed(secret.path));
  const opened = [...context.readable, ...shown].filter(
    (path) => existsSync(path) && !roots.some((root) => contains(root, path)) && !contains(path, "/"),
  );
  const mounts: Mount[] = [
    ...systemMounts(parts),
    { kind: "rw", source: paths.tmp.host, target: paths.tmp.view, mapped: true },
    ...parts.toolchains.roots.map((root) => same("ro", root, false)),
    ...parts.toolchains.secrets.map((secret) => mask(parts, secret)),
    { kind: "rw", source: context.homeHost, target: context.privateHome, mapped: true },
    ...opened.map((path) => same("ro", path, true)),
    // A copy of the workspace may lie in a folder that is shown as it is.
    ...roots.toSorted((a, b) => a.length - b.length).map((root) => at(kind, root)),
    ...(copy ? shownPlaces(paths, copy.files, copy.shared) : []).map((path) =>
      basename(dirname(path)) === "node_modules" ? { ...at("ro", path), around: dirname(path) } : at("ro", path),
    ),
    ...guarded.common.map((path) => at(copy ? "ro" : kind, path)),
    ...guarded.pinned.map((path) => at(kind, path)),
    ...guarded.readOnly.map((path) => at("ro", path)),
    ...tree.held.map((path) => at("ro", path)),
    ...secrets.map((secret) => mask(parts, secret.path)),
  ];
  if (!mounts.some((mount) => contains("/var/tmp", mount.target)))
    mounts.unshift({ kind: "link", source: "/tmp", target: "/var/tmp" });
  // A folder shown for reading shows no socket in it; one that is named itself is meant.
  const named = [...shown, ...context.exposed, ...context.readable];
  const sockets = reachableSockets(context, { mounts, common: guarded.common, tree }).filter(
    ({ path }) => !named.includes(path),
  );
  mounts.push(...sockets.map(({ path }) => mask(parts, path)));
  const identities = [...guarded.readOnly, ...guarded.pinned].map((path) => identity(host(path)));
  const key = JSON.stringify([
    kind,
    mounts.map((mount) => mount.target),
    identities,
    [...secrets, ...sockets].map((masked) => masked.identity),
    hostPairs(grant.hosts),
  ]);
  if (order.socket !== undefined) mounts.push({ kind: "rw", source: order.socket, target: PROXY_SOCKET, mapped: true });
  return { key, mounts, proxied: order.socket !== undefined };
}

/** Sockets of programs outside that lie in something mounted; what is private to the sandbox holds none. */
function reachableSockets(
  context: SandboxContext,
  order: { readonly mounts: readonly Mount[]; readonly common: readonly string[]; readonly tree: Tree },
): SecretFile[] {
  const open = [context.paths.tmp.host, context.homeHost, ...(context.copy ? [context.copy.files] : [])];
  const folders = order.mounts.flatMap(({ kind, source }) =>
    kind === "link" || open.includes(source) ? [] : [source],
  );
  const all = [...order.tree.sockets, ...order.common.flatMap(socketsAtop), ...boundSockets(folders)];
  return [...new Map(all.map((each) => [each.path, each])).values()];
}

function systemMounts(parts: ProfileParts): Mount[] {
  const made = parts.etc.map(([source, target]): Mount => ({ kind: "ro", source, target, mapped: false }));
  if (!parts.system) return made;
  const top = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"].flatMap((path): Mount[] => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) return [];
    return [
      stat.isSymbolicLink() ? { kind: "link", source: readlinkSync(path), target: path } : same("ro", path, false),
    ];
  });
  const etc = ETC.map((name) => `/etc/${name}`).filter((path) => existsSync(path));
  return [same("ro", "/usr", false), ...top, ...etc.map((path) => same("ro", path, false)), ...made];
}

/** Control places at any depth as they are now. */
function guardedPlaces(
  context: SandboxContext,
  roots: readonly string[],
  tree: Tree,
): { common: readonly string[]; pinned: readonly string[]; readOnly: readonly string[] } {
  const { paths } = context;
  const ours = tree.controls.flatMap((path) => {
    if (basename(path).toLowerCase() === ".git") return [];
    if (!lstatSync(paths.host(path), { throwIfNoEntry: false })?.isSymbolicLink()) return [path];
    const { exists, resolved } = paths.look(path);
    return exists && inside(roots, resolved) ? [resolved] : [];
  });
  if (context.copy) {
    // All histories are shared for reading; what a command makes of the copy's own files goes with the copy.
    const { common } = findRepositories(roots, { controls: roots.map((root) => join(root, ".git")), bare: [] });
    return { common, pinned: [], readOnly: ours };
  }
  makeGuardable(roots, context.owner);
  const git = findRepositories(roots, tree);
  return { ...git, readOnly: [...git.readOnly, ...ours] };
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

/** A root would show the home folder whole: nothing may run there. */
export function homeLack({ paths, home }: SandboxContext): { reason: string; mend: string } | undefined {
  if (!paths.roots.some((root) => root !== paths.tmp.view && contains(root, home))) return undefined;
  return { reason: "the workspace holds your whole home folder", mend: "start crucible inside a project folder" };
}
