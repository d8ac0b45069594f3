/** Writes a whole file, atomically; an existing one must have been read as it is now. */
import * as z from "zod/mini";
import { CrucibleError } from "../base/error.ts";
import { showDiff } from "../base/show-diff.ts";
import { plural } from "../base/text.ts";
import type { FileContent, FileHands } from "../core/ports/hands.ts";
import { defineTool, failedResult, textResult } from "../core/tool.ts";
import { need } from "./lib/hands.ts";
import { problemsText } from "./lib/problems.ts";
import { refuseStale } from "./lib/stale.ts";
import { decodeText } from "./lib/text-file.ts";

export default defineTool({
  name: "write",
  summary: "Create or replace a file. Read an existing one first.",
  input: z.strictObject({ path: z.string(), content: z.string() }),
  effects: ["read", "write"],
  parallel: false,
  timeoutMs: 20_000,
  run: async (input, hands, signal) => {
    const files = need(hands, "files");
    const old = await existing(files, input.path);
    if (old && files.lastSeen(old.path) === undefined)
      return failedResult(`${old.path} exists; read it before you replace it`, { path: old.path });
    const stale = old && (await refuseStale(files, old));
    if (stale) return stale;
    const before = old ? decodeText(old.bytes) : undefined;
    const content = `${before?.bom ?? ""}${keepEol(input.content, before?.text)}`;
    const change = await need(hands, "fileWrites").write(input.path, Buffer.from(content), old?.hash ?? null);
    const shown = await showDiff(before?.text ?? "", content.slice(before?.bom.length ?? 0));
    const verb = old ? "replaced" : "created";
    const wrong = await problemsText(hands, { path: change.path, text: content }, signal);
    const errors = wrong.count > 0 ? { errors: wrong.count } : {};
    const details = { path: change.path, ...shown, before: change.before, after: change.after, ...errors };
    return textResult(
      `${verb} ${change.path} (${plural(content.split("\n").length - (content.endsWith("\n") ? 1 : 0), "line")})${wrong.text}`,
      details,
    );
  },
});

async function existing(files: FileHands, path: string): Promise<FileContent | undefined> {
  try {
    return await files.read(path);
  } catch (error) {
    if (CrucibleError.isInstance(error) && error.fault.code === "file-missing") return undefined;
    throw error;
  }
}

/** A file that had only CRLF line ends keeps them when the model wrote only LF. */
function keepEol(content: string, before: string | undefined): string {
  if (before === undefined || content.includes("\r\n") || !before.includes("\r\n")) return content;
  return /(^|[^\r])\n/.test(before) ? content : content.replaceAll("\n", "\r\n");
}
