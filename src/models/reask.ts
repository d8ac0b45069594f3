/** The one constrained question that mends an invalid tool call: only the arguments, as JSON, thinking off. */

import { toFault } from "../base/error.ts";
import { isFields } from "../base/json-schema.ts";
import type { AssistantMessage, Usage, UserMessage } from "../core/message.ts";
import type { ModelRequest, ToolDeclaration } from "../core/model.ts";
import { Answer } from "./answer.ts";
import { Exchange, type Link } from "./exchange.ts";
import { type Repaired, readInput, repairCall } from "./repair.ts";
import type { RawCall } from "./wire.ts";

export interface ReaskCase {
  readonly failed: Extract<Repaired, { ok: false }>;
  readonly raw: RawCall | undefined;
  readonly id: string;
  readonly signal: AbortSignal;
}

/** Sends on the thread's own prefix. Throws only when cancelled; every other failure is an unrepaired call. */
export async function reask(
  link: Link,
  request: ModelRequest,
  which: ReaskCase,
): Promise<{ readonly repaired: Repaired; readonly usage: Usage }> {
  const question = questionFor(link, request, which);
  const answer = new Answer({ tools: new Set(), startsInThinking: false, verbatim: true });
  const exchange = new Exchange(link, question, answer, which.signal);
  let text = "";
  try {
    for (let more = true; more; ) {
      more = await exchange.step();
      for (const part of answer.take()) if (part.type === "text") text += part.text;
    }
  } catch (error) {
    if (which.signal.aborted) throw error;
    return {
      repaired: { ...which.failed, problem: `${which.failed.problem}; asked again: ${toFault(error).message}` },
      usage: usageOf(answer),
    };
  } finally {
    exchange.close();
  }
  return { repaired: judge(text, request.tools, which), usage: usageOf(answer) };
}

function judge(text: string, tools: readonly ToolDeclaration[], { failed, id }: ReaskCase): Repaired {
  const args: unknown = readInput(text.replace(/^[\s\S]*<\/think>/, ""))?.value;
  const value = isFields(args) ? args : undefined;
  // Without a known tool the answer names one; with one, some models wrap the arguments all the same.
  const wrapped = value && typeof value["name"] === "string" && isFields(value["arguments"]) ? value : undefined;
  const bare = failed.tool
    ? repairCall({ name: failed.tool.name, args: value ?? text, fromText: false }, tools, id)
    : undefined;
  const repaired =
    bare?.ok || !wrapped
      ? bare
      : repairCall({ name: String(wrapped["name"]), args: wrapped["arguments"], fromText: false }, tools, id);
  if (!repaired) return failed;
  return repaired.ok ? { ...repaired, repaired: ["reasked"] } : repaired;
}

function questionFor(link: Link, request: ModelRequest, { failed, raw }: ReaskCase): ModelRequest {
  const said = raw && typeof raw.args === "string" ? raw.args : JSON.stringify(raw?.args ?? {});
  const want = failed.tool
    ? `Reply with only the JSON object of the arguments for ${failed.tool.name}. Its schema: ${JSON.stringify(failed.tool.parameters)}`
    : `Reply with only {"name": ..., "arguments": {...}}, where name is one of: ${request.tools.map((tool) => tool.name).join(", ")}.`;
  const assistant: AssistantMessage = {
    role: "assistant",
    parts: [{ type: "text", text: `${failed.name}: ${said.slice(0, 4_000)}` }],
    voice: "",
    model: link.info.ref,
    usage: { input: 0, output: 0, source: "estimated" },
    stop: "stop",
  };
  const user: UserMessage = {
    role: "user",
    parts: [{ type: "text", text: `That tool call is not valid: ${failed.problem}. ${want}` }],
  };
  return {
    ...request,
    messages: [...request.messages, assistant, user],
    schema: failed.tool ? failed.tool.parameters : anyCall(request.tools),
  };
}

function anyCall(tools: readonly ToolDeclaration[]): Readonly<Record<string, unknown>> {
  return {
    type: "object",
    properties: { name: { type: "string", enum: tools.map((tool) => tool.name) }, arguments: { type: "object" } },
    required: ["name", "arguments"],
  };
}

function usageOf(answer: Answer): Usage {
  const { input, output, cached } = answer.usageSeen;
  return {
    input: input ?? 0,
    output: output ?? 0,
    source: input !== undefined && output !== undefined ? "reported" : "estimated",
    ...(cached === undefined ? {} : { cached }),
  };
}
