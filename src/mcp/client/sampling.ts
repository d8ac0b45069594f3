/** A server asks for the session's model: only with consent, only text, nothing of the conversation goes along. */
import type { CreateMessageRequest, CreateMessageResult } from "@modelcontextprotocol/client";
import { CrucibleError } from "../../base/error.ts";
import { withoutHidden } from "../../base/invisible.ts";
import type { McpAnswers, McpEntry, SampleOrder } from "../../core/ports/mcp.ts";

const MAX_TOKENS = 8_192;
const MAX_TEXT = 200_000;

/** Rejects with `denied` when it is not wanted, `bad-input` for what is no text. */
export async function sample(
  entry: McpEntry,
  params: CreateMessageRequest["params"],
  answers: McpAnswers,
  signal: AbortSignal,
): Promise<CreateMessageResult> {
  if (entry.sampling === "deny" || !answers.sample)
    throw new CrucibleError("denied", "this client's model is not for servers");
  const order = orderOf(params);
  if (entry.sampling === "ask") {
    const title = `MCP server ${entry.name} wants an answer of the model (at most ${order.maxTokens} tokens)`;
    const told = (role: string, text: string) => text.split("\n").map((line) => `${role}: ${line}`);
    const lines = [
      ...(order.system === "" ? [] : told("system", order.system)),
      ...order.messages.flatMap(({ role, text }) => told(role, text)),
    ];
    if (!(await answers.consent({ server: entry.name, title, lines }, signal)))
      throw new CrucibleError("denied", "the person said no");
  }
  const { text, model } = await answers.sample(order, signal);
  return { role: "assistant", content: { type: "text", text }, model, stopReason: "endTurn" };
}

function orderOf(params: CreateMessageRequest["params"]): SampleOrder {
  const { systemPrompt = "", maxTokens, temperature } = params;
  const messages = params.messages.map(({ role, content }) => {
    const parts = Array.isArray(content) ? content : [content];
    const texts = parts.map((part) => {
      if (part.type !== "text") throw new CrucibleError("bad-input", `only text can be answered, not ${part.type}`);
      return part.text;
    });
    return { role, text: withoutHidden(texts.join("\n")) };
  });
  const size = messages.reduce((sum, { text }) => sum + text.length, systemPrompt.length);
  if (size > MAX_TEXT) throw new CrucibleError("bad-input", `more than ${MAX_TEXT} characters to read`);
  const most = Math.min(maxTokens, MAX_TOKENS);
  const warmth = temperature === undefined ? {} : { temperature };
  return { system: withoutHidden(systemPrompt), messages, maxTokens: most, ...warmth };
}
