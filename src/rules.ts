/** Wires the policy files to the gate: what stands in them is proved before anything runs. */
import { systemClock } from "./base/clock.ts";
import { type ApprovalStore, approvalStore } from "./config/approvals.ts";
import type { Config } from "./config/load.ts";
import { readPolicyFiles } from "./config/policy-file.ts";
import type { CallLimits } from "./guard/action.ts";
import type { PolicyRule } from "./guard/rules.ts";
import type { House } from "./house.ts";

/** The rules that hold in `workspace`. Throws `bad-config` with file:line. */
export async function loadRules(
  house: House,
  { workspace, home, bare }: { workspace: string; home: string; bare: boolean },
): Promise<readonly PolicyRule[]> {
  const rules = await readPolicyFiles(house.config.places, workspace, { bare });
  if (rules.length === 0) return [];
  const { provenRules } = await import("./guard/rules.ts");
  const { tools } = await import("./parts.ts");
  return provenRules(
    rules,
    { cwd: workspace, home },
    tools.map(({ name }) => name),
  );
}

/** What the person allowed for longer; undefined where nothing is to be remembered (`approvals.days` 0). */
export function rememberedApprovals(house: House): ApprovalStore | undefined {
  const days = house.config.get<number>("approvals.days");
  return days === 0 ? undefined : approvalStore(house.config.places, { days, now: systemClock.now });
}

/** `host:port` of the servers of models: the configured ones and the one in use. No fetch and no command reaches them. */
export function modelServers({ get }: Pick<Config, "get">, server?: string): readonly string[] {
  const urls = get<{ url: string }[]>("servers").map(({ url }) => url);
  return [...urls, ...(server === undefined ? [] : [server])].flatMap(authorityOf);
}

/** `host:port` of an address, with the port that its scheme stands for. */
function authorityOf(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { hostname, port, protocol } = new URL(url);
  // The embedded engine listens nowhere.
  if (protocol === "embedded:") return [];
  return [`${hostname}:${port || (protocol === "https:" ? "443" : "80")}`];
}

/** What one call may take. */
export function callLimits({ get }: Pick<Config, "get">): CallLimits {
  return {
    commandSeconds: get("limits.commandTime"),
    memoryMiB: get<number | undefined>("limits.memory") ?? 0,
    processes: get("limits.processes"),
    fileMiB: get("limits.fileSize"),
    concurrent: get("limits.concurrent"),
  };
}
