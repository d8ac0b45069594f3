/** Stage 1: is this a known tool, well-formed input, a known actor, a fresh call, and does the mode permit its class. */
import { type Check, verdictOf } from "../action.ts";
import { ask, deny, type Finding } from "../shell/types.ts";

const MAX_INPUT = 4 * 1024 * 1024;

const check: Check = {
  name: "validateAgentAction",
  run(action) {
    const findings: Finding[] = [];
    const { tool, policy } = action;
    if (!tool) findings.push(deny("action.unknown-tool", `there is no tool ${action.call.tool}`, "low"));
    else if (!action.input)
      findings.push(deny("action.bad-input", `${tool.name}: ${action.problem ?? "the input does not fit"}`, "low"));
    if (!action.fresh) findings.push(deny("action.replay", "this call was made before"));
    if (!action.actor.scopes.includes("prompt"))
      findings.push(deny("action.actor", `${action.actor.id} may not run tools`));
    if (JSON.stringify(action.call.input).length > MAX_INPUT)
      findings.push(deny("action.too-large", "the input is larger than 4 MiB", "medium"));
    if (!action.readOnly && policy.mode === "plan") findings.push(deny("mode.plan", "plan mode only reads", "low"));
    else if (!action.readOnly && policy.sandbox === "read-only")
      findings.push(ask("mode.read-only", "the sandbox is read-only: changes and runs are asked for", "low"));
    return verdictOf(check.name, findings);
  },
};

export default check;
