/** The person behind an MCP client: questions go through the client's elicitation, one yes at a time. */
import type { ServerContext } from "@modelcontextprotocol/server";
import type { Human } from "../../core/ports/human.ts";

/** A person may be away for a while (milliseconds). */
const WAIT_MS = 600_000;

/** Nothing that lasts is allowed this way; no answer is a no. */
export function elicitedHuman(context: ServerContext, client: string): Human {
  const ask = async (message: string, choices: readonly string[], signal: AbortSignal): Promise<string | undefined> => {
    const answer = choices.length > 0 ? { type: "string" as const, enum: [...choices] } : { type: "string" as const };
    const requestedSchema = { type: "object" as const, properties: { answer }, required: ["answer"] };
    try {
      const result = await context.mcpReq.elicitInput({ message, requestedSchema }, { signal, timeout: WAIT_MS });
      const said = result.action === "accept" ? result.content?.["answer"] : undefined;
      return typeof said === "string" && (choices.length === 0 || choices.includes(said)) ? said : undefined;
    } catch {
      return undefined;
    }
  };
  return {
    present: true,
    actor: { id: `person at ${client}`, role: "user", scopes: ["approve"] },
    async approve({ title, lines }, signal) {
      const answer = await ask(["Allow this once?", title, ...lines].join("\n"), ["yes", "no"], signal);
      return answer === "yes" ? "yes" : "no";
    },
    ask,
  };
}
