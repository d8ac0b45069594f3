/** Hands a question to a sub-agent that reads on its own: only its answer comes back into the context. */
import * as z from "zod/mini";
import { defineTool, failedResult, textResult } from "../core/tool.ts";
import { need } from "./lib/hands.ts";

export default defineTool({
  name: "task",
  summary:
    "Give a piece of research to a sub-agent with a context of its own. It reads and searches here, changes nothing, and answers once; say all it must know in `prompt`.",
  input: z.strictObject({ title: z.string(), prompt: z.string(), agent: z.optional(z.string()) }),
  effects: ["agents"],
  parallel: false,
  timeoutMs: 30 * 60_000,
  run: async ({ title, prompt, agent }, hands, signal) => {
    if (!hands.subAgent) return failedResult("a sub-agent cannot hand work on: do it yourself");
    const order = { title, prompt, ...(agent === undefined ? {} : { agent }) };
    const { text, problem, requests, tokens } = await need(hands, "subAgent").work(order, signal);
    const details = { title, modelRequests: requests, modelTokens: tokens };
    if (problem !== undefined) return failedResult(text === "" ? problem : `${problem}\n${text}`, details);
    return textResult(text, details);
  },
});
