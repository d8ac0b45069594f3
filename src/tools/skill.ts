/** Loads a skill: its text, and files beside it when they are asked for. */
import * as z from "zod/mini";
import { defineTool, failedResult } from "../core/tool.ts";
import { need } from "./lib/hands.ts";

export default defineTool({
  name: "skill",
  summary: "Load the text of a skill by its name; with `file` a file beside it.",
  input: z.strictObject({ name: z.string(), file: z.optional(z.string()) }),
  effects: ["session"],
  parallel: true,
  timeoutMs: 5_000,
  run: async ({ name, file }, hands) => {
    const { skill } = need(hands, "session");
    if (!skill) return failedResult("there are no skills here");
    const { text, files, label } = await skill({ name, ...(file === undefined ? {} : { file }) });
    const beside = files.length === 0 ? "" : `\n\n[files beside it, by \`file\`: ${files.join(", ")}]`;
    return { parts: [{ type: "text", text: `${text}${beside}` }], failed: false, label, details: { skill: name } };
  },
});
