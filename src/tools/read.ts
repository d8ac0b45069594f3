/** Reads a file with line numbers, an image as it is, a folder as a list. */
import * as z from "zod/mini";
import { CrucibleError } from "../base/error.ts";
import { nearest, plural } from "../base/text.ts";
import type { FileContent, FileHands } from "../core/ports/hands.ts";
import { defineTool, failedResult, type ToolResult, textResult } from "../core/tool.ts";
import { need } from "./lib/hands.ts";
import { decodeText, imageType } from "./lib/text-file.ts";

const MAX_LINES = 2000;
const MAX_CHARS = 60_000;
const MAX_LINE = 2000;
const MAX_IMAGE = 5 * 1024 * 1024;

interface Range {
  readonly offset?: number | undefined;
  readonly limit?: number | undefined;
}

export default defineTool({
  name: "read",
  summary: "Read a text file (numbered lines), image or folder.",
  input: z.strictObject({
    path: z.string(),
    offset: z.optional(z.number().check(z.describe("first line, from 1"))),
    limit: z.optional(z.number()),
  }),
  effects: ["read"],
  parallel: true,
  timeoutMs: 20_000,
  run: async (input, hands) => {
    const files = need(hands, "files");
    try {
      const file = await files.read(input.path);
      files.markSeen(file.path, file.hash);
      return show(file, input);
    } catch (error) {
      if (!CrucibleError.isInstance(error)) throw error;
      if (error.fault.message.endsWith("is a directory")) return listFolder(files, input.path);
      if (error.fault.code === "file-missing")
        return failedResult(`${error.fault.message}${await suggestion(files, input.path)}`);
      throw error;
    }
  },
});

function show(file: FileContent, range: Range): ToolResult {
  const details = { path: file.path, hash: file.hash };
  const mediaType = imageType(file.bytes);
  if (mediaType !== undefined) {
    if (file.bytes.length > MAX_IMAGE) return failedResult(`${file.path} is an image larger than 5 MiB`);
    const data = Buffer.from(file.bytes).toString("base64");
    return { parts: [{ type: "image", mediaType, data }], failed: false, details };
  }
  const decoded = decodeText(file.bytes);
  if (!decoded)
    return failedResult(`${file.path} is binary (${file.bytes.length} bytes); it cannot be shown`, { path: file.path });
  if (decoded.text === "") return textResult("(empty file)", details);
  return numbered(file, decoded.text, range);
}

function numbered(file: FileContent, text: string, range: Range): ToolResult {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  const first = Math.max(1, Math.floor(range.offset ?? 1));
  if (first > lines.length) return failedResult(`${file.path} has only ${plural(lines.length, "line")}`);
  const wanted = lines.slice(first - 1, first - 1 + Math.max(1, Math.floor(range.limit ?? MAX_LINES)));
  const shown: string[] = [];
  let size = 0;
  for (const [index, line] of wanted.entries()) {
    const cut = line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}… (${line.length} characters)` : line;
    size += cut.length + 8;
    if (size > MAX_CHARS) break;
    shown.push(`${String(first + index).padStart(5)}\t${cut}`);
  }
  const last = first + shown.length - 1;
  const rest = last < lines.length && !(range.limit !== undefined && shown.length === wanted.length);
  const note = rest ? `\n(${lines.length - last} more lines; continue with offset ${last + 1})` : "";
  return textResult(shown.join("\n") + note, { path: file.path, hash: file.hash, lines: lines.length, first, last });
}

async function listFolder(files: FileHands, path: string): Promise<ToolResult> {
  const names = await files.list(path);
  const shown = names.slice(0, MAX_LINES).join("\n");
  const more = names.length > MAX_LINES ? `\n(${names.length - MAX_LINES} more)` : "";
  return textResult(names.length === 0 ? "(empty folder)" : shown + more, { path, entries: names.length });
}

/** Names the nearest file of the same folder, if it can be looked into. */
async function suggestion(files: FileHands, path: string): Promise<string> {
  const slash = path.lastIndexOf("/");
  const folder = slash < 0 ? "." : path.slice(0, slash) || "/";
  const names = await files.list(folder).catch(() => []);
  const near = nearest(path.slice(slash + 1), names);
  return near === undefined ? "" : `; did you mean ${slash < 0 ? near : `${folder}/${near}`}?`;
}
