/** Finds lines by regular expression. */
import * as z from "zod/mini";
import type { GrepMatch } from "../core/ports/hands.ts";
import { defineTool, textResult } from "../core/tool.ts";
import { need } from "./lib/hands.ts";

const LIMIT = 200;

export default defineTool({
  name: "grep",
  summary: "Search file contents by regex (ripgrep).",
  input: z.strictObject({
    pattern: z.string(),
    path: z.optional(z.string()),
    glob: z.optional(z.string()),
    ignoreCase: z.optional(z.boolean()),
    context: z.optional(z.number()),
    filesOnly: z.optional(z.boolean()),
  }),
  effects: ["read"],
  parallel: true,
  timeoutMs: 30_000,
  run: async (input, hands, signal) => {
    const query = {
      pattern: input.pattern,
      path: input.path ?? ".",
      ...(input.glob === undefined ? {} : { glob: input.glob }),
      ignoreCase: input.ignoreCase ?? false,
      context: Math.min(20, Math.max(0, Math.floor(input.context ?? 0))),
      limit: LIMIT,
      filesOnly: input.filesOnly ?? false,
    };
    const { matches, truncated } = await need(hands, "search").grep(query, signal);
    const count = matches.filter((match) => !match.context).length;
    if (count === 0) return textResult("no matches", { count });
    const more = truncated ? `\n(more than ${LIMIT}; narrow the search)` : "";
    return textResult((query.filesOnly ? matches.map((match) => match.path).join("\n") : grouped(matches)) + more, {
      count,
      truncated,
    });
  },
});

/** Matches under their file's name; `-` marks lines of context. */
function grouped(matches: readonly GrepMatch[]): string {
  const lines: string[] = [];
  let path = "";
  let last = 0;
  for (const match of matches) {
    if (match.path !== path) lines.push(...(path === "" ? [] : [""]), match.path);
    else if (match.line > last + 1 && matches.some((other) => other.context)) lines.push("--");
    path = match.path;
    last = match.line;
    lines.push(`${match.line}${match.context ? "-" : ":"}${match.text}`);
  }
  return lines.join("\n");
}
