/** Wires the policy without a session: the same checks over the same facts, for `crucible policy`. */
import { checkpointPlace } from "./audit-view.ts";
import { systemClock } from "./base/clock.ts";
import { controlHomes } from "./base/control-places.ts";
import { CrucibleError } from "./base/error.ts";
import { LOCAL_USER } from "./core/actor.ts";
import { USER_LABEL } from "./core/label.ts";
import type { PolicyAnswer, PolicyQuestion, PolicyView } from "./core/ports/app.ts";
import { gatherAction, type Policy } from "./guard/action.ts";
import { judge } from "./guard/judge.ts";
import type { House } from "./house.ts";
import { checks, tools } from "./parts.ts";
import { callLimits, loadRules, modelServers, rememberedApprovals } from "./rules.ts";
import { pathView } from "./sandbox/paths.ts";
import { secondParser } from "./second-parser.ts";

const TOOLS = { shell: "shell", read: "read", write: "write", net: "web_fetch" } as const;

/** Paths that are there are looked at, paths that are not are taken by their text. */
export async function policyView(
  house: House,
  place: { readonly cwd?: string; readonly home?: string },
): Promise<PolicyView> {
  const home = place.home ?? house.home;
  const workspace = place.cwd ?? house.workspace;
  const facts = pathView({ workspace, addDirs: [], home, tmp: { view: "/tmp", host: "/tmp" } });
  const approvals = rememberedApprovals(house);
  const elsewhere = place.home !== undefined && place.home !== house.home;
  const homes = controlHomes(home, elsewhere ? {} : house.env);
  const secondOpinion = secondParser();
  await secondOpinion.ready();
  const base: Omit<Policy, "mode" | "sandbox"> = {
    paths: {
      facts,
      controlHomes: elsewhere
        ? homes
        : [...homes, ...Object.values(house.config.places), checkpointPlace(house.config)],
      readable: house.config.get("sandbox.read"),
      exposed: house.config.get("sandbox.expose"),
    },
    // A question here is what a person would be asked, whether or not the network is on.
    network: { mode: "allowlist", allow: house.config.get("network.allow"), closed: modelServers(house.config) },
    rules: await loadRules(house, { workspace, home, bare: false }),
    ...(approvals ? { approvals: approvals.of(workspace) } : {}),
    secondOpinion,
    limits: callLimits(house.config),
    disallowed: [],
    allowed: [],
  };
  let calls = 0;
  const decide = async ({ tool, input, mode }: PolicyQuestion): Promise<PolicyAnswer> => {
    const found = tools.find((entry) => entry.name === TOOLS[tool]);
    if (!found) throw new CrucibleError("bad-input", `there is no tool ${tool}: shell, read, write or net`);
    const policy: Policy = {
      ...base,
      mode: mode === "plan" || mode === "auto" ? mode : "default",
      sandbox: mode === "read-only" ? "read-only" : "workspace-write",
    };
    // A question about a write may leave the content out; one about a command is about a command.
    const filled = { write: { content: "" }, shell: { command: null }, read: {}, net: {} }[tool];
    const given = { ...filled, ...input };
    const call = {
      type: "tool-call" as const,
      id: `policy-${systemClock.now()}-${calls++}`,
      tool: found.name,
      input: given,
    };
    const action = await gatherAction({
      call,
      tool: found,
      actor: LOCAL_USER,
      policy,
      context: USER_LABEL,
      running: 0,
      fresh: true,
    });
    return { ...(await judge(action, checks)), commands: action.shell?.commands ?? [] };
  };
  return { rules: base.rules.length, decide };
}
