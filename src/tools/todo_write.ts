/** Keeps the plan of the work where the person sees it. */
import * as z from "zod/mini";
import { defineTool, textResult } from "../core/tool.ts";
import { need } from "./lib/hands.ts";

export default defineTool({
  name: "todo_write",
  summary: "Set the task list.",
  input: z.strictObject({
    todos: z.array(z.strictObject({ text: z.string(), status: z.enum(["pending", "in_progress", "done"]) })),
  }),
  effects: ["session"],
  parallel: false,
  timeoutMs: 5_000,
  run: async (input, hands) => {
    need(hands, "session").setTodos(input.todos);
    const done = input.todos.filter((todo) => todo.status === "done").length;
    return textResult(`${done} of ${input.todos.length} done`, { done, total: input.todos.length });
  },
});
