/** What an audit record means: taxonomy, severity, outcome, agent action type, risk points; and which level keeps it. */
import type { Json } from "../base/canonical-json.ts";
import type { Actor } from "./actor.ts";
import type { Label } from "./label.ts";
import type { Effect } from "./tool.ts";
import type { Decision, Risk } from "./verdict.ts";

export const EVENT_TYPES = [
  "authentication",
  "authorization",
  "data_access",
  "privilege_escalation",
  "security_violation",
  "config_change",
  "user_management",
  "session_management",
  "api_access",
  "system_event",
  "error_event",
  "security_scan",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export type Outcome = "success" | "failure" | "warning" | "error";

export const ACTIVITIES = [
  "code_generation",
  "file_access",
  "tool_usage",
  "network_access",
  "command_execution",
] as const;
/** The agent action type of a tool's call. */
export type Activity = (typeof ACTIVITIES)[number];

/** What each action is when nothing went wrong. `tool-decision` and `tool-end` depend on the tool. */
export const AUDIT_ACTIONS = {
  "tool-decision": { type: "authorization", severity: "low" },
  "tool-end": { type: "system_event", severity: "low" },
  approval: { type: "authorization", severity: "medium" },
  "approval-stored": { type: "authorization", severity: "high" },
  "approval-revoked": { type: "authorization", severity: "low" },
  "trust-given": { type: "privilege_escalation", severity: "high" },
  "trust-revoked": { type: "authorization", severity: "low" },
  "sandbox-off": { type: "privilege_escalation", severity: "critical" },
  "sandbox-probe": { type: "security_scan", severity: "low" },
  undo: { type: "data_access", severity: "medium" },
  "config-change": { type: "config_change", severity: "medium" },
  "hook-start": { type: "system_event", severity: "low" },
  "cache-hit": { type: "data_access", severity: "low" },
  "session-start": { type: "session_management", severity: "low" },
  "session-end": { type: "session_management", severity: "low" },
  "lease-start": { type: "authorization", severity: "medium" },
  "lease-end": { type: "system_event", severity: "low" },
  "segment-start": { type: "system_event", severity: "low" },
  "segment-removed": { type: "system_event", severity: "medium" },
} as const satisfies Record<string, { readonly type: EventType; readonly severity: Risk }>;
export type AuditAction = keyof typeof AUDIT_ACTIONS;

/** One doubt or refusal of a check. */
export interface AuditReason {
  readonly check: string;
  readonly rule: string;
  readonly decision: Decision;
  readonly risk?: Risk;
}

/** What is told to the audit log; it adds number, time, meaning and hashes. */
export interface AuditRecord {
  readonly action: AuditAction;
  readonly session: string;
  readonly actor: Pick<Actor, "id" | "role">;
  readonly decision?: string;
  readonly tool?: string;
  /** The tool's effects: what kind of action it is. */
  readonly effects?: readonly Effect[];
  readonly callId?: string;
  readonly reasons?: readonly AuditReason[];
  /** SHA-256 of the call's input. */
  readonly digest?: string;
  readonly details?: { readonly [key: string]: Json };
  /** Did not do what was asked. */
  readonly failed?: boolean;
  /** Kept from level comprehensive on, redacted and clipped. */
  readonly input?: Readonly<Record<string, unknown>>;
  /** Kept from level comprehensive on. */
  readonly result?: { readonly bytes: number; readonly label: Label };
}

export interface Meaning {
  readonly type: EventType;
  readonly severity: Risk;
  readonly outcome: Outcome;
  /** 0 to 100. */
  readonly risk: number;
  readonly activity?: Activity;
}

const SEVERITIES: readonly Risk[] = ["low", "medium", "high", "critical"];
const POINTS: Readonly<Record<Risk, number>> = { critical: 40, high: 25, medium: 15, low: 5 };
/** Points of a rule of the policy, whatever its risk. */
const POLICY_POINTS = 20;

/** The taxonomy entry of a record. */
export function meaningOf(record: AuditRecord): Meaning {
  const activity = record.effects ? activityOf(record.effects) : undefined;
  const doubts = record.reasons ?? [];
  const { type, severity } = AUDIT_ACTIONS[record.action];
  const worst = doubts.reduce<Risk>((high, { risk = "medium" }) => worse(high, risk), severity);
  return {
    type: typeOf(record, activity, worst) ?? type,
    severity: worst,
    outcome: outcomeOf(record),
    risk: riskPoints(doubts),
    ...(activity ? { activity } : {}),
  };
}

/** The sum over all doubts, at most 100. */
export function riskPoints(reasons: readonly AuditReason[]): number {
  const points = reasons.map(({ check, risk = "medium" }) =>
    check === "policyEngine.evaluate" ? POLICY_POINTS : POINTS[risk],
  );
  return Math.min(
    100,
    points.reduce((sum, each) => sum + each, 0),
  );
}

const worse = (a: Risk, b: Risk) => (SEVERITIES.indexOf(b) > SEVERITIES.indexOf(a) ? b : a);

function activityOf(effects: readonly Effect[]): Activity {
  if (effects.includes("exec") || effects.includes("jobs")) return "command_execution";
  if (effects.includes("net")) return "network_access";
  if (effects.includes("write")) return "code_generation";
  return effects.includes("read") ? "file_access" : "tool_usage";
}

/** Where a tool's record is more than its action says: a violation, an access, an error. */
function typeOf(record: AuditRecord, activity: Activity | undefined, worst: Risk): EventType | undefined {
  if (record.action === "tool-end") return record.failed ? "error_event" : undefined;
  if (record.action !== "tool-decision") return undefined;
  if (record.decision !== "allow")
    return worst === "high" || worst === "critical" ? "security_violation" : "authorization";
  if (activity === "network_access") return "api_access";
  return activity === "file_access" || activity === "code_generation" ? "data_access" : undefined;
}

function outcomeOf({ decision, reasons = [], failed = false }: AuditRecord): Outcome {
  if (reasons.some(({ rule }) => rule.startsWith("check."))) return "error";
  if (failed || decision === "deny" || decision === "no") return "failure";
  return reasons.length > 0 ? "warning" : "success";
}

export const LEVELS = ["minimal", "standard", "comprehensive"] as const;
export type AuditLevel = (typeof LEVELS)[number];

/** Effects that change nothing outside the session. */
const QUIET: readonly Effect[] = ["read", "human", "session"];

/**
 * The record as `level` keeps it; undefined where it is not kept. Every level keeps denials, approvals, everything
 * that may change the machine or reach out, and all that concerns rights. Standard adds what only looks.
 * Comprehensive adds inputs, and the sizes and labels of results.
 */
export function atLevel(level: AuditLevel, record: AuditRecord): AuditRecord | undefined {
  if (level === "comprehensive") return record;
  const { input: _input, result: _result, ...plain } = record;
  const quiet = record.effects?.every((effect) => QUIET.includes(effect)) ?? false;
  const passing = record.action === "tool-end" || record.decision === "allow";
  return level === "minimal" && quiet && passing ? undefined : plain;
}
