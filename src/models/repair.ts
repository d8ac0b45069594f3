/** From a call as the model wrote it to a call that meets the tool's schema, or to what is wrong with it. */

import { wellFormed } from "../base/canonical-json.ts";
import { checkSchema, isFields } from "../base/json-schema.ts";
import type { ToolCallPart } from "../core/message.ts";
import type { RepairStage, ToolDeclaration } from "../core/model.ts";
import { parseTolerant } from "./tolerant-json.ts";
import type { RawCall } from "./wire.ts";

export type Repaired =
  | { readonly ok: true; readonly call: ToolCallPart; readonly repaired: readonly RepairStage[] }
  | { readonly ok: false; readonly tool: ToolDeclaration | undefined; readonly name: string; readonly problem: string };

/** Strict parse, tolerant parse, schema coercion. Nothing is guessed beyond that. */
export function repairCall(raw: RawCall, tools: readonly ToolDeclaration[], id: string): Repaired {
  const stages: RepairStage[] = raw.fromText ? ["text"] : [];
  const tool = findTool(raw.name, tools);
  if (!tool)
    return {
      ok: false,
      tool: undefined,
      name: raw.name,
      problem: `there is no tool named ${JSON.stringify(raw.name)}`,
    };
  if (tool.name !== raw.name) stages.push("tolerant");
  const input = readInput(raw.args);
  if (input === undefined) return { ok: false, tool, name: tool.name, problem: "the arguments are no JSON object" };
  if (input.tolerant && !stages.includes("tolerant")) stages.push("tolerant");
  const checked = checkSchema(tool.parameters, input.value);
  if (checked.problems.length > 0)
    return { ok: false, tool, name: tool.name, problem: checked.problems.slice(0, 5).join("; ") };
  if (!isFields(checked.value))
    return { ok: false, tool, name: tool.name, problem: "the arguments are no JSON object" };
  if (checked.coerced) stages.push("coerced");
  return {
    ok: true,
    call: { type: "tool-call", id, tool: tool.name, input: wellFormed(checked.value) },
    repaired: stages,
  };
}

/** By exact name; else the one tool whose name is the same without a namespace, case and separators. */
export function findTool(name: string, tools: readonly ToolDeclaration[]): ToolDeclaration | undefined {
  const exact = tools.find((tool) => tool.name === name);
  if (exact) return exact;
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const bare = name.replace(/^.*[.:/]/, "").replace(/<\|.*$/, "");
  const alike = tools.filter((tool) => plain(tool.name) === plain(bare));
  return alike.length === 1 ? alike[0] : undefined;
}

/** Strict first; a JSON text within a JSON text is opened once more. */
export function readInput(args: unknown): { readonly value: unknown; readonly tolerant: boolean } | undefined {
  if (args === undefined || args === null || args === "") return { value: {}, tolerant: false };
  if (typeof args !== "string") return isFields(args) ? { value: args, tolerant: false } : undefined;
  const text = args.trim();
  if (text === "" || text === "null") return { value: {}, tolerant: false };
  const strict = parseWith(JSON.parse, text);
  if (isFields(strict)) return { value: strict, tolerant: false };
  const loose = typeof strict === "string" ? parseWith(parseTolerant, strict) : parseWith(parseTolerant, text);
  return isFields(loose) ? { value: loose, tolerant: true } : undefined;
}

function parseWith(parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
