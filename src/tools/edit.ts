/** Replaces text in a file: several edits, one atomic write, never a guess between two places. */
import * as z from "zod/mini";
import { showDiff } from "../base/show-diff.ts";
import { plural } from "../base/text.ts";
import { defineTool, failedResult, textResult } from "../core/tool.ts";
import { editText } from "./lib/edit-text.ts";
import { need } from "./lib/hands.ts";
import { problemsText } from "./lib/problems.ts";
import { refuseStale } from "./lib/stale.ts";
import { decodeText } from "./lib/text-file.ts";

export default defineTool({
  name: "edit",
  summary: "Replace text in a file. Each `old` must match exactly one place, unless `all`.",
  input: z.strictObject({
    path: z.string(),
    edits: z
      .array(z.strictObject({ old: z.string(), new: z.string(), all: z.optional(z.boolean()) }))
      .check(z.minLength(1)),
  }),
  effects: ["read", "write"],
  parallel: false,
  timeoutMs: 20_000,
  run: async (input, hands, signal) => {
    const files = need(hands, "files");
    const file = await files.read(input.path);
    const stale = await refuseStale(files, file);
    if (stale) return stale;
    const decoded = decodeText(file.bytes);
    if (!decoded) return failedResult(`${file.path} is not UTF-8 text; it cannot be edited`, { path: file.path });
    const outcome = editText(decoded.text, input.edits);
    if (!outcome.ok) {
      const which = input.edits.length > 1 ? `edit ${outcome.index + 1} of ${input.edits.length}: ` : "";
      return failedResult(`${file.path} is unchanged. ${which}${outcome.problem}`, { path: file.path });
    }
    const change = await need(hands, "fileWrites").write(
      input.path,
      Buffer.from(decoded.bom + outcome.text),
      file.hash,
    );
    const shown = await showDiff(decoded.text, outcome.text);
    const note = outcome.stages.includes("fuzzy")
      ? `. \`old\` did not match exactly; check what changed:\n${shown.diff}`
      : "";
    const text = `edited ${change.path}: ${plural(input.edits.length, "edit")}, +${shown.added} -${shown.removed}${note}`;
    const wrong = await problemsText(hands, { path: change.path, text: outcome.text }, signal);
    return textResult(`${text}${wrong.text}`, {
      path: change.path,
      ...shown,
      before: change.before,
      after: change.after,
      stages: outcome.stages,
      ...(wrong.count > 0 ? { errors: wrong.count } : {}),
    });
  },
});
