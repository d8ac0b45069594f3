/** What an editor sends as a prompt, as what the person said: words, pictures, buffers and files. */
import { fileURLToPath } from "node:url";
import type { ContentBlock } from "@agentclientprotocol/sdk";
import { CrucibleError } from "../base/error.ts";
import { fenced } from "../base/fenced.ts";
import { EXTERNAL_LABEL, WORKSPACE_LABEL } from "../core/label.ts";
import type { ImagePart, TextPart } from "../core/message.ts";
import type { LiveSession } from "../core/ports/app.ts";

export type Live = Pick<LiveSession, "own" | "workspace">;

/** A file that is only named is read as the person would read it: through the gate. Throws `bad-input`. */
export async function saidOf(
  blocks: readonly ContentBlock[],
  live: Live,
  signal: AbortSignal,
): Promise<readonly (TextPart | ImagePart)[]> {
  const parts: (TextPart | ImagePart)[] = [];
  for (const block of blocks) parts.push(await partOf(block, live, signal));
  return parts;
}

/** The words alone, before there is a session. */
export function wordsIn(blocks: readonly ContentBlock[]): string {
  return blocks.map((block) => (block.type === "text" ? block.text : "")).join("");
}

async function partOf(block: ContentBlock, live: Live, signal: AbortSignal): Promise<TextPart | ImagePart> {
  switch (block.type) {
    case "text":
      return { type: "text", text: block.text };
    case "image":
      return { type: "image", mediaType: block.mimeType, data: block.data };
    case "resource_link": {
      const path = pathOf(block.uri);
      if (path === undefined) return { type: "text", text: `[${block.name}: ${block.uri}]\n`, label: EXTERNAL_LABEL };
      return live.own({ tool: "read", input: { path } }, signal);
    }
    case "resource":
      return embedded(block.resource, live);
    default:
      throw new CrucibleError("bad-input", `a prompt cannot hold ${block.type}`, { hint: "text, images and files" });
  }
}

type Resource = Extract<ContentBlock, { type: "resource" }>["resource"];

/** A buffer of the editor: what it holds may not be on disk yet. */
function embedded(resource: Resource, { workspace }: Live): TextPart | ImagePart {
  const { uri } = resource;
  if ("blob" in resource) {
    const mediaType = resource.mimeType ?? "";
    if (mediaType.startsWith("image/")) return { type: "image", mediaType, data: resource.blob };
    throw new CrucibleError("bad-input", `${uri} is no text and no image`, { hint: "leave it out" });
  }
  const path = pathOf(uri);
  const inside = path?.startsWith(`${workspace}/`) ?? false;
  const name = (path ?? uri).replaceAll(/["<>\n\r]/g, " ");
  return {
    type: "text",
    text: `<file path="${name}">\n${fenced(resource.text, ["file"])}\n</file>\n`,
    label: inside ? WORKSPACE_LABEL : EXTERNAL_LABEL,
  };
}

function pathOf(uri: string): string | undefined {
  try {
    return uri.startsWith("file:") ? fileURLToPath(uri) : undefined;
  } catch {
    return undefined;
  }
}
