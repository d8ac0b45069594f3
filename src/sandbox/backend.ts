/** How commands are confined on this machine, decided once by trying to break out. */
import { existsSync } from "node:fs";
import { CrucibleError, toFault } from "../base/error.ts";
import type { BackendName, BackendState, Sandbox, SandboxStatus } from "../core/ports/sandbox.ts";
import { INFO_FD, INNER, READY_FD } from "./bwrap.ts";
import { commandEnv } from "./command-env.ts";
import { describeIdentity, identityOf } from "./identity.ts";
import { type Launched, type LaunchPlan, launch } from "./launch.ts";
import type { SandboxContext } from "./options.ts";
import type { ProbeReport, Trial } from "./probe.ts";
import { rememberedProbe, rememberProbe } from "./probe-memory.ts";
import { homeLack, type Terms } from "./profile.ts";
import { type AnyPart, isRemote, remoteBackend } from "./remote.ts";
import { mergeTrees, type Tree, treeScanner } from "./tree-scan.ts";

export interface Planned {
  /** Equal keys mean equal sandboxes: a waiting spare fits. */
  readonly key: string;
  readonly plan: LaunchPlan;
}

/** The same ready to start, here or elsewhere. */
export interface Prepared {
  readonly key: string;
  readonly ends: LaunchPlan["ends"] | "remote";
  start(): Launched;
}

export interface Lack {
  readonly reason: string;
  /** The command that mends it. */
  readonly mend: string;
}

/** One way to confine commands: a file in `backends/` that default-exports it. */
export interface BackendPart {
  readonly name: BackendName;
  /** Lower ones are tried first. */
  readonly rank: number;
  /** Where it is worth a try (`process.platform`); Linux alone when it says nothing. */
  readonly platforms?: readonly NodeJS.Platform[];
  /** What a person must know who works with it. */
  readonly note?: string;
  /** It can show a folder at another's place. */
  readonly relocates?: true;
  /** When this file changes what was found out about the backend is void. */
  readonly program: string;
  /** The same for what is no file; asked after `lacking`. */
  facts?(context: SandboxContext): string;
  /** What it needs and is not here; undefined when it is worth a try. */
  lacking(context: SandboxContext): Lack | undefined;
  /** What mends a failed try, where that is known. */
  mend(problem: string): string | undefined;
  /** A planner for one session. */
  open(context: SandboxContext): Planner;
}

/** `socket` is the proxy's; without it the plan of a grant with hosts is good for its key alone. Throws `sandbox-unavailable`. */
export type Planner = (
  grant: Terms,
  place: { readonly tree: Tree; readonly socket: string | undefined; readonly relaxed: boolean },
) => Planned;

export interface Backend {
  status(): Promise<SandboxStatus>;
  /** A fresh and thorough look. */
  verify: Sandbox["verify"];
  survey: Sandbox["survey"];
  /** The workspace as it is now. */
  scan(): Tree;
  /** What to start for a grant in the workspace as `tree` says; after `status` has found a backend. */
  plan(grant: Terms, tree: Tree, socket?: string): Prepared;
  /** Ends a probe that still runs: nothing of ours may start while this process goes. */
  close(): Promise<void>;
}

/**
 * Ends the group when this process is gone, whatever ended it: the report channel is a socket, and nobody writes to it.
 * No child of the shell: its `wait` does not wait for this.
 */
const WATCH = `( (read -r -u ${INFO_FD}; kill -9 -- -$$) ${READY_FD}>&- </dev/null >/dev/null 2>&1 & )`;

/** `-s off`: no confinement, the same environment and ends. */
export function openBackend(context: SandboxContext): Backend {
  const env = commandEnv(context, context.home);
  const plan: LaunchPlan = { file: "/bin/bash", args: ["-c", `${WATCH}\n${INNER}`], env, ends: "group" };
  return {
    status: async () => ({ backend: "off" }),
    verify: async () => ({ backend: "off", probes: [] }),
    survey: () => [],
    scan: () => mergeTrees([]),
    plan: () => prepared({ key: "off", plan }),
    close: async () => undefined,
  };
}

interface Candidate {
  readonly part: BackendPart;
  readonly planner: Planner;
  /** It started only without what some versions of its program lack. */
  relaxed: boolean;
}

/** Looks through all roots as commands will see them. */
export function rootScanner(context: SandboxContext): () => Tree {
  const { paths, rules, stateDir } = context;
  const places = { host: paths.host, real: (path: string) => paths.look(path).resolved };
  const how = context.copy ? { rules, places } : { rules };
  const scanners = paths.roots
    .filter((root) => root !== paths.tmp.view)
    .map((root) => treeScanner(root, stateDir, how));
  return () => mergeTrees(scanners.map((each) => each()));
}

/** The first of `parts` that holds; `wanted` names one, or `auto`. */
export function chosenBackend(context: SandboxContext, all: readonly AnyPart[], wanted: string): Backend {
  const ordered = all.toSorted((a, b) => a.rank - b.rank);
  const survey = () => ordered.map((part) => stateOf(part, context));
  const remote = ordered.filter(isRemote).find(({ name }) => name === wanted);
  if (remote && !context.copy) return remoteBackend(context, remote, survey);
  const parts = ordered.filter((part): part is BackendPart => !isRemote(part));
  let known: Promise<SandboxStatus> | undefined;
  let chosen: Candidate | undefined;
  const closing = new AbortController();
  const scan = rootScanner(context);
  const identity = identityOf(context);
  const ranked = parts
    .filter(({ name }) => wanted === "auto" || name === wanted)
    .map((part): Candidate => ({ part, planner: part.open(context), relaxed: false }));
  const described = ({ name, note }: BackendPart) => ({
    backend: name,
    identity: describeIdentity(identity),
    ...(note === undefined ? {} : { note }),
  });
  const attempt = async (candidate: Candidate, thorough: boolean, signal: AbortSignal): Promise<ProbeReport> => {
    const { planner } = candidate;
    const plan = () =>
      planner({ readOnly: false, reveals: [], hosts: [] }, { tree: scan(), socket: undefined, ...candidate }).plan;
    const first = await tryProbe({ context, identity, thorough, plan }, signal);
    if (first.problem === undefined || signal.aborted || first.results.length > 0) return first;
    candidate.relaxed = true;
    const second = await tryProbe({ context, identity, thorough, plan }, signal);
    return second.problem === undefined ? second : first;
  };
  /** Tries one after the other until `take` accepts; else says what stood in the way of the first. */
  const find = async (take: (candidate: Candidate) => Promise<Lack | undefined>): Promise<SandboxStatus> => {
    const lacks: Lack[] = [];
    // What is for other platforms is of interest only when nothing is for this one.
    const fitting = ranked.filter(({ part }) => isForHere(part));
    for (const candidate of fitting.length > 0 ? fitting : ranked) {
      const lack = lackHere(candidate.part, context) ?? (await take(candidate));
      if (!lack) return described(candidate.part);
      lacks.push(lack);
    }
    return {
      backend: undefined,
      ...(lacks[0] ?? { reason: `there is no backend ${wanted}`, mend: "crucible doctor" }),
    };
  };
  const remembered = async (candidate: Candidate): Promise<Lack | undefined> => {
    const { part } = candidate;
    const before = rememberedProbe(context, identity, part);
    if (before) candidate.relaxed = before.relaxed;
    else {
      const { problem } = await attempt(candidate, false, closing.signal);
      if (problem !== undefined) return lackOf(part, problem);
      rememberProbe(context, identity, { part, result: { relaxed: candidate.relaxed } });
    }
    chosen = candidate;
    return undefined;
  };
  const verify: Backend["verify"] = async (signal) => {
    const reports: { readonly part: BackendPart; readonly report: ProbeReport }[] = [];
    const status = await find(async (candidate) => {
      const report = await attempt(candidate, true, AbortSignal.any([signal, closing.signal]));
      reports.push({ part: candidate.part, report });
      return report.problem === undefined ? undefined : lackOf(candidate.part, report.problem);
    });
    if (status.backend !== undefined) return { ...status, probes: reports.at(-1)?.report.results ?? [] };
    const [first] = reports;
    if (!first) return { ...status, probes: [] };
    return { ...status, ...described(first.part), probes: first.report.results };
  };
  return {
    scan,
    verify,
    survey,
    status: () => (known ??= find(remembered)),
    plan: (grant, tree, socket) => {
      if (!chosen) throw new CrucibleError("sandbox-unavailable", "no sandbox has been chosen");
      return prepared(chosen.planner(grant, { tree, socket, relaxed: chosen.relaxed }));
    },
    close: async () => {
      closing.abort(new CrucibleError("aborted", "the session has ended"));
      await known?.catch(() => undefined);
    },
  };
}

function prepared({ key, plan }: Planned): Prepared {
  return { key, ends: plan.ends, start: () => launch(plan) };
}

function lackHere(part: AnyPart, context: SandboxContext): Lack | undefined {
  if (context.copy && !("relocates" in part))
    return { reason: `${part.name} cannot show a copy in place of the workspace`, mend: "apt-get install bubblewrap" };
  return (isRemote(part) ? homeLack(context) : missingHere(part, context)) ?? part.lacking(context);
}

function stateOf(part: AnyPart, context: SandboxContext): BackendState {
  const { name, note } = part;
  return { name, ...lackHere(part, context), ...(note === undefined ? {} : { note }) };
}

function lackOf(part: BackendPart, problem: string): Lack {
  return {
    reason: problem,
    mend: part.mend(problem) ?? "crucible sandbox verify says what fails; or start with -s off",
  };
}

/** No results mean that the sandbox did not start. */
async function tryProbe(trial: Trial, signal: AbortSignal): Promise<ProbeReport> {
  try {
    const { probe } = await import("./probe.ts");
    return await probe(trial, signal);
  } catch (error) {
    return { results: [], problem: toFault(error).message };
  }
}

function isForHere({ platforms = ["linux"] }: BackendPart): boolean {
  return platforms.includes(process.platform);
}

/** What no backend here can do without. */
function missingHere(part: BackendPart, context: SandboxContext): Lack | undefined {
  if (!isForHere(part))
    return {
      reason: `${part.name} is not for ${process.platform}`,
      mend: "run crucible in Linux (a container or WSL2)",
    };
  const home = homeLack(context);
  if (home) return home;
  return existsSync("/bin/bash") ? undefined : { reason: "bash is missing", mend: "apt-get install bash" };
}

/** Throws `sandbox-unavailable` with the mend when there is no backend. */
export async function requireBackend(backend: Backend): Promise<void> {
  const status = await backend.status();
  if (status.backend !== undefined) return;
  throw new CrucibleError("sandbox-unavailable", `commands cannot run: ${status.reason ?? "no sandbox works here"}`, {
    ...(status.mend === undefined ? {} : { hint: status.mend }),
  });
}
