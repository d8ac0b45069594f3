/** The forms in which models print tool calls: Hermes, Qwen, GLM, Mistral, Llama and JSON in a code fence. */
import { isFields } from "../base/json-schema.ts";
import { parseTolerant } from "./tolerant-json.ts";
import type { RawCall } from "./wire.ts";

/** The calls in one block of text that looks like calls; empty when it is something else. */
export function parseTextCalls(block: string, names: ReadonlySet<string>): RawCall[] {
  const text = block.trim();
  if (text.startsWith("```")) {
    const inner = text
      .replace(/^```[^\n]*\n/, "")
      .replace(/\n?```$/, "")
      .trim();
    return /^[<[]\W*[a-zA-Z|]/.test(inner) && !inner.startsWith("[{") && !/^\[\s*\{/.test(inner)
      ? parseTextCalls(inner, names)
      : jsonCalls(inner, names, true);
  }
  if (text.startsWith("[TOOL_CALLS]")) return mistralCalls(text, names);
  if (text.startsWith("<|python_tag|>")) return pythonTagCalls(text, names);
  if (text.startsWith("<function=")) return functionCalls(text);
  if (text.startsWith("<")) return taggedCalls(text, names);
  return jsonCalls(text.replace(/<\|[\w]+\|>\s*$/, ""), names, true);
}

function taggedCalls(text: string, names: ReadonlySet<string>): RawCall[] {
  const inner = text
    .replace(/^<[^>]*>/, "")
    .replace(/<\|?\/[\w|]*>\s*$/, "")
    .trim();
  if (inner.startsWith("<function=")) return functionCalls(inner);
  if (inner.includes("<arg_key>")) return glmCall(inner);
  return jsonCalls(inner, names, false);
}

/** `<function=name><parameter=key>value</parameter></function>`; values are text until the schema says more. */
function functionCalls(text: string): RawCall[] {
  const calls: RawCall[] = [];
  for (const piece of text.split("<function=").slice(1)) {
    const name = /^\s*"?([^>\s"]+)"?\s*>/.exec(piece);
    if (!name?.[1]) continue;
    const body = piece.slice(name[0].length).replace(/<\/(function|tool_call)>[\s\S]*$/, "");
    const args: Record<string, unknown> = {};
    for (const part of body.split("<parameter=").slice(1)) {
      const key = /^\s*"?([^>\s"]+)"?\s*>/.exec(part);
      if (!key?.[1]) continue;
      const value = part.slice(key[0].length);
      const end = value.lastIndexOf("</parameter>");
      setOwn(args, key[1], unwrap(end < 0 ? value : value.slice(0, end)));
    }
    const json = body.trim();
    calls.push({
      name: name[1],
      args: Object.keys(args).length === 0 && json.startsWith("{") ? json : args,
      fromText: true,
    });
  }
  return calls;
}

/** An own field even for `__proto__`; the last of two with one name wins. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

function unwrap(value: string): string {
  return value.replace(/^\r?\n/, "").replace(/\r?\n[ \t]*$/, "");
}

/** `name<arg_key>k</arg_key><arg_value>v</arg_value>` */
function glmCall(text: string): RawCall[] {
  const name = /^[^\s<]+/.exec(text)?.[0];
  if (name === undefined) return [];
  const args: Record<string, unknown> = {};
  for (const match of text.matchAll(/<arg_key>([\s\S]*?)<\/arg_key>\s*<arg_value>([\s\S]*?)<\/arg_value>/g)) {
    setOwn(args, (match[1] ?? "").trim(), match[2]);
  }
  return [{ name, args, fromText: true }];
}

/** `[TOOL_CALLS][{"name":..,"arguments":{..}}]` and the newer `[TOOL_CALLS]name[ARGS]{..}`, repeated. */
function mistralCalls(text: string, names: ReadonlySet<string>): RawCall[] {
  return text
    .split("[TOOL_CALLS]")
    .filter((piece) => piece.trim() !== "")
    .flatMap((piece) => {
      const named = /^\s*([\w.-]+)\s*(?:\[CALL_ID\]\s*([\w-]+)\s*)?(?:\[ARGS\])?\s*(\{[\s\S]*)$/.exec(piece);
      if (named?.[1])
        return [
          { name: named[1], args: cutMarks(named[3] ?? ""), fromText: true, ...(named[2] ? { id: named[2] } : {}) },
        ];
      return jsonCalls(cutMarks(piece), names, false);
    });
}

/** `<|python_tag|>{"name":..,"parameters":{..}}`, several parted by semicolons. */
function pythonTagCalls(text: string, names: ReadonlySet<string>): RawCall[] {
  const inner = cutMarks(text.slice("<|python_tag|>".length)).trim();
  const whole = jsonCalls(inner, names, false);
  if (whole.length > 0 && !/\}\s*;\s*\{/.test(inner)) return whole;
  return inner.split(/(?<=\})\s*;\s*(?=\{)/).flatMap((piece) => jsonCalls(piece, names, false));
}

function cutMarks(text: string): string {
  return text.replace(/(<\|[\w]+\|>|<\/s>)\s*$/, "");
}

/** One call, a list of calls, or one per line. `knownOnly`: without other marks only a known tool's name counts. */
function jsonCalls(text: string, names: ReadonlySet<string>, knownOnly: boolean): RawCall[] {
  const value = parsed(text);
  const items = Array.isArray(value) ? value : [value];
  const calls = items.map((item) => callOf(item));
  const found = calls.filter((call) => call !== undefined);
  if (found.length > 0 && found.length === items.length) {
    return knownOnly && !found.every((call) => names.has(call.name)) ? [] : found;
  }
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length > 1 && lines.every((line) => line.trim().startsWith("{") && parsed(line) !== undefined)) {
    return lines.flatMap((line) => jsonCalls(line, names, knownOnly));
  }
  return broken(text, names, knownOnly);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      return parseTolerant(text);
    } catch {
      return undefined;
    }
  }
}

function callOf(value: unknown): RawCall | undefined {
  if (!isFields(value)) return undefined;
  const inner = isFields(value["function"]) ? value["function"] : value;
  const name = inner["name"] ?? value["tool_name"] ?? value["tool"] ?? value["function"];
  if (typeof name !== "string" || name === "") return undefined;
  const args = inner["arguments"] ?? inner["parameters"] ?? inner["args"] ?? inner["input"];
  if (
    args === undefined &&
    Object.keys(inner).some((key) => !["name", "type", "id", "tool", "tool_name"].includes(key))
  )
    return undefined;
  const id = value["id"];
  return { name, args: args ?? {}, fromText: true, ...(typeof id === "string" && id !== "" ? { id } : {}) };
}

/** Unreadable JSON that names a known tool is a call that needs repair, not text. */
function broken(text: string, names: ReadonlySet<string>, knownOnly: boolean): RawCall[] {
  const name = /["']?name["']?\s*:\s*["']([\w.-]+)["']/.exec(text)?.[1];
  if (name === undefined || !names.has(name)) return [];
  if (knownOnly && !/["']?(arguments|parameters)["']?\s*:/.test(text)) return [];
  const from = /["']?(?:arguments|parameters)["']?\s*:\s*/.exec(text);
  return [{ name, args: from ? text.slice(from.index + from[0].length) : text, fromText: true }];
}
