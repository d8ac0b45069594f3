/** Fetches one public page as text. */
import * as z from "zod/mini";
import { clipMiddle } from "../base/text.ts";
import { defineTool, failedResult } from "../core/tool.ts";
import { need } from "./lib/hands.ts";

const MAX_CHARS = 40_000;

export default defineTool({
  name: "web_fetch",
  summary: "Fetch a web page as text.",
  input: z.strictObject({ url: z.string() }),
  effects: ["net"],
  parallel: true,
  timeoutMs: 30_000,
  run: async (input, hands, signal) => {
    const page = await need(hands, "net").get(input.url, signal);
    const details = { url: page.url, status: page.status, contentType: page.contentType };
    const text = clipMiddle(page.body, MAX_CHARS);
    if (page.status >= 400) return failedResult(`${page.url} answered ${page.status}\n${text.slice(0, 2000)}`, details);
    return {
      parts: [{ type: "text", text }],
      failed: false,
      details,
      label: { integrity: "external", confidentiality: "public" },
    };
  },
});
