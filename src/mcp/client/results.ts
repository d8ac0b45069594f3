/** What a server answered, as parts for the model: text without hidden characters, images, words for everything else. */
import type { CallToolResult, ContentBlock, ReadResourceResult } from "@modelcontextprotocol/client";
import { withoutHidden } from "../../base/invisible.ts";
import { byteLength, clipMiddle } from "../../base/text.ts";
import { EXTERNAL_LABEL } from "../../core/label.ts";
import type { ImagePart, TextPart } from "../../core/message.ts";
import type { ToolResult } from "../../core/tool.ts";

/** Text that goes to the model (bytes); all of it is kept in a file. */
const MAX_BYTES = 30_000;
/** Base64 characters of one image. */
const MAX_IMAGE = 5 * 1024 * 1024;
const MAX_IMAGES = 8;

type Spill = (text: string) => string;
export type Part = TextPart | ImagePart;

/** Labelled external: whatever it says, nobody here said it. */
export function toolResult(result: CallToolResult, spill: Spill): ToolResult {
  const { content = [], structuredContent, isError = false } = result;
  const parts = partsOf(content);
  if (parts.length === 0 && structuredContent !== undefined)
    parts.push({ type: "text", text: withoutHidden(JSON.stringify(structuredContent)) });
  if (parts.length === 0) parts.push({ type: "text", text: "(no content)" });
  return bounded(parts, isError, spill);
}

export function resourceResult(result: ReadResourceResult, spill: Spill): ToolResult {
  const parts = result.contents.map((each) => resourceText(each));
  return bounded(parts.length > 0 ? parts : [{ type: "text", text: "(empty)" }], false, spill);
}

/** A text of a server's, cut to what the model reads. */
export function boundedText(text: string, spill: Spill): ToolResult {
  return bounded([{ type: "text", text: withoutHidden(text) }], false, spill);
}

function bounded(parts: readonly Part[], failed: boolean, spill: Spill): ToolResult {
  const texts = parts.filter((part) => part.type === "text").map(({ text }) => text);
  const images = parts.filter((part) => part.type === "image").slice(0, MAX_IMAGES);
  const whole = texts.join("\n");
  const bytes = byteLength(whole);
  if (bytes <= MAX_BYTES) return { parts: [...textPart(whole), ...images], failed, label: EXTERNAL_LABEL };
  const place = spill(whole);
  const text = `${clipMiddle(whole, MAX_BYTES)}\n[all ${bytes} bytes are in ${place}]`;
  const details = { bytes, truncated: true, spill: place };
  return { parts: [{ type: "text", text }, ...images], failed, label: EXTERNAL_LABEL, details };
}

function textPart(text: string): TextPart[] {
  return text === "" ? [] : [{ type: "text", text }];
}

/** The parts of a message or result. */
export function partsOf(content: readonly ContentBlock[]): Part[] {
  return content.map((block): Part => {
    switch (block.type) {
      case "text":
        return { type: "text", text: withoutHidden(block.text) };
      case "image":
        return imagePart(block.mimeType, block.data);
      case "audio":
        return { type: "text", text: `[audio ${tidy(block.mimeType)}, ${block.data.length} characters: not played]` };
      case "resource_link":
        return { type: "text", text: `[resource ${tidy(block.uri)}: ${tidy(block.name)}]` };
      case "resource":
        return resourceText(block.resource);
      default:
        return { type: "text", text: "[content of an unknown kind]" };
    }
  });
}

function imagePart(mediaType: string, data: string): Part {
  const fits = /^image\/(?:png|jpeg|gif|webp)$/.test(mediaType) && data.length <= MAX_IMAGE;
  if (fits && /^[A-Za-z0-9+/]+=*$/.test(data)) return { type: "image", mediaType, data };
  return { type: "text", text: `[image ${tidy(mediaType)}, ${data.length} characters: not shown]` };
}

function resourceText(resource: ReadResourceResult["contents"][number]): Part {
  const { uri, mimeType = "" } = resource;
  if ("text" in resource && typeof resource.text === "string")
    return { type: "text", text: `[resource ${tidy(uri)}]\n${withoutHidden(resource.text)}` };
  const blob = "blob" in resource ? String(resource.blob) : "";
  if (mimeType.startsWith("image/")) return imagePart(mimeType, blob);
  return { type: "text", text: `[resource ${tidy(uri)}: ${blob.length} characters of ${tidy(mimeType) || "bytes"}]` };
}

function tidy(text: string): string {
  return withoutHidden(text).replace(/\s+/g, " ").slice(0, 300);
}
