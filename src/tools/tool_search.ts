/** Finds tools that are not in the first tools array. */
import * as z from "zod/mini";
import { EXTERNAL_LABEL } from "../core/label.ts";
import { defineTool, textResult } from "../core/tool.ts";
import { need } from "./lib/hands.ts";

export default defineTool({
  name: "tool_search",
  summary: "Find more tools by keywords.",
  input: z.strictObject({ query: z.string() }),
  effects: ["session"],
  parallel: true,
  // A foreign server that was never seen is started and asked for its list.
  timeoutMs: 60_000,
  run: async (input, hands, signal) => {
    const found = await need(hands, "deferred").search(input.query, signal);
    if (found.length === 0) return textResult("no tools match", { count: 0 });
    const text = found.map(({ foreign: _theirs, ...tool }) => JSON.stringify(tool)).join("\n");
    const result = textResult(text, { count: found.length });
    return found.some(({ foreign }) => foreign) ? { ...result, label: EXTERNAL_LABEL } : result;
  },
});
