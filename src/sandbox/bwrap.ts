/** The command line of bubblewrap for one profile. */
import { CrucibleError } from "../base/error.ts";
import type { Identity } from "./identity.ts";
import { contains } from "./paths.ts";
import type { Mount, Profile } from "./profile.ts";
import { relayStart } from "./relay.ts";
import { type StagedSource, stageCommand, stagedPath } from "./stage.ts";

export const BWRAP = "/usr/bin/bwrap";

/** Fixed file descriptors of a launch: readiness of the inner shell, bubblewrap's own report. */
export const READY_FD = 3;
export const INFO_FD = 4;
/** Stands among the limits of a command that speaks on its standard streams. */
export const SERVE = "serve";
/** The seccomp program; bubblewrap reads and closes it. */
export const FILTER_FD = 5;

/**
 * Waits for limits, folder and command on stdin, each ended by NUL, then runs that command in place (a second
 * exec of bash would cost more than all the rest). A spare holds nothing of the command it will run. The word `serve`
 * among the limits leaves the rest of stdin to the command and keeps its error output apart.
 */
export const INNER = `exec 8>&2 2>&1; printf r >&${READY_FD}; exec ${READY_FD}>&- ${INFO_FD}>&-
IFS= read -r -d '' limits && IFS= read -r -d '' folder && IFS= read -r -d '' command || exit 125
serve=; ulimit -c 0; ulimit -n 65536 2>/dev/null
for limit in $limits; do
[ "$limit" = ${SERVE} ] && { serve=1; continue; }
ulimit -"\${limit%%=*}" "\${limit#*=}" || exit 125; done
cd -- "$folder" || exit 125
if [ "$serve" ]; then exec 2>&8 8>&-; else exec </dev/null 8>&-; fi
set -- "$command"; unset serve limits limit folder command OLDPWD
eval "set --; $1"`;

const NAMESPACES = [
  "--unshare-user",
  "--unshare-ipc",
  "--unshare-pid",
  "--unshare-net",
  "--unshare-uts",
  "--unshare-cgroup-try",
  "--die-with-parent",
  "--new-session",
  "--cap-drop",
  "ALL",
  "--hostname",
  "crucible",
];

export interface BwrapOptions {
  readonly identity: Identity;
  readonly workspace: string;
  /** Close the way to further user namespaces (`--disable-userns`). */
  readonly noUserns: boolean;
}

/** Program and arguments; as root everything is staged first. Throws `sandbox-unavailable`. */
export function bwrapCommand(
  profile: Profile,
  options: BwrapOptions,
): { readonly file: string; readonly args: readonly string[] } {
  const staged = options.identity.kind === "self" ? [] : sourcesOf(profile.mounts);
  const inner = profile.proxied ? `${relayStart([READY_FD, INFO_FD])}\n${INNER}` : INNER;
  const command = [BWRAP, ...bwrapArgs(profile, options, translate(staged)), "--", "/bin/bash", "-c", inner];
  if (options.identity.kind === "self") return { file: BWRAP, args: command.slice(1) };
  const whole = stageCommand(options.identity, staged, command);
  if (!whole)
    throw new CrucibleError("sandbox-unavailable", `no sandbox as root on ${process.arch}`, {
      hint: "start crucible as a normal user",
    });
  return { file: whole[0] ?? "", args: whole.slice(1) };
}

function bwrapArgs(profile: Profile, options: BwrapOptions, source: (path: string) => string): string[] {
  const mounts = profile.mounts.flatMap((mount) => {
    if (mount.kind === "link") return ["--symlink", mount.source, mount.target];
    return [mount.kind === "ro" ? "--ro-bind" : "--bind", source(mount.source), mount.target];
  });
  return [
    ...NAMESPACES,
    ...(options.noUserns ? ["--disable-userns"] : []),
    "--info-fd",
    String(INFO_FD),
    "--seccomp",
    String(FILTER_FD),
    ...mounts,
    "--proc",
    "/proc",
    "--ro-bind",
    "/proc/sys",
    "/proc/sys",
    // The first process is bubblewrap: its memory, environment and command line are nobody's business.
    "--tmpfs",
    "/proc/1",
    "--remount-ro",
    "/proc/1",
    "--dev",
    "/dev",
    "--remount-ro",
    "/",
    "--chdir",
    options.workspace,
  ];
}

/** What must be staged: all but the system's own folders, each once, none that lies in another. */
function sourcesOf(mounts: readonly Mount[]): StagedSource[] {
  const wanted = mounts.flatMap((mount) =>
    mount.kind === "link" || contains("/usr", mount.source) || contains("/etc", mount.source)
      ? []
      : [{ path: mount.around ?? mount.source, mapped: mount.mapped }],
  );
  const sources: StagedSource[] = [];
  for (const source of wanted) {
    if (!sources.some((other) => other.mapped === source.mapped && contains(other.path, source.path)))
      sources.push(source);
  }
  return sources;
}

function translate(staged: readonly StagedSource[]): (path: string) => string {
  return (path) => {
    const index = staged.findLastIndex((source) => contains(source.path, path));
    const source = staged[index];
    return source ? stagedPath(index) + path.slice(source.path.length) : path;
  };
}
