/** What hooks say of one call: before the person is asked they may tighten the verdict, after the call they may add words. */
import type { EventContext } from "../core/event.ts";
import { hookVerdict } from "../core/ports/hooks.ts";
import type { ToolResult } from "../core/tool.ts";
import { strictest, type Verdict } from "../core/verdict.ts";
import type { Action } from "./action.ts";
import { askPerson } from "./ask-person.ts";
import type { GateOptions } from "./gate.ts";
import type { Judgement } from "./judge.ts";

interface Judged {
  readonly action: Action | Error;
  readonly judgement: Judgement;
  readonly where: EventContext;
}

/** The verdict that counts: checks, then hooks, then the person. `judged` holds everything that was found. */
export async function decide(
  options: GateOptions,
  { action, judgement, where }: Judged,
  signal: AbortSignal,
): Promise<{ readonly verdict: Verdict; readonly judged: Judgement }> {
  if (action instanceof Error) return { verdict: judgement.verdict, judged: judgement };
  const judged = options.hooks ? await tightened(options, action, judgement, signal) : judgement;
  const verdict = await askPerson(options, { action, judgement: judged, where }, signal);
  return { verdict, judged };
}

async function tightened(
  { hooks }: GateOptions,
  action: Action,
  judgement: Judgement,
  signal: AbortSignal,
): Promise<Judgement> {
  let now = judgement;
  const { tool, id, input } = action.call;
  for (const event of ["PreToolUse", "PermissionRequest"] as const) {
    const due = event === "PreToolUse" ? now.verdict.decision !== "deny" : now.verdict.decision === "ask";
    if (!due || !hooks?.has(event, tool)) continue;
    const facts = { tool_name: tool, tool_use_id: id, tool_input: input };
    now = joined(now, hookVerdict(await hooks.run(event, facts, signal), event), action);
  }
  return now;
}

/** A question that nobody would be asked in this mode is a no. */
function joined(judgement: Judgement, said: Verdict | undefined, { policy }: Action): Judgement {
  if (!said) return judgement;
  const silent = said.decision === "ask" && policy.mode !== "default";
  const own: Verdict = silent
    ? { ...said, decision: "deny", reason: `${policy.mode} mode does not ask: ${said.reason}` }
    : said;
  const verdict = strictest([judgement.verdict, own]);
  return { ...judgement, verdict, verdicts: [...judgement.verdicts, own] };
}

/** The result with what hooks have to say of it. */
export async function afterCall(
  { hooks }: GateOptions,
  { call: { tool, id, input } }: Action,
  result: ToolResult,
  signal: AbortSignal,
): Promise<ToolResult> {
  if (!hooks?.has("PostToolUse", tool)) return result;
  const text = result.parts.map((part) => (part.type === "text" ? part.text : `[${part.mediaType}]`)).join("\n");
  const response = { content: text, failed: result.failed, ...result.details };
  const facts = { tool_name: tool, tool_use_id: id, tool_input: input, tool_response: response };
  const { decision, reason, context } = await hooks.run("PostToolUse", facts, signal);
  const said = [decision === undefined ? undefined : (reason ?? "a hook objects to this"), context];
  const told = said.filter((each) => each !== undefined).join("\n");
  if (told === "") return result;
  return { ...result, parts: [...result.parts, { type: "text", text: `\n[hook: ${told}]` }] };
}
