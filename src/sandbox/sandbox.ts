/** The machine on a tool's behalf: gives each verified grant exactly the powers its effects name. */
import { chownSync, lstatSync, mkdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { CrucibleError } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";
import { shortId } from "../base/id.ts";
import { unwritable } from "../base/unwritable.ts";
import type { Grant, Lease } from "../core/grant.ts";
import type { Hands } from "../core/ports/hands.ts";
import type { Sandbox } from "../core/ports/sandbox.ts";
import { chosenBackend, openBackend } from "./backend.ts";
import { createCheckpoints, type Recorder } from "./checkpoints.ts";
import { createCommands, execHands } from "./commands.ts";
import { createDialler } from "./dialler.ts";
import { fileWriteHands } from "./file-writes.ts";
import { fileHands } from "./files.ts";
import { dropOldTmp, endOrphans, measureHome, renewHome } from "./housekeeping.ts";
import { adopt, type Job, jobHands } from "./jobs.ts";
import { netHands } from "./net.ts";
import type { Owner, SandboxContext, SandboxOptions } from "./options.ts";
import { spillText } from "./output.ts";
import { contains, type PathView, pathView } from "./paths.ts";
import { searchHands } from "./search.ts";
import { createSeen } from "./seen.ts";
import { createServers, type OwnPlace } from "./servers.ts";
import { treeHands } from "./tree-hands.ts";

export function createSandbox(options: SandboxOptions): Sandbox {
  const context = prepare(options);
  const seen = createSeen(options.blobs, options.seen);
  const backend =
    options.mode === "off"
      ? openBackend(context)
      : chosenBackend(context, options.backends, options.config.backend ?? "auto");
  const commands = createCommands(context, backend);
  const jobs = new Map<string, Job>();
  const servers = createServers(context, (own, place) => prepare(own, place));
  let warmed = false;
  const warm = () => {
    if (warmed || options.mode === "off") return;
    warmed = true;
    commands.warm().catch(() => undefined);
    if (!options.copy) keepHouse(context).catch(() => undefined);
  };
  const check = (grant: Grant | Lease) => {
    if (!options.verify(grant)) throw new CrucibleError("denied", `no valid grant for ${grant.tool}`);
    if (options.clock.now() > grant.expiresAt)
      throw new CrucibleError("denied", `the grant for ${grant.tool} has expired`);
  };
  const hands = (grant: Grant | Lease): Hands => {
    check(grant);
    const has = (effect: Grant["effects"][number]) => grant.effects.includes(effect);
    warm();
    return {
      ...(has("read") || has("write")
        ? {
            files: fileHands(context, grant, seen),
            search: searchHands(context, grant),
            tree: treeHands(context, grant),
          }
        : {}),
      ...(has("write") ? { fileWrites: fileWriteHands(context, grant, seen) } : {}),
      ...(has("exec") ? { exec: execHands(context, grant, commands) } : {}),
      ...(has("jobs") ? { jobs: jobHands(context, grant, commands, jobs) } : {}),
      ...(has("net") ? { net: netHands(grant, context.dialling, context.config) } : {}),
    };
  };
  return {
    paths: context.paths,
    hands,
    status: backend.status,
    verify: backend.verify,
    survey: backend.survey,
    serve: async (lease, order) => {
      check(lease);
      return servers.start(lease, order);
    },
    spill: (text) => {
      const name = `${shortId("output")}.txt`;
      const { host, view } = context.paths.tmp;
      return spillText({ spill: { host: `${host}/${name}`, shown: `${view}/${name}` }, owner: context.owner }, text);
    },
    dial: (lease, { reachable }) => {
      check(lease);
      const { closed = [] } = options.config;
      return createDialler({ hosts: lease.hosts, reachable, closed, dialling: options.dialling, signal: lease.signal });
    },
    foreground: () => [...commands.foreground].at(-1)?.grant,
    background(lease) {
      if (!options.verify(lease)) throw new CrucibleError("denied", `no valid lease for ${lease.tool}`);
      const running = [...commands.foreground].find(({ grant }) => grant.callId === lease.callId);
      if (!running) return false;
      const job = adopt(context, lease, running);
      jobs.set(job.id, job);
      return true;
    },
    ...(context.recorder ? { checkpoints: context.recorder } : {}),
    close: async () => {
      await Promise.all([commands.close(), servers.close()]);
      await context.recorder?.close();
      if (options.passing) dropPrivate(context);
    },
  };
}

/** Makes the private folders and derives what every part shares. */
function prepare(options: SandboxOptions, own?: OwnPlace): SandboxContext {
  const place = join(options.stateDir, "sandbox");
  const { copy } = options;
  const host = own?.tmp ?? (copy ? join(copy.folder, "tmp") : join(place, "tmp", options.session));
  const owner = ownerOf(options.workspace);
  const tmp = { view: options.mode === "off" ? host : "/tmp", host };
  makePrivate(host, owner);
  const paths = pathView({ ...options, tmp });
  makeMountPoints(paths, owner);
  const privateHome = own?.home ?? join(place, "homes", sha256(paths.workspace).slice(0, 16));
  const homeHost = copy ? join(copy.folder, "home") : privateHome;
  if (!copy) renewHome(privateHome);
  makePrivate(homeHost, owner);
  const resolved = (path: string) => paths.look(path).resolved;
  const readable = options.config.read.map(resolved).filter((path) => !contains(path, "/"));
  const exposed = options.config.expose.map(resolved);
  const recorder = options.undo && createCheckpoints({ ...options, paths }, options.undo);
  return {
    ...{ ...options, paths, privateHome, homeHost, owner, readable, exposed },
    ...(recorder ? { recorder, emit: hearing(options.emit, recorder) } : {}),
  };
}

/** Background commands change files after their call has ended. */
function hearing(emit: SandboxOptions["emit"], recorder: Recorder): SandboxOptions["emit"] {
  return (body, context) => {
    if (body.kind === "job-start") recorder.jobStarted(body.callId, body.job);
    if (body.kind === "job-end") recorder.jobEnded(body.job);
    return emit(body, context);
  };
}

/** Roots below `/tmp` are seen at their places in the private one, by tools before the first command too. */
function makeMountPoints(paths: PathView, owner: Owner | undefined): void {
  const { view, host } = paths.tmp;
  for (const root of paths.roots) {
    if (view === host || root === view || !contains(view, root)) continue;
    let at = host;
    for (const name of root.slice(view.length + 1).split("/")) {
      at = join(at, name);
      // A command may have put a link there: it is never followed.
      if (lstatSync(at, { throwIfNoEntry: false })?.isDirectory()) continue;
      rmSync(at, { force: true });
      makePrivate(at, owner);
    }
  }
}

/** What lies in the state folder for this session alone. */
function dropPrivate({ stateDir, session, paths }: SandboxContext): void {
  for (const path of [paths.tmp.host, join(stateDir, "sandbox", "runtime", session)])
    rmSync(path, { recursive: true, force: true });
}

async function keepHouse(context: SandboxContext): Promise<void> {
  await endOrphans(join(context.stateDir, "sandbox"));
  await measureHome(context.privateHome);
  for (const [name, keep] of [
    ["net", ""],
    ["runtime", context.session],
  ] as const)
    await dropOldTmp(join(context.stateDir, "sandbox", name), keep, context.clock.now());
  const { dropOldCopies } = await import("./copy-sweep.ts");
  await dropOldCopies(join(context.stateDir, "sandbox", "copies"), context.clock.now());
  await dropOldTmp(dirname(context.paths.tmp.host), context.session, context.clock.now());
}

/** The workspace's owner when we are root, else undefined: files we make belong to us anyway. */
function ownerOf(workspace: string): Owner | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const { uid, gid } = statSync(workspace);
  return { uid, gid };
}

function makePrivate(path: string, owner: Owner | undefined): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (owner) chownSync(path, owner.uid, owner.gid);
  } catch (error) {
    throw unwritable(path, error);
  }
}
