/** The end of a call: what the model reads of it, redacted and labelled, on record in journal and audit. */
import { isSecretPath } from "../base/secret-names.ts";
import { byteLength } from "../base/text.ts";
import type { EventContext } from "../core/event.ts";
import { EXTERNAL_LABEL, type Label, WORKSPACE_LABEL } from "../core/label.ts";
import type { ToolCallPart } from "../core/message.ts";
import type { ToolOutcome } from "../core/ports/gate.ts";
import type { ToolResult } from "../core/tool.ts";
import type { Verdict } from "../core/verdict.ts";
import type { Action } from "./action.ts";
import type { GateOptions } from "./gate.ts";

export interface Ending {
  readonly call: ToolCallPart;
  readonly verdict: Verdict;
  readonly denied?: boolean;
  readonly started: number;
  readonly where: EventContext;
  readonly action: Action | Error;
}

/** Bytes of a result: text as UTF-8, images as base64. */
function sizeOf(parts: ToolResult["parts"]): number {
  return parts.reduce((sum, part) => sum + byteLength(part.type === "text" ? part.text : part.data), 0);
}

export async function end(options: GateOptions, ending: Ending, result: ToolResult): Promise<ToolOutcome> {
  const { call, verdict, denied = false, action } = ending;
  const parts = result.parts.map((part) =>
    part.type === "text" ? { ...part, text: options.redactor.text(part.text) } : part,
  );
  const details = result.details ? options.redactor.deep(result.details) : undefined;
  const durationMs = Math.round((options.clock.monotonic() - ending.started) * 10) / 10;
  const label = labelOf(ending, result);
  options.emit(
    {
      kind: "tool-end",
      callId: call.id,
      tool: call.tool,
      parts,
      failed: result.failed,
      denied,
      durationMs,
      label,
      ...(details ? { details } : {}),
    },
    ending.where,
  );
  if (!denied && !(action instanceof Error)) {
    await options.audit.append({
      action: "tool-end",
      session: options.journal.session,
      actor: action.actor,
      tool: call.tool,
      ...(action.tool ? { effects: action.tool.effects } : {}),
      callId: call.id,
      failed: result.failed,
      result: { bytes: sizeOf(parts), label },
    });
  }
  const shell = action instanceof Error ? undefined : action.shell;
  return {
    parts,
    failed: result.failed,
    verdict,
    denied,
    durationMs,
    readOnly: denied || (!(action instanceof Error) && action.readOnly),
    ...(details ? { details } : {}),
    ...(shell ? { shell: { commands: shell.commands, exitIsLast: shell.exitIsLast, redirects: shell.redirects } } : {}),
  };
}

/** Where the tool does not say better, what came over the network is external; what a secret file showed is secret. */
function labelOf({ action, denied }: Ending, result: ToolResult): Label {
  if (denied || action instanceof Error) return result.label ?? WORKSPACE_LABEL;
  const { code, network, online, secret } = result.details ?? {};
  const reached =
    Array.isArray(network) && network.some((use) => (use as { decision?: unknown }).decision === "allowed");
  // A fault is told in our own words: nothing came from there.
  const fetched = (action.url !== undefined && code === undefined) || reached || online === true;
  const label = result.label ?? (fetched ? EXTERNAL_LABEL : WORKSPACE_LABEL);
  const opened = secret === true || showsSecret(action);
  return opened ? { ...label, confidentiality: "secret" } : label;
}

/** A file or a command that shows secrets ran: because the person said yes, or opened it in the configuration. */
function showsSecret({ shell, paths, policy }: Action): boolean {
  const reads = paths.filter((use) => use.op === "read" && !use.glob);
  return (
    shell?.secret === true || reads.some((use) => isSecretPath(policy.paths.facts.look(use.text, use.cwd).resolved))
  );
}
