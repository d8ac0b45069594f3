/** `--input-format stream-json`: one JSON object a line, each user message is a turn. */
import * as z from "zod/mini";
import { CrucibleError } from "../base/error.ts";
import type { ImagePart, TextPart } from "../core/message.ts";

const part = z.union([z.object({ type: z.literal("text"), text: z.string() }), z.string()]);
const line = z.object({
  type: z.enum(["user", "message"]),
  content: z.optional(z.union([z.string(), z.array(part)])),
  message: z.optional(z.object({ content: z.union([z.string(), z.array(part)]) })),
});

/** Prompts in order; images go with the first. Throws `bad-input` with the line number. */
export function parseStreamInput(
  text: string,
  images: readonly ImagePart[],
): readonly (readonly (TextPart | ImagePart)[])[] {
  const prompts = text.split("\n").flatMap((source, index) => {
    if (source.trim() === "") return [];
    const content = contentOf(source, index + 1);
    const texts =
      typeof content === "string" ? [content] : content.map((item) => (typeof item === "string" ? item : item.text));
    return [[{ type: "text" as const, text: texts.join("\n") }]];
  });
  const [first, ...rest] = prompts;
  if (!first)
    throw new CrucibleError("bad-input", "standard input has no message", {
      hint: '{"type":"user","message":{"content":"what to do"}}',
    });
  return [[...first, ...images], ...rest];
}

function contentOf(source: string, number: number) {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    throw new CrucibleError("bad-input", `line ${number} of standard input is not JSON`, { cause: error });
  }
  const parsed = z.safeParse(line, value);
  const content = parsed.success ? (parsed.data.message?.content ?? parsed.data.content) : undefined;
  if (content === undefined)
    throw new CrucibleError("bad-input", `line ${number} of standard input is not a user message`, {
      hint: '{"type":"user","message":{"content":"what to do"}}',
    });
  return content;
}
