/** Tools as the model sees them, and the search over those that are not in the tools array. */
import * as z from "zod/mini";
import type { ToolDeclaration } from "../core/model.ts";
import type { FoundTool } from "../core/ports/hands.ts";
import type { Tool } from "../core/tool.ts";

/** Put in by scripts/build.ts: what `schemaOf` makes of our own tools, by name; making them takes 4 ms at start. */
declare const BUILT_SCHEMAS: Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A schema never changes. */
const made = new WeakMap<Tool, ToolDeclaration>();

/** Name, summary and a lean JSON Schema; the same object for the same tool. */
export function declare(tool: Tool): ToolDeclaration {
  let declaration = made.get(tool);
  if (!declaration && tool.foreign) {
    declaration = { name: tool.name, description: tool.summary, parameters: tool.foreign.parameters };
    made.set(tool, declaration);
  }
  if (!declaration) {
    const built = typeof BUILT_SCHEMAS === "undefined" ? undefined : BUILT_SCHEMAS[tool.name];
    declaration = { name: tool.name, description: tool.summary, parameters: built ?? schemaOf(tool) };
    made.set(tool, declaration);
  }
  return declaration;
}

/** The tool's input as a lean JSON Schema. */
export function schemaOf(tool: Tool): Record<string, unknown> {
  return lean(z.toJSONSchema(tool.input as unknown as z.ZodMiniType, { io: "input" })) as Record<string, unknown>;
}

/** Leaves out what costs tokens and tells a model nothing. */
function lean(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(lean);
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).filter(
    ([key, value]) =>
      key !== "$schema" &&
      !(key === "additionalProperties" && value === false) &&
      !(
        (key === "maximum" && value === Number.MAX_SAFE_INTEGER) ||
        (key === "minimum" && value === Number.MIN_SAFE_INTEGER)
      ),
  );
  return Object.fromEntries(entries.map(([key, value]) => [key, lean(value)]));
}

/** Its index is a line of the thread where there is something to load. */
const UNLISTED: ReadonlySet<string> = new Set(["skill"]);

/** The search tool's description ends with one line that names what can be found. */
export function withIndex(search: ToolDeclaration, deferred: readonly Tool[]): ToolDeclaration {
  const names = deferred.map((tool) => tool.name).filter((name) => !UNLISTED.has(name));
  if (names.length === 0) return search;
  return {
    ...search,
    description: `${search.description} Available: ${names.join(", ")}.`,
  };
}

/** Deferred tools whose name or summary has a word of `query`, best match first; all for an empty query. */
export function searchDeferred(tools: readonly Tool[], query: string): FoundTool[] {
  const words = query
    .toLowerCase()
    .split(/\W+/)
    .filter((word) => word.length > 1);
  const scored = tools.map((tool) => {
    const text = `${tool.name} ${tool.summary}`.toLowerCase();
    return { tool, score: words.filter((word) => text.includes(word)).length };
  });
  const found = scored
    .filter(({ score }) => words.length === 0 || score > 0)
    .sort((a, b) => b.score - a.score || (a.tool.name < b.tool.name ? -1 : 1));
  return found.slice(0, 8).map(({ tool }) => ({
    name: tool.name,
    summary: tool.summary,
    parameters: declare(tool).parameters,
    ...(tool.foreign ? { foreign: true } : {}),
  }));
}
