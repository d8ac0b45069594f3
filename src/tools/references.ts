/** Asks the language server where a name is used. */
import * as z from "zod/mini";
import { defineTool } from "../core/tool.ts";
import { askForName } from "./lib/names.ts";

export default defineTool({
  name: "references",
  summary: "Every place where a name is used, by the language server. `line` of `path` holds the `name`.",
  input: z.strictObject({
    path: z.string(),
    line: z.int().check(z.positive()),
    name: z.string().check(z.minLength(1)),
  }),
  effects: ["read"],
  parallel: true,
  timeoutMs: 60_000,
  run: (input, hands, signal) => askForName(input, { hands, signal, ask: "references" }),
});
