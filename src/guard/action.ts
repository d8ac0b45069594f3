/** Everything the eight checks may look at, gathered once per call. */
import { issueText } from "../base/issue-text.ts";
import type { Actor } from "../core/actor.ts";
import type { Approvals } from "../core/approval.ts";
import type { Label } from "../core/label.ts";
import type { ToolCallPart } from "../core/message.ts";
import type { Tool } from "../core/tool.ts";
import { type Mode, type SandboxMode, strictest, type Verdict } from "../core/verdict.ts";
import type { PathPolicy } from "./path-policy.ts";
import type { PolicyRule } from "./rules.ts";
import type { ShellAnalysis } from "./shell/analyze.ts";
import type { SecondOpinion } from "./shell/second-opinion.ts";
import type { Finding, PathUse } from "./shell/types.ts";

/** What the person and the files say may be done; data, not code. */
export interface Policy {
  readonly mode: Mode;
  readonly sandbox: SandboxMode;
  readonly paths: PathPolicy;
  /** `network.mode` of the user's configuration. */
  readonly network: {
    readonly mode: "off" | "allowlist";
    readonly allow: readonly string[];
    /** `host:port` of model servers: nothing but the models reaches them, whatever `allow` says. */
    readonly closed?: readonly string[];
  };
  /** Rules of the policy files, operator's first. */
  readonly rules: readonly PolicyRule[];
  /** What the person allowed for longer than one call; absent where nothing is remembered. */
  readonly approvals?: Approvals;
  /** The second shell parser, made ready before the first judgement. */
  readonly secondOpinion: SecondOpinion;
  readonly limits: CallLimits;
  readonly disallowed: readonly ToolPattern[];
  /** Lists of the only tools that may be used (of an agent, of a command): a call stands in each of them. */
  readonly only?: readonly (readonly ToolPattern[])[];
  /** Typed by the person for this run: turns a question into yes, never a denial. */
  readonly allowed: readonly ToolPattern[];
}

/** What one call may take; the sandbox holds a command to it. */
export interface CallLimits {
  readonly commandSeconds: number;
  /** Address space of each process; 0 = no limit. */
  readonly memoryMiB: number;
  readonly processes: number;
  readonly fileMiB: number;
  /** Calls at the same time. */
  readonly concurrent: number;
}

/** `shell(git log *)` or a bare tool name. */
export interface ToolPattern {
  readonly tool: string;
  /** Words a command must begin with; absent = every call of the tool. */
  readonly words?: readonly string[];
}

export interface Action {
  readonly call: ToolCallPart;
  /** Undefined for an unknown tool. */
  readonly tool: Tool | undefined;
  /** Parsed input; undefined when it does not meet the tool's schema. */
  readonly input: Readonly<Record<string, unknown>> | undefined;
  readonly problem?: string;
  readonly actor: Actor;
  readonly policy: Policy;
  /** Calls that run already. */
  readonly running: number;
  /** Join of the labels of everything the model has read so far. */
  readonly context: Label;
  readonly shell?: ShellAnalysis;
  readonly paths: readonly PathUse[];
  readonly url?: string;
  /** Reads only: nothing can change and no project code runs. */
  readonly readOnly: boolean;
  readonly fresh: boolean;
}

/** One of the eight stages: a file under `checks/`, named as in the seed. */
export interface Check {
  readonly name: string;
  run(action: Action): Verdict | Promise<Verdict>;
}

/** Inputs named `path`, `command`, `url` and `source` carry the same meaning in every tool. */
export async function gatherAction(
  base: Pick<Action, "call" | "tool" | "actor" | "policy" | "context" | "running" | "fresh">,
): Promise<Action> {
  const { tool, call, policy } = base;
  const parsed = tool?.input.safeParse(call.input);
  if (!tool || !parsed?.success) {
    const issue = parsed?.success === false ? parsed.error.issues[0] : undefined;
    const problem = issue ? issueText(issue) : undefined;
    return { ...base, input: undefined, paths: [], readOnly: false, ...(problem === undefined ? {} : { problem }) };
  }
  // Names of fields mean nothing in a foreign tool; whatever it does, it is no mere look.
  if (tool.foreign) return { ...base, input: parsed.data, paths: [], readOnly: false };
  const input = named(parsed.data);
  const { facts } = policy.paths;
  const command = typeof input["command"] === "string" ? input["command"] : undefined;
  const shell =
    command === undefined
      ? undefined
      : (await import("./shell/analyze.ts")).analyzeShell(command, facts.cwd, facts.home, policy.secondOpinion);
  const writes = tool.effects.includes("write");
  const own: PathUse[] =
    typeof input["path"] === "string"
      ? [{ text: input["path"], op: writes ? "write" : "read", glob: false, cwd: facts.cwd, recursive: false }]
      : [];
  const quiet =
    !writes && !tool.effects.includes("exec") && !(tool.effects.includes("net") && typeof input["url"] === "string");
  return {
    ...base,
    input: parsed.data,
    ...(shell ? { shell } : {}),
    ...(typeof input["url"] === "string" ? { url: input["url"] } : {}),
    paths: [...own, ...(shell?.paths ?? [])],
    readOnly: quiet || (shell?.readOnly ?? false) || (tool.effects.includes("exec") && command === undefined),
  };
}

/** A `source` is an address or a path. */
function named(input: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { source } = input;
  if (typeof source !== "string") return input;
  return /^https?:/i.test(source) ? { ...input, url: source } : { ...input, path: source };
}

/** A verdict of `check` from its findings: the strictest one, or allow, with all of them. */
export function verdictOf(check: string, findings: readonly Finding[]): Verdict {
  if (findings.length === 0) return { check, decision: "allow", rule: "ok", risk: "low", reason: "" };
  const { decision, rule, risk, reason } = strictest(findings);
  const known = new Map(findings.map((each) => [`${each.decision} ${each.rule} ${each.reason}`, each]));
  const doubts = [...known.values()].map((each) => ({
    decision: each.decision,
    rule: each.rule,
    risk: each.risk,
    reason: each.reason,
  }));
  return { check, decision, rule, risk, reason, ...(doubts.length > 1 ? { doubts } : {}) };
}
