/** Tries to break out of the sandbox for real. Loaded only when it is not known what holds. */
import type { ProbeResult } from "../core/ports/sandbox.ts";
import type { Identity } from "./identity.ts";
import { type LaunchPlan, launch } from "./launch.ts";
import type { SandboxContext } from "./options.ts";
import { setTraps } from "./probe-traps.ts";
import { PROBES, probeScript } from "./probes.ts";

/** Names that bash sets by itself. */
const OWN_NAMES = new Set(["PWD", "OLDPWD", "SHLVL", "_"]);
const PROBE_MS = 20_000;

export interface ProbeReport {
  readonly results: readonly ProbeResult[];
  /** The first leak or failure in words, or undefined when the sandbox held. */
  readonly problem: string | undefined;
}

export interface Trial {
  readonly context: SandboxContext;
  readonly identity: Identity;
  /** Called when the traps are set, so that it sees the workspace with them. */
  readonly plan: () => LaunchPlan;
  readonly thorough: boolean;
}

/** Runs the attempts of `PROBES`. `/proc/sys` is opened, never written. */
export async function probe(trial: Trial, signal: AbortSignal): Promise<ProbeReport> {
  const { context } = trial;
  await using traps = await setTraps(context, trial.identity, trial.thorough);
  const plan = trial.plan();
  const order = { command: probeScript(traps.target), folder: context.paths.workspace };
  const lines = await attempt(plan, order, signal);
  const caught = traps.caught();
  const results = PROBES.map(({ name, about }): ProbeResult => {
    const said = lines.filter((line) => line.startsWith(`${name}\t`)).map((line) => line.slice(name.length + 1));
    return { name, about, ...judge(said, caught.get(name), plan) };
  });
  return { results, problem: problemOf(results, lines) };
}

type Judged = Pick<ProbeResult, "verdict" | "detail">;

function judge(said: readonly string[], seen: string | undefined, plan: LaunchPlan): Judged {
  const leak = said.find((line) => line.startsWith("leak: "))?.slice(6) ?? seen;
  if (leak !== undefined) return { verdict: "leaked", detail: leak };
  const names = said.filter((line) => line.startsWith("name: ")).map((line) => line.slice(6));
  const foreign = names.find((name) => !(name in (plan.variables ?? plan.env)) && !OWN_NAMES.has(name));
  if (foreign !== undefined) return { verdict: "leaked", detail: `the ${foreign} of a process outside is visible` };
  if (!said.includes("done")) return { verdict: "untried", detail: "it did not end" };
  const skip = said.find((line) => line.startsWith("skip: "));
  return skip === undefined ? { verdict: "held" } : { verdict: "untried", detail: skip.slice(6) };
}

function problemOf(results: readonly ProbeResult[], lines: readonly string[]): string | undefined {
  const leaked = results.find((result) => result.verdict === "leaked");
  if (leaked) return `the sandbox leaks: ${leaked.detail ?? leaked.name}`;
  if (!lines.includes("end")) return `the probe did not finish: ${lines.slice(0, 3).join(" ").trim()}`;
  if (!lines.includes("usable")) return "the workspace cannot be read, or /tmp not written, inside the sandbox";
  return undefined;
}

async function attempt(
  plan: LaunchPlan,
  order: { command: string; folder: string },
  signal: AbortSignal,
): Promise<string[]> {
  signal.throwIfAborted();
  const launched = launch(plan);
  const timer = setTimeout(() => launched.kill(), PROBE_MS);
  signal.addEventListener("abort", launched.kill, { once: true });
  let output = "";
  try {
    await launched.ready;
    launched.begin({ limits: "", ...order }, (chunk) => {
      output += chunk.toString("utf8");
    });
    await launched.ended;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", launched.kill);
    launched.kill();
    await launched.ended.catch(() => undefined);
  }
  return output.split("\n");
}
