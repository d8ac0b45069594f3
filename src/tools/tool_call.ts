/** Carries a call of a found tool: the gate judges and runs the inner call, never this body. */
import * as z from "zod/mini";
import { defineTool, failedResult } from "../core/tool.ts";

export default defineTool({
  name: "tool_call",
  summary: "Run a tool found by tool_search.",
  input: z.strictObject({ name: z.string(), input: z.record(z.string(), z.unknown()) }),
  effects: [],
  parallel: false,
  timeoutMs: 60_000,
  run: async (input) => failedResult(`no such tool: ${input.name}`),
});
