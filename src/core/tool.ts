/** What the agent can do, and the terms on which it may. */
import type { Json } from "../base/canonical-json.ts";
import type { Label } from "./label.ts";
import type { ImagePart, TextPart } from "./message.ts";
import type { Hands } from "./ports/hands.ts";
import type { ForeignFacts } from "./ports/mcp.ts";

/** The powers a tool may need; it receives hands for exactly these. */
export type Effect = "read" | "write" | "exec" | "net" | "human" | "session" | "agents" | "jobs";

/** The least a tool input schema must offer; any zod schema satisfies it. */
export interface InputSchema<Input> {
  safeParse(
    value: unknown,
  ):
    | { success: true; data: Input }
    | { success: false; error: { issues: readonly { path: PropertyKey[]; message: string }[] } };
}

export interface ToolSpec<Input = Record<string, unknown>> {
  readonly name: string;
  /** What the model reads: one or two terse sentences. */
  readonly summary: string;
  readonly input: InputSchema<Input>;
  readonly effects: readonly Effect[];
  /** May run beside other parallel calls of the same model message. */
  readonly parallel: boolean;
  readonly timeoutMs: number;
}

export interface ToolResult {
  readonly parts: readonly (TextPart | ImagePart)[];
  readonly failed: boolean;
  /** Machine-readable facts for renderers and the journal (diff, exit code, counts). */
  readonly details?: { readonly [key: string]: Json };
  readonly label?: Label;
}

export interface Tool<Input = Record<string, unknown>> extends ToolSpec<Input> {
  /** Set when the tool is a foreign server's. */
  readonly foreign?: ForeignFacts;
  run(input: Input, hands: Hands, signal: AbortSignal): Promise<ToolResult>;
}

/** Gives a tool literal its types and erases the input type for the registry. */
export function defineTool<Input>(tool: Tool<Input>): Tool {
  return tool as unknown as Tool;
}

/** A result that is one text. */
export function textResult(text: string, details?: ToolResult["details"]): ToolResult {
  return { parts: [{ type: "text", text }], failed: false, ...(details ? { details } : {}) };
}

/** A failed result: the model reads `text` and may try again. */
export function failedResult(text: string, details?: ToolResult["details"]): ToolResult {
  return { parts: [{ type: "text", text }], failed: true, ...(details ? { details } : {}) };
}
