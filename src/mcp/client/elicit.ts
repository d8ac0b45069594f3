/** A server's question to the person: a form is asked field by field, an address is shown and never opened. */
import type { ElicitRequest, ElicitResult } from "@modelcontextprotocol/client";
import { withoutHidden } from "../../base/invisible.ts";
import { checkSchema, isFields } from "../../base/json-schema.ts";
import { oneLine } from "../../base/text.ts";
import type { Human } from "../../core/ports/human.ts";

type Params = ElicitRequest["params"];
type Schema = Readonly<Record<string, unknown>>;

/** Fields of one form: a longer one is no question. */
const MOST_FIELDS = 50;
/** The server's words on one line, with nothing hidden in them. */
const plain = (text: string, most: number) => oneLine(withoutHidden(text), most);

const GO = ["answer", "decline"] as const;

/** With nobody there the answer is no. */
export async function elicit(server: string, params: Params, human: Human, signal: AbortSignal): Promise<ElicitResult> {
  if (!human.present) return { action: "decline" };
  const head = `MCP server ${server} asks: ${plain(params.message, 600)}`;
  if (params.mode === "url") {
    const text = `${head}\nOpen this address yourself, if you trust it: ${plain(params.url, 2_000)}`;
    const answer = await human.ask(text, ["done", "decline"], signal);
    return { action: answer === "done" ? "accept" : answer === undefined ? "cancel" : "decline" };
  }
  const first = await human.ask(head, GO, signal);
  if (first === undefined) return { action: "cancel" };
  if (first !== "answer") return { action: "decline" };
  return fill(params.requestedSchema, human, signal);
}

async function fill(schema: unknown, human: Human, signal: AbortSignal): Promise<ElicitResult> {
  const form = isFields(schema) ? schema : {};
  const fields = isFields(form["properties"]) ? form["properties"] : {};
  const required = Array.isArray(form["required"]) ? form["required"] : [];
  if (Object.keys(fields).length > MOST_FIELDS) return { action: "decline" };
  const content: Record<string, string | number | boolean | string[]> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (!isFields(field)) continue;
    const value = await askField({ name, field, required: required.includes(name) }, human, signal);
    if (value === CANCELLED) return { action: "cancel" };
    if (value !== undefined) content[name] = value as string;
  }
  return { action: "accept", content };
}

const CANCELLED = Symbol("cancelled");

interface Field {
  readonly name: string;
  readonly field: Schema;
  readonly required: boolean;
}

/** Asked until it fits; an empty answer is the default, or nothing where nothing is due. */
async function askField({ name, field, required }: Field, human: Human, signal: AbortSignal): Promise<unknown> {
  const about = [field["title"], field["description"]].filter((text) => typeof text === "string").join(": ");
  const standard = field["default"];
  const empty =
    standard === undefined ? (required ? "" : " (may be empty)") : ` (empty: ${plain(JSON.stringify(standard), 200)})`;
  let problem = "";
  for (;;) {
    const text = `${plain(name, 100)}${about === "" ? "" : `: ${plain(about, 300)}`}${empty}${problem}`;
    const answer = await human.ask(text, choicesOf(field), signal);
    if (answer === undefined) return CANCELLED;
    if (answer === "" && (standard !== undefined || !required)) return standard;
    const list = field["type"] === "array" ? answer.split(",").map((each) => each.trim()) : answer;
    const { value, problems } = checkSchema(field, list);
    if (problems.length === 0) return value;
    problem = `\n${plain(problems[0] ?? "", 300)}`;
  }
}

function choicesOf(field: Schema): string[] {
  if (field["type"] === "boolean") return ["true", "false"];
  return Array.isArray(field["enum"]) ? field["enum"].map(String) : [];
}
