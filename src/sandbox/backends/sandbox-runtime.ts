/**
 * Sandbox-runtime (`srt`, the package @anthropic-ai/sandbox-runtime as the user installed it): seatbelt on macOS,
 * bubblewrap on Linux. One process of it a command, with settings of that command's own; inside, our first process
 * drops its variables and adds our filter of system calls.
 */
import { existsSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CrucibleError } from "../../base/error.ts";
import { sha256 } from "../../base/hash.ts";
import type { BackendPart, Lack } from "../backend.ts";
import { BWRAP, INNER } from "../bwrap.ts";
import { runtimeInitCommand } from "../container-init.ts";
import { identityOf } from "../identity.ts";
import { landlockVersion, PERL } from "../landlock.ts";
import type { SandboxContext } from "../options.ts";
import { contains } from "../paths.ts";
import { buildProfile, type ProfileParts } from "../profile.ts";
import { runtimeSettings } from "../runtime-settings.ts";
import { confinedEnv, makeParts } from "../stand-ins.ts";

const PACKAGE = "@anthropic-ai/sandbox-runtime";
/** The one that was tried; others are judged by the probe like it. */
const INSTALL = `npm install -g ${PACKAGE}@0.0.83`;
/** Truncating is governed from this version on (Linux 6.2). */
const LEAST = 3;
/** Read on macOS beside the workspace and what lies behind PATH. */
const MACOS = [
  "/System",
  "/Library",
  "/private/etc",
  "/private/var/db",
  "/private/var/select",
  "/dev",
  "/opt/homebrew",
];
const KEYCHAINS = "/Library/Keychains";
const ACCOUNTS = ["/etc/passwd", "/etc/group"];

const part: BackendPart = {
  name: "sandbox-runtime",
  rank: 6,
  platforms: ["linux", "darwin"],
  program: process.execPath,
  note: "commands have no way to the network and no sockets by path, and use $TMPDIR instead of /tmp; the tests of crucible run it on Linux alone",
  facts: (context) => {
    const { cli } = find(context) as Installed;
    const { ino, mtimeMs } = statSync(cli);
    return JSON.stringify([cli, ino, mtimeMs]);
  },
  lacking: (context) => {
    if (identityOf(context).kind !== "self")
      return { reason: "sandbox-runtime leaves a command of root root", mend: "start crucible as a normal user" };
    const found = find(context);
    return "reason" in found ? found : lackingAround();
  },
  mend: (problem) =>
    /uid map|user namespace|unshare/i.test(problem)
      ? "allow user namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
      : undefined,
  open: (context) => {
    let parts: ProfileParts | undefined;
    return (grant, { tree }) => {
      if (grant.hosts.length > 0)
        throw new CrucibleError("sandbox-unavailable", "commands have no way to the network under sandbox-runtime", {
          hint: "apt-get install bubblewrap",
        });
      const found = find(context);
      if ("reason" in found) throw new CrucibleError("sandbox-unavailable", found.reason, { hint: found.mend });
      const variables = { ...confinedEnv(context), TMPDIR: context.paths.tmp.host };
      parts ??= ownPlaces(makeParts(context, identityOf(context), "namespaces"));
      const { key, mounts } = buildProfile(context, parts, { grant, tree, socket: undefined });
      const mac = process.platform === "darwin" ? MACOS : [];
      const settings = runtimeSettings(
        mac.length === 0 ? mounts : [...mounts, { kind: "ro", source: parts.empty, target: KEYCHAINS, mapped: false }],
        { read: [...ACCOUNTS, ...mac, found.folder, parts.filter], write: [context.paths.tmp.host] },
      );
      const { allowRead, allowWrite } = settings.filesystem;
      const writable = [...allowWrite.map(({ path }) => path), "/dev"];
      const shown = allowRead.map(({ path }) => path).filter((path) => contains("/tmp", path));
      const init = runtimeInitCommand(parts.filter, { variables, writable, shown }, ["/bin/bash", "-c", INNER]);
      if (!init) throw new CrucibleError("sandbox-unavailable", `no sandbox-runtime on ${process.arch}`);
      const args = [found.cli, "--settings", put(context, JSON.stringify(settings)), "--", PERL, ...init];
      const env = { PATH: "/usr/bin:/bin:/usr/local/bin", HOME: join(context.stateDir, "sandbox", "runtime") };
      return {
        key,
        plan: { file: process.execPath, args, env, variables, ends: "container" },
      };
    };
  },
};

export default part;

interface Installed {
  readonly cli: string;
  /** The package's. */
  readonly folder: string;
}

/** A file cannot stand for another here. */
function ownPlaces(parts: ProfileParts): ProfileParts {
  return { ...parts, etc: parts.etc.filter(([source, target]) => source === target) };
}

/** By the user's PATH. What a command could change is not taken: it runs outside of every sandbox. */
function find(context: SandboxContext): Installed | Lack {
  const { roots, tmp } = context.paths;
  for (const entry of (context.env["PATH"] ?? "").split(":")) {
    const link = join(entry, "srt");
    if (!entry.startsWith("/") || !existsSync(link)) continue;
    const cli = realpathSync.native(link);
    const folder = dirname(dirname(cli));
    if (!cli.endsWith(".js") || nameOf(folder) !== PACKAGE) continue;
    const open = [...roots.filter((root) => root !== tmp.view), tmp.host, context.privateHome];
    const changeable = [link, cli].find((path) => open.some((root) => contains(root, path)));
    if (changeable !== undefined) return { reason: `${changeable} lies where commands may write`, mend: INSTALL };
    return { cli, folder };
  }
  return { reason: `${PACKAGE} is missing (no srt on your PATH)`, mend: INSTALL };
}

function nameOf(folder: string): unknown {
  try {
    return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name?: unknown }).name;
  } catch {
    return undefined;
  }
}

/** The programs and the kernel that it and our first process need. */
function lackingAround(): Lack | undefined {
  if (!existsSync(PERL))
    return { reason: "perl is missing (needed in sandbox-runtime)", mend: "apt-get install perl-base" };
  if (process.platform !== "linux") return undefined;
  const missing = [BWRAP, "/usr/bin/socat"].find((path) => !existsSync(path));
  if (missing !== undefined)
    return { reason: `${missing} is missing (needed by sandbox-runtime)`, mend: "apt-get install bubblewrap socat" };
  const version = landlockVersion();
  if (version >= LEAST) return undefined;
  return { reason: `Landlock here is version ${version}, ${LEAST} is needed`, mend: "use Linux 6.2 or newer" };
}

/** A file that only we read, named by what it says: the settings of a spare and of its command are one. */
function put(context: SandboxContext, text: string): string {
  const folder = join(context.stateDir, "sandbox", "runtime", context.session);
  const path = join(folder, `${sha256(text).slice(0, 24)}.json`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(path)) writeFileSync(path, text, { mode: 0o600 });
  return path;
}
