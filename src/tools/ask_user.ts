/** Asks the person at the terminal. */
import * as z from "zod/mini";
import { defineTool, failedResult, textResult } from "../core/tool.ts";
import { need } from "./lib/hands.ts";

export default defineTool({
  name: "ask_user",
  summary: "Ask the user when you cannot decide yourself.",
  input: z.strictObject({ question: z.string(), options: z.optional(z.array(z.string())) }),
  effects: ["human"],
  parallel: false,
  timeoutMs: 24 * 3_600_000,
  run: async (input, hands, signal) => {
    const answer = await need(hands, "human").ask(input.question, input.options ?? [], signal);
    if (answer === undefined)
      return failedResult("nobody is there to answer; decide yourself and say what you assumed");
    return textResult(answer);
  },
});
