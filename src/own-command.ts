/** `!command`: a shell call with the person as actor. Gate and sandbox as usual; what it printed is said to the model next. */
import { shortId } from "./base/id.ts";
import { LOCAL_USER } from "./core/actor.ts";
import type { TextPart } from "./core/message.ts";
import type { Gate } from "./core/ports/gate.ts";

/** Bytes of output that the model is told. */
const TOLD = 16_000;

/** Runs `command` in turn `turn`; gives what the model should read of it. */
export async function ownCommand(
  gate: Gate,
  { command, turn }: { readonly command: string; readonly turn: number },
  signal: AbortSignal,
): Promise<TextPart> {
  const call = { type: "tool-call" as const, id: shortId("own", 8), tool: "shell", input: { command } };
  const { parts } = await gate.run(call, { actor: LOCAL_USER, turn, voice: "person" }, signal);
  const output = parts.map((part) => (part.type === "text" ? part.text : `[${part.mediaType}]`)).join("\n");
  const told =
    output.length > TOLD ? `… ${output.length - TOLD} characters left out …\n${output.slice(-TOLD)}` : output;
  const text = `<own-command>\n$ ${command}\n${told}\n</own-command>\n`;
  return { type: "text", text };
}
