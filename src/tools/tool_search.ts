/** Finds tools that are not in the first tools array. */
import * as z from "zod/mini";
import { defineTool, textResult } from "../core/tool.ts";
import { need } from "./lib/hands.ts";

export default defineTool({
  name: "tool_search",
  summary: "Find more tools by keywords.",
  input: z.strictObject({ query: z.string() }),
  effects: ["session"],
  parallel: true,
  timeoutMs: 5_000,
  run: async (input, hands) => {
    const found = need(hands, "deferred").search(input.query);
    if (found.length === 0) return textResult("no tools match", { count: 0 });
    return textResult(found.map((tool) => JSON.stringify(tool)).join("\n"), { count: found.length });
  },
});
