/** One throw-away container a command: what docker and podman have in common. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { CrucibleError } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";
import { shortId } from "../base/id.ts";
import type { BackendPart, Planned, Planner } from "./backend.ts";
import { INNER } from "./bwrap.ts";
import { INSTALLED } from "./command-env.ts";
import { clientOf, type Engine, findEngine, type Kind, OWNER, sweepContainers } from "./container-engine.ts";
import { initCommand } from "./container-init.ts";
import { identityOf } from "./identity.ts";
import type { SandboxContext } from "./options.ts";
import { buildProfile, type Mount, type ProfileParts } from "./profile.ts";
import { proxyEnv, relayStart } from "./relay.ts";
import { confinedEnv, makeParts } from "./stand-ins.ts";
import { isAlive } from "./temporary.ts";

/** The tool's own 512 and the first process, its shell and the relay. */
const PROCESSES = 520;

export function containerPart(kind: Kind, about: Pick<BackendPart, "rank" | "note">): BackendPart {
  const engines = new WeakMap<SandboxContext, Engine>();
  const look = (context: SandboxContext) => {
    const found = findEngine(kind, context);
    if ("image" in found) engines.set(context, found);
    return found;
  };
  return {
    name: kind.name,
    ...about,
    relocates: true,
    get program() {
      return clientOf(kind);
    },
    facts: (context) => engines.get(context)?.image ?? "",
    lacking: (context) => {
      const found = look(context);
      return "reason" in found ? found : undefined;
    },
    mend: (problem) =>
      /perl|bash|executable file not found|no such file/i.test(problem)
        ? "name an image that has bash and perl: crucible config set sandbox.image node:24"
        : undefined,
    open: (context) => planner(kind, context, () => engines.get(context) ?? look(context)),
  };
}

function planner(kind: Kind, context: SandboxContext, find: () => ReturnType<typeof findEngine>): Planner {
  const identity = identityOf(context);
  const label = `codecrucible.state=${sha256(context.stateDir).slice(0, 16)}`;
  let engine: Engine | undefined;
  let parts: ProfileParts | undefined;
  const begin = (): Engine => {
    const found = find();
    if ("reason" in found) throw new CrucibleError("sandbox-unavailable", found.reason, { hint: found.mend });
    mkdirSync(join(context.stateDir, "sandbox", "etc", "docker"), { recursive: true, mode: 0o755 });
    sweepContainers(found, label, isAlive);
    return found;
  };
  return (grant, { tree, socket }): Planned => {
    engine ??= begin();
    const none = { system: false, toolchains: { roots: [], secrets: [] } };
    parts ??= { ...makeParts(context, identity, "namespaces"), ...none };
    const profile = buildProfile(context, parts, { grant, tree, socket });
    const env = insideEnv(context, grant.hosts.length > 0);
    const script = profile.proxied ? `${relayStart([3, 4])}\n${INNER}` : INNER;
    const init = initCommand(Object.keys(env), parts.filter, ["/bin/bash", "-c", script]);
    if (!init) throw new CrucibleError("sandbox-unavailable", `no container on ${process.arch}`);
    const args = [
      ...engine.client,
      "run",
      ...RUN,
      ...kind.options(),
      ...["--name", shortId("crucible"), "--label", label, "--label", `${OWNER}=${process.pid}`],
      ...["--user", `${identity.uid}:${identity.gid}`, "--workdir", context.paths.workspace],
      ...mountWords(profile.mounts, parts, context),
      ...envWords(env),
      ...[engine.image, ...init],
    ];
    const key = JSON.stringify([engine.image, profile.key]);
    return { key, plan: { file: "/usr/bin/env", args, env, ends: "container" } };
  };
}

const RUN = [
  "--rm",
  "--interactive",
  ...["--pull", "never", "--log-driver", "none", "--no-healthcheck", "--hostname", "crucible"],
  ...["--network", "none", "--ipc", "private", "--cgroupns", "private", "--read-only"],
  ...["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", String(PROCESSES)],
  ...["--entrypoint", "/usr/bin/perl"],
];

/** Variables by name: their values stand on no command line. The image's own PATH stays; HOME is the client's outside. */
function envWords(env: Readonly<Record<string, string>>): string[] {
  const names = Object.keys(env).filter((name) => name !== "PATH" && name !== "HOME");
  return [...names.flatMap((name) => ["--env", name]), "--env", `HOME=${env["HOME"]}`];
}

/** Without what describes this machine's installations, unless the user set it for commands. */
function insideEnv(context: SandboxContext, proxied: boolean): Record<string, string> {
  const own = context.config.env;
  const env = Object.entries(confinedEnv(context)).filter(([name]) => !INSTALLED.includes(name) || name in own);
  return { ...Object.fromEntries(env), ...(proxied ? proxyEnv() : {}) };
}

/** The engine sorts them by depth; of two at one place the later counts. What is read-only shows no mounts below it: they would be writable. */
function mountWords(mounts: readonly Mount[], parts: ProfileParts, { paths }: SandboxContext): string[] {
  const all: readonly Mount[] = [
    { kind: "rw", source: paths.tmp.host, target: "/var/tmp", mapped: true },
    { kind: "ro", source: parts.filter, target: parts.filter, mapped: false },
    ...mounts,
  ];
  const last = new Map(all.map((mount) => [mount.target, mount]));
  return [...last.values()].flatMap(({ kind, source, target }) => {
    if (kind === "link") return [];
    const flags = kind === "ro" ? ["readonly", "bind-nonrecursive=true"] : [];
    const fields = ["type=bind", `source=${source}`, `target=${target}`, ...flags];
    return ["--mount", fields.map((field) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join()];
  });
}
