/**
 * JSON Schema as a grammar of llama.cpp (GBNF): compact JSON, required properties first, numbers of bounded length
 * (the usual number grammar admits `1e99999`). It steers the model; whether the answer fits is checked again afterwards.
 */
import { isFields } from "../../base/json-schema.ts";

type Schema = Readonly<Record<string, unknown>>;

interface State {
  readonly root: Schema;
  readonly rules: Map<string, string>;
}

/** Longer repetitions are refused by llama.cpp or make it slow: from here on a list is unbounded. */
const MOST = 1_000;

const COMMON: Readonly<Record<string, string>> = {
  char: String.raw`[^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})`,
  text: String.raw`"\"" char* "\""`,
  whole: `"0" | [1-9] [0-9]{0,14}`,
  integer: `"-"? whole`,
  number: `"-"? whole ("." [0-9]{1,9})?`,
  boolean: `"true" | "false"`,
  object: `"{" (text ":" value ("," text ":" value)*)? "}"`,
  array: `"[" (value ("," value)*)? "]"`,
  value: `object | array | text | number | boolean | "null"`,
};

export function grammarFor(schema: Schema): string {
  const state: State = { root: schema, rules: new Map() };
  state.rules.set("root", visit(state, schema));
  return [...state.rules, ...Object.entries(COMMON)].map(([name, body]) => `${name} ::= ${body}`).join("\n");
}

function visit(state: State, schema: Schema): string {
  const ref = schema["$ref"];
  if (typeof ref === "string") return follow(state, ref);
  if (Array.isArray(schema["enum"])) return oneOf(schema["enum"].map((value) => literal(JSON.stringify(value))));
  if ("const" in schema) return literal(JSON.stringify(schema["const"]));
  const branches = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(branches)) return oneOf(branches.filter(isFields).map((branch) => visit(state, branch)));
  if (Array.isArray(schema["allOf"])) return visit(state, merged(schema["allOf"].filter(isFields)));
  const { type } = schema;
  if (Array.isArray(type)) return oneOf(type.map((one) => visit(state, { ...schema, type: one })));
  switch (type ?? (isFields(schema["properties"]) ? "object" : undefined)) {
    case "string":
      return textOf(schema);
    case "integer":
      return integerOf(schema);
    case "number":
    case "boolean":
      return String(type);
    case "null":
      return literal("null");
    case "array":
      return arrayOf(state, schema);
    case "object":
      return objectOf(state, schema);
    default:
      return "value";
  }
}

/** A rule for each definition, so that one may contain itself. */
function follow(state: State, ref: string): string {
  let found: unknown = state.root;
  for (const step of ref.replace(/^#\/?/, "").split("/").filter(Boolean))
    found = isFields(found) ? found[step.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  if (!isFields(found)) return "value";
  const name = `ref-${ref.replace(/[^a-zA-Z0-9]+/g, "-")}x`;
  if (!state.rules.has(name)) {
    state.rules.set(name, "");
    state.rules.set(name, visit(state, found));
  }
  return name;
}

function merged(parts: readonly Schema[]): Schema {
  const fields = parts.flatMap(({ properties }) => (isFields(properties) ? Object.entries(properties) : []));
  const required = parts.flatMap((part) => (Array.isArray(part["required"]) ? part["required"] : []));
  return Object.assign({}, ...parts, { properties: Object.fromEntries(fields), required });
}

function textOf(schema: Schema): string {
  if (schema["minLength"] === undefined && schema["maxLength"] === undefined) return "text";
  return `"\\"" char${times(schema["minLength"], schema["maxLength"])} "\\""`;
}

function integerOf({ minimum, maximum }: Schema): string {
  if (typeof minimum === "number" && typeof maximum === "number" && maximum - minimum < 256) {
    const first = Math.ceil(minimum);
    const count = Math.floor(maximum) - first + 1;
    if (count > 0) return oneOf(Array.from({ length: count }, (_, at) => literal(String(first + at))));
  }
  return typeof minimum === "number" && minimum >= 0 ? "whole" : "integer";
}

function arrayOf(state: State, schema: Schema): string {
  const items = isFields(schema["items"]) ? visit(state, schema["items"]) : "value";
  const least = numberOr(schema["minItems"], 0);
  const most = numberOr(schema["maxItems"], Number.POSITIVE_INFINITY);
  if (most === 0) return literal("[]");
  const filled = `${group(items)} ("," ${group(items)})${times(Math.max(0, least - 1), most - 1)}`;
  return `"[" ${least > 0 ? filled : `(${filled})?`} "]"`;
}

function objectOf(state: State, schema: Schema): string {
  const properties = Object.entries(isFields(schema["properties"]) ? schema["properties"] : {});
  if (properties.length === 0) return schema["additionalProperties"] === false ? literal("{}") : "object";
  const required = new Set(Array.isArray(schema["required"]) ? schema["required"] : []);
  const pair = ([key, value]: readonly [string, unknown]) =>
    `${literal(`${JSON.stringify(key)}:`)} ${group(visit(state, isFields(value) ? value : {}))}`;
  const needed = properties.filter(([key]) => required.has(key)).map(pair);
  const free = properties.filter(([key]) => !required.has(key)).map(pair);
  const after = (pairs: readonly string[]) => pairs.map((one) => ` ("," ${one})?`).join("");
  const starts = free.map((one, at) => `${one}${after(free.slice(at + 1))}`);
  const inner =
    needed.length > 0 ? `${needed.join(' "," ')}${after(free)}` : starts.length > 0 ? `(${starts.join(" | ")})?` : "";
  return `"{" ${inner} "}"`;
}

function times(least: unknown, most: unknown): string {
  const from = Math.min(numberOr(least, 0), MOST);
  const to = numberOr(most, Number.POSITIVE_INFINITY);
  if (to <= MOST) return `{${Math.min(from, to)},${to}}`;
  return from === 0 ? "*" : `{${from},}`;
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" && value >= 0 ? value : otherwise;
}

function oneOf(choices: readonly string[]): string {
  return choices.length === 0 ? "value" : `(${choices.join(" | ")})`;
}

/** What is more than one word stands in brackets before it is repeated or joined. */
function group(body: string): string {
  return /^[\w-]+$/.test(body) ? body : `(${body})`;
}

function literal(text: string): string {
  const inner = text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
  return `"${inner}"`;
}
