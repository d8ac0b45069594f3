/** Finds files by name. */
import * as z from "zod/mini";
import { defineTool, textResult } from "../core/tool.ts";
import { need } from "./lib/hands.ts";

const LIMIT = 200;

export default defineTool({
  name: "glob",
  summary: "Find files by pattern, newest first.",
  input: z.strictObject({ pattern: z.string(), path: z.optional(z.string()) }),
  effects: ["read"],
  parallel: true,
  timeoutMs: 30_000,
  run: async (input, hands, signal) => {
    const found = await need(hands, "search").glob(
      { pattern: input.pattern, path: input.path ?? ".", limit: LIMIT },
      signal,
    );
    if (found.paths.length === 0) return textResult("no files match", { count: 0 });
    const more = found.truncated ? `\n(more than ${LIMIT}; narrow the pattern)` : "";
    return textResult(found.paths.join("\n") + more, { count: found.paths.length, truncated: found.truncated });
  },
});
