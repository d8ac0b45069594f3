/** The person at an editor: permission requests and questions go through the client. */
import { type AgentContext, type ClientCapabilities, methods, type PermissionOption } from "@agentclientprotocol/sdk";
import { shortId } from "../base/id.ts";
import type { Human } from "../core/ports/human.ts";

const FOREVER = (signal: AbortSignal) => ({ cancellationSignal: signal });

/** Whoever cancels, or has gone, says no. */
export function editorHuman(client: AgentContext, sessionId: string, able: () => ClientCapabilities): Human {
  const choose = async (
    toolCall: { toolCallId: string; title: string; text: string },
    options: PermissionOption[],
    signal: AbortSignal,
  ): Promise<string | undefined> => {
    const { toolCallId, title, text } = toolCall;
    const content = text === "" ? [] : [{ type: "content" as const, content: { type: "text" as const, text } }];
    try {
      const { outcome } = await client.request(
        methods.client.session.requestPermission,
        { sessionId, toolCall: { toolCallId, title, ...(content.length > 0 ? { content } : {}) }, options },
        FOREVER(signal),
      );
      if (outcome.outcome !== "selected") return undefined;
      return options.some(({ optionId }) => optionId === outcome.optionId) ? outcome.optionId : undefined;
    } catch {
      return undefined;
    }
  };
  return {
    present: true,
    async approve({ callId, title, lines, rules }, signal) {
      const always: PermissionOption[] =
        rules.length === 0 ? [] : [{ optionId: "always", name: `Always: ${rules.join("; ")}`, kind: "allow_always" }];
      const options: PermissionOption[] = [
        { optionId: "yes", name: "Allow once", kind: "allow_once" },
        ...always,
        { optionId: "no", name: "No", kind: "reject_once" },
      ];
      const answer = await choose({ toolCallId: callId, title, text: lines.join("\n") }, options, signal);
      return answer === "yes" || answer === "always" ? answer : "no";
    },
    async ask(question, choices, signal) {
      if (choices.length === 0)
        return able().elicitation?.form ? write(client, sessionId, question, signal) : undefined;
      const options = choices.map(
        (name, index): PermissionOption => ({ optionId: `${index}`, name, kind: "allow_once" }),
      );
      const none: PermissionOption = { optionId: "none", name: "No answer", kind: "reject_once" };
      const chosen = await choose(
        { toolCallId: shortId("question"), title: question, text: "" },
        [...options, none],
        signal,
      );
      return chosen === undefined || chosen === "none" ? undefined : choices[Number(chosen)];
    },
  };
}

async function write(
  client: AgentContext,
  sessionId: string,
  message: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const requestedSchema = { type: "object" as const, properties: { answer: { type: "string" as const } } };
  try {
    const answer = await client.request(
      methods.client.elicitation.create,
      { mode: "form", sessionId, message, requestedSchema },
      FOREVER(signal),
    );
    const said =
      answer.action === "accept" ? (answer as { content?: { answer?: unknown } }).content?.answer : undefined;
    return typeof said === "string" ? said : undefined;
  } catch {
    return undefined;
  }
}
