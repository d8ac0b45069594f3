/** Reads skills, commands and agents from Markdown with front matter, as leniently as other agents do. Pure. */
import { parseDocument } from "yaml";
import { splitFrontMatter } from "../base/front-matter.ts";
import { oneLine } from "../base/text.ts";
import type { CustomAgent, CustomCommand, ExtensionKind, ExtensionOrigin, Skill } from "../core/ports/extensions.ts";

/** One file as it was found. */
export interface ExtensionText {
  readonly kind: ExtensionKind;
  /** From its path: `deploy`, `git:pr`. */
  readonly name: string;
  readonly file: string;
  readonly folder: string;
  readonly origin: ExtensionOrigin;
  readonly text: string;
}

const MOST_DESCRIPTION = 200;
const NAME = /^[\p{L}\d][\p{L}\d:._-]{0,63}$/u;

type Read<T> = T | { readonly problem: string };

export function readSkill(source: ExtensionText): Read<Skill> {
  const { head, body, base } = parts(source);
  if (typeof base === "string") return { problem: base };
  if (base.description === "") return { problem: `${source.file}: a skill needs a description in its front matter` };
  if (head["disable-model-invocation"] === true) return { ...base, description: "", folder: source.folder, body };
  return { ...base, folder: source.folder, body };
}

export function readCommand(source: ExtensionText): Read<CustomCommand> {
  const { head, body, base } = parts({ ...source, text: source.text });
  if (typeof base === "string") return { problem: base };
  const only = listOf(head["allowed-tools"] ?? head["tools"]);
  const hint = head["argument-hint"];
  return {
    ...base,
    name: source.name,
    description: base.description || oneLine(body.replace(/^#+\s*/, ""), 80),
    hint: Array.isArray(hint) ? hint.map((each) => `[${String(each)}]`).join(" ") : oneLine(String(hint ?? ""), 80),
    ...(only === undefined ? {} : { only }),
    ...modelOf(head),
    body,
  };
}

export function readAgent(source: ExtensionText): Read<CustomAgent> {
  const { head, body, base } = parts(source);
  if (typeof base === "string") return { problem: base };
  if (body === "") return { problem: `${source.file}: there is nothing below the front matter` };
  const only = listOf(head["tools"]);
  return { ...base, ...(only === undefined ? {} : { only }), ...modelOf(head), prompt: body };
}

function parts(source: ExtensionText) {
  const split = splitFrontMatter(source.text);
  const head = split ? fieldsOf(split.head) : {};
  const body = split ? split.body : source.text.replace(/^\ufeff/, "").trim();
  const name = typeof head["name"] === "string" && head["name"].trim() !== "" ? head["name"].trim() : source.name;
  const description = oneLine(String(head["description"] ?? ""), MOST_DESCRIPTION);
  const base = NAME.test(name)
    ? { name, description, origin: source.origin, file: source.file }
    : `${source.file}: ${JSON.stringify(oneLine(name, 40))} is no name: letters, digits and - _ . :`;
  return { head, body, base };
}

/** YAML; where that fails, lines of `key: value` as they stand: other agents take those too. */
function fieldsOf(head: string): Readonly<Record<string, unknown>> {
  try {
    const document = parseDocument(head, { schema: "core" });
    // What YAML half understands would lose keys, and with them limits.
    const value: unknown = document.errors.length === 0 ? document.toJS({ maxAliasCount: 0 }) : undefined;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Not YAML: read line by line below.
  }
  const lines = head.split("\n").map((line) => /^([A-Za-z][\w-]*):[ \t]*(.*)$/.exec(line));
  return Object.fromEntries(lines.flatMap((match) => (match ? [[match[1] ?? "", (match[2] ?? "").trim()]] : [])));
}

/** `Read, Bash(git *)` or a YAML list; `*` alone is no list. An empty list allows nothing. */
function listOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null || value === "*") return undefined;
  const texts = Array.isArray(value) ? value.map(String) : (String(value).match(/[^,()\s]+(?:\([^)]*\))?/g) ?? []);
  return texts.map((text) => text.trim()).filter((text) => text !== "");
}

/** Names of models elsewhere (`sonnet`, `inherit`) name none here. */
function modelOf(head: Readonly<Record<string, unknown>>): { model?: string } {
  const { model } = head as { model?: unknown };
  return typeof model === "string" && model.includes("/") ? { model } : {};
}
