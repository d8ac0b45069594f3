/**
 * Landlock and seccomp, set up by perl: for machines where user namespaces are forbidden. Weaker than bubblewrap in what
 * it lets a command do, not in what it keeps: no sockets at all, no changed modes or times by path, repositories are
 * read-only, nothing new in a folder that holds a secret or a control place, `$TMPDIR` instead of `/tmp`.
 */
import { existsSync, realpathSync } from "node:fs";
import { CrucibleError } from "../../base/error.ts";
import type { BackendPart } from "../backend.ts";
import { FILTER_FD, INNER } from "../bwrap.ts";
import { findRepositories } from "../git-places.ts";
import { identityOf } from "../identity.ts";
import { carve, landlockCommand, landlockVersion, PERL, type Rule, rule } from "../landlock.ts";
import type { SandboxContext } from "../options.ts";
import { contains } from "../paths.ts";
import { ETC, type ProfileParts, type Terms } from "../profile.ts";
import { confinedEnv, makeParts } from "../stand-ins.ts";
import type { Tree } from "../tree-scan.ts";

/** Signals to other processes are governed from this version on (Linux 6.12). */
const LEAST = 6;

const SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/passwd", "/etc/group"];
const PROC = ["cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "uptime", "version", "sys/kernel/random"];
const DEVICES = ["/dev/null", "/dev/zero", "/dev/full"];
const SOURCES = ["/dev/random", "/dev/urandom", "/sys/devices/system/cpu"];

const part: BackendPart = {
  name: "landlock",
  rank: 5,
  program: PERL,
  note: "commands have no sockets, repositories are read-only to them, and nothing new can be made beside a secret or a control place: bubblewrap lets them do more",
  lacking: (context) => {
    // The folders of root's own state are closed to everybody else, and nothing may run as root.
    if (identityOf(context).kind !== "self")
      return { reason: "Landlock confines no command of root", mend: "start crucible as a normal user" };
    if (!existsSync(PERL))
      return { reason: "perl is missing (needed for Landlock)", mend: "apt-get install perl-base" };
    const version = landlockVersion();
    if (version >= LEAST) return undefined;
    return { reason: `Landlock here is version ${version}, ${LEAST} is needed`, mend: "use Linux 6.12 or newer" };
  },
  mend: () => undefined,
  open: (context) => {
    const identity = identityOf(context);
    let parts: ProfileParts | undefined;
    let env: Record<string, string> | undefined;
    return (grant, { tree }) => {
      if (grant.hosts.length > 0)
        throw new CrucibleError("sandbox-unavailable", "commands have no way to the network under Landlock", {
          hint: "apt-get install bubblewrap",
        });
      parts ??= makeParts(context, identity, "alone");
      env ??= { ...confinedEnv(context), TMPDIR: context.paths.tmp.host };
      const rules = rulesFor(context, parts, { grant, tree });
      const inner = landlockCommand(rules, ["/bin/bash", "-c", INNER], FILTER_FD);
      if (!inner) throw new CrucibleError("sandbox-unavailable", `no Landlock sandbox on ${process.arch}`);
      const [file = "", ...args] = inner;
      return { key: JSON.stringify(rules), plan: { file, args, env, ends: "keeper", filter: parts.filter } };
    };
  },
};

export default part;

/** A link may lead to another place of the workspace. */
function realOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

function rulesFor(
  context: SandboxContext,
  parts: ProfileParts,
  order: { readonly grant: Terms; readonly tree: Tree },
): Rule[] {
  const { grant, tree } = order;
  const { paths } = context;
  const shown = grant.reveals.map((path) => paths.look(path).resolved);
  const open = [...shown, ...context.exposed, ...context.readable];
  const hidden = tree.secrets.map(({ path }) => path).filter((path) => !open.some((each) => contains(each, path)));
  const roots = paths.roots.filter((root) => root !== paths.tmp.view);
  const { common } = findRepositories(roots, tree);
  const frozen = [...tree.controls, ...tree.bare, ...tree.held].flatMap((path) => [path, realOf(path)]);
  const toolchains = parts.toolchains.roots.flatMap((root) =>
    carve(root, { hidden: parts.toolchains.secrets, frozen: [], writable: false }),
  );
  const reads = [
    ...SYSTEM,
    ...ETC.map((name) => `/etc/${name}`),
    ...PROC.map((name) => `/proc/${name}`),
    ...SOURCES,
    ...parts.etc.filter(([source, target]) => source === target).map(([source]) => source),
    ...context.readable,
    ...common,
    ...shown.filter((path) => !roots.some((root) => contains(root, path))),
  ];
  return [
    ...reads.flatMap((path) => rule(path, "read")),
    ...toolchains,
    ...[...DEVICES, paths.tmp.host, context.privateHome].flatMap((path) => rule(path, "write")),
    ...roots.flatMap((root) => carve(root, { hidden, frozen, writable: !grant.readOnly })),
  ];
}
