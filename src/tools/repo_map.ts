/** Shows what matters in a repository: its most used files and their signatures. */
import * as z from "zod/mini";
import { defineTool, textResult } from "../core/tool.ts";
import { need } from "./lib/hands.ts";
import { outline } from "./lib/outline.ts";

const TOKENS = 1500;
const MOST_TOKENS = 8000;
/** Enough files to fill the largest outline. */
const MOST_FILES = 400;

export default defineTool({
  name: "repo_map",
  summary:
    "Outline of the code: the most used files with their signatures, ranked by who uses whom. `focus` ranks for file paths or words; `tokens` bounds the answer.",
  input: z.strictObject({
    path: z.optional(z.string()),
    focus: z.optional(z.array(z.string())),
    tokens: z.optional(z.number()),
  }),
  effects: ["read"],
  parallel: true,
  timeoutMs: 120_000,
  run: async ({ path, focus, tokens }, hands, signal) => {
    const query = { path: path ?? ".", focus: (focus ?? []).slice(0, 20), most: MOST_FILES };
    const map = await need(hands, "repository").map(query, signal);
    const { ranked, cached } = map;
    if (ranked === 0) return textResult(`no definitions found below ${map.root}`, { ranked, cached });
    const { text, shown } = outline(map, Math.min(MOST_TOKENS, Math.max(100, Math.floor(tokens ?? TOKENS))));
    const more = map.truncated ? "; there are too many files to rank them all" : "";
    return textResult(`${map.root} (${shown} of ${ranked} files with definitions${more})\n${text}`, {
      ranked,
      cached,
      shown,
    });
  },
});
