/** What the person runs or points at: `!command` and `@file` go through gate and sandbox as any call, with the person as actor. */
import { fenced } from "./base/fenced.ts";
import { shortId } from "./base/id.ts";
import { LOCAL_USER } from "./core/actor.ts";
import type { TextPart } from "./core/message.ts";
import type { OwnCall } from "./core/ports/app.ts";
import type { Gate } from "./core/ports/gate.ts";

/** Characters of it that the model is told. */
const TOLD = 32_000;

/** Makes the call in turn `turn`; gives what the model should read of it. */
export async function ownCall(
  gate: Gate,
  { tool, input, turn }: OwnCall & { readonly turn: number },
  signal: AbortSignal,
): Promise<TextPart> {
  const call = { type: "tool-call" as const, id: shortId("own", 8), tool, input };
  const { parts } = await gate.run(call, { actor: LOCAL_USER, turn, voice: "person" }, signal);
  const output = parts.map((part) => (part.type === "text" ? part.text : `[${part.mediaType}]`)).join("\n");
  const left = output.length - TOLD;
  const whole = left > 0 ? `… ${left} characters left out …\n${output.slice(-TOLD)}` : output;
  const told = fenced(whole, ["own-command", "file"]);
  const text =
    "command" in input
      ? `<own-command>\n$ ${input.command}\n${told}\n</own-command>`
      : `<file path="${input.path.replaceAll(/["<>\n\r]/g, " ")}">\n${told}\n</file>`;
  return { type: "text", text: `${text}\n` };
}
