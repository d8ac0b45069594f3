/** Hooks: programs of the person (or of a trusted workspace) that look at what happens and may only tighten. */
import type { Verdict } from "../verdict.ts";

export const HOOK_EVENTS = [
  "PreToolUse",
  "PostToolUse",
  "UserPromptSubmit",
  "SessionStart",
  "SessionEnd",
  "Stop",
  "SubagentStop",
  "PreCompact",
  "PermissionRequest",
  "Notification",
] as const;
export type HookEvent = (typeof HOOK_EVENTS)[number];

/** What a hook reads on its standard input beside session, folder and event. */
export type HookFacts = Readonly<Record<string, unknown>> & { readonly tool_name?: string };

/** All hooks of one event together: the strictest decision, everything that was added. */
export interface HookAnswer {
  readonly decision?: "ask" | "deny";
  readonly reason?: string;
  /** Text for the model. */
  readonly context?: string;
}

export interface Hooks {
  has(event: HookEvent, tool?: string): boolean;
  /** Never throws but for a cancelled signal and `audit`; a hook that fails where it must not is a `deny`. */
  run(event: HookEvent, facts: HookFacts, signal: AbortSignal): Promise<HookAnswer>;
}

/** One hook as it is configured. */
export interface HookEntry {
  readonly event: HookEvent;
  /** Names of tools; empty: all. */
  readonly matcher: string;
  readonly command: string;
  readonly timeoutMs: number;
  /** Its failure denies also where it would only be told. */
  readonly failClosed: boolean;
  readonly origin: "managed" | "user" | "project";
  readonly file: string;
}

/** A hook's word as a verdict of its own. */
export function hookVerdict({ decision, reason }: HookAnswer, event: HookEvent): Verdict | undefined {
  if (decision === undefined) return undefined;
  const said = reason === undefined ? `a ${event} hook says no` : `a ${event} hook says: ${reason}`;
  return { decision, check: "hooks", rule: `hook.${decision}`, risk: "medium", reason: said };
}
