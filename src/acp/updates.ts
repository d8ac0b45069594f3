/** What happens in a session, in the words of the Agent Client Protocol: a fold over events, live or stored. */
import { resolve } from "node:path";
import type { SessionUpdate, ToolCallContent, ToolKind } from "@agentclientprotocol/sdk";
import { oneLine } from "../base/text.ts";
import type { Event, EventOf } from "../core/event.ts";
import type { ImagePart, TextPart } from "../core/message.ts";
import { councilWords, reviewWords, spiralWords } from "../core/report-text.ts";
import { workStep } from "../core/work-step.ts";
import { hunksOf } from "./diffs.ts";

const KINDS: Readonly<Record<string, ToolKind>> = {
  ...{ read: "read", read_untrusted: "read", edit: "edit", write: "edit", shell: "execute", web_fetch: "fetch" },
  ...{ glob: "search", grep: "search", repo_map: "search", tool_search: "search", todo_write: "think", task: "think" },
};
/** Characters of a running command's output that are shown; they are sent this often at most (milliseconds). */
const TAIL = 8_000;
const EVERY_MS = 150;
/** Characters of a result. */
const MOST_SHOWN = 30_000;

export interface Updates {
  take(event: Event): readonly SessionUpdate[];
  /** Whether words of the model were shown since this was last asked. */
  spoke(): boolean;
}

export interface UpdateOptions {
  readonly workspace: string;
  /** Stored events: whole messages instead of what streamed. */
  readonly stored: boolean;
}

export function createUpdates({ workspace, stored }: UpdateOptions): Updates {
  const running = new Map<string, { text: string; sentAt: number }>();
  const works = new Map<string, string[]>();
  let words = false;
  const take = (event: Event): readonly SessionUpdate[] => {
    switch (event.kind) {
      case "turn-start":
        return stored ? event.prompt.map((part) => chunk("user_message_chunk", part)) : [];
      case "text-delta":
        words ||= ownVoice(event);
        return ownVoice(event) ? [chunk("agent_message_chunk", { type: "text", text: event.text })] : [];
      case "thinking-delta":
        return ownVoice(event) ? [chunk("agent_thought_chunk", { type: "text", text: event.text })] : [];
      case "model-end":
        return stored ? spoken(event) : [];
      case "tool-requested":
        return [requested(event, workspace)];
      case "tool-start":
        running.set(event.callId, { text: "", sentAt: event.at });
        return [
          { sessionUpdate: "tool_call_update", toolCallId: event.callId, status: "in_progress", title: event.title },
        ];
      case "tool-delta":
        return printed(event, running.get(event.callId));
      case "tool-end":
        running.delete(event.callId);
        return [ended(event, workspace)];
      case "todos-set":
        return [
          {
            sessionUpdate: "plan",
            entries: event.todos.map(({ text: content, status }) => ({
              content,
              priority: "medium",
              status: status === "done" ? "completed" : status,
            })),
          },
        ];
      case "mode-set":
        return [{ sessionUpdate: "current_mode_update", currentModeId: event.mode }];
      case "session-name":
        return [{ sessionUpdate: "session_info_update", title: event.name }];
      default:
        return larger(event, works);
    }
  };
  return {
    take,
    spoke() {
      const did = words;
      words = false;
      return did;
    },
  };
}

/** Of several voices only the writer's words are the answer; what the others say stands in the work's own entry. */
const ownVoice = ({ voice }: Event) => voice === undefined || voice === "developer";

type Chunk = "user_message_chunk" | "agent_message_chunk" | "agent_thought_chunk";

function chunk(sessionUpdate: Chunk, part: TextPart | ImagePart): SessionUpdate {
  return part.type === "text"
    ? { sessionUpdate, content: { type: "text", text: part.text } }
    : { sessionUpdate, content: { type: "image", mimeType: part.mediaType, data: part.data } };
}

function spoken({ message, purpose }: EventOf<"model-end">): SessionUpdate[] {
  if (purpose !== "turn") return [];
  return message.parts.flatMap((part) => {
    if (part.type === "tool-call" || part.text === "") return [];
    const kind = part.type === "thinking" ? "agent_thought_chunk" : "agent_message_chunk";
    return [chunk(kind, { type: "text", text: part.text })];
  });
}

function requested({ callId, tool, input }: EventOf<"tool-requested">, workspace: string): SessionUpdate {
  const path = typeof input["path"] === "string" ? input["path"] : undefined;
  const about = [path, input["command"], input["pattern"], input["query"], input["url"]].find(
    (value) => typeof value === "string",
  );
  return {
    sessionUpdate: "tool_call",
    toolCallId: callId,
    title: about === undefined ? tool : `${tool} ${oneLine(String(about), 200)}`,
    name: tool,
    kind: KINDS[tool] ?? "other",
    status: "pending",
    rawInput: input,
    ...(path === undefined ? {} : { locations: [{ path: resolve(workspace, path) }] }),
  };
}

const textContent = (text: string): ToolCallContent => ({ type: "content", content: { type: "text", text } });

function printed(
  { callId, text, at }: EventOf<"tool-delta">,
  shown?: { text: string; sentAt: number },
): SessionUpdate[] {
  if (!shown) return [];
  shown.text = (shown.text + text).slice(-TAIL);
  if (at - shown.sentAt < EVERY_MS) return [];
  shown.sentAt = at;
  return [{ sessionUpdate: "tool_call_update", toolCallId: callId, content: [textContent(shown.text)] }];
}

function ended(event: EventOf<"tool-end">, workspace: string): SessionUpdate {
  const { callId, details, failed, denied } = event;
  const { path, diff, before } = details ?? {};
  const file = typeof path === "string" ? resolve(workspace, path) : undefined;
  const hunks = file !== undefined && typeof diff === "string" ? hunksOf(diff) : [];
  const fresh = before === null;
  const diffs = hunks.map(
    (hunk): ToolCallContent => ({
      type: "diff",
      path: file ?? "",
      oldText: fresh ? null : hunk.before,
      newText: hunk.after,
    }),
  );
  const texts = event.parts.map(
    (part): ToolCallContent =>
      part.type === "text"
        ? textContent(part.text.slice(0, MOST_SHOWN))
        : { type: "content", content: { type: "image", mimeType: part.mediaType, data: part.data } },
  );
  const places =
    hunks.length > 0 ? hunks.map(({ line }) => ({ path: file ?? "", line })) : file ? [{ path: file }] : [];
  return {
    sessionUpdate: "tool_call_update",
    toolCallId: callId,
    status: failed || denied ? "failed" : "completed",
    content: diffs.length > 0 ? diffs : texts,
    ...(places.length > 0 ? { locations: places } : {}),
  };
}

/** A council, a spiral or a review is one entry that grows while it works. */
function larger(event: Event, works: Map<string, string[]>): SessionUpdate[] {
  if (!("work" in event)) return [];
  const { work } = event;
  const lines = works.get(work);
  const report = reportWords(event);
  const line = report ?? workStep(event);
  if (line === undefined) return [];
  const content = [textContent([...(lines ?? []), line].join("\n"))];
  const status = report === undefined ? ("in_progress" as const) : ("completed" as const);
  works.set(work, [...(lines ?? []), line]);
  if (lines) return [{ sessionUpdate: "tool_call_update", toolCallId: work, status, content }];
  const title = event.kind.startsWith("spiral") ? "spiral" : event.kind === "review-end" ? "review" : "council";
  return [{ sessionUpdate: "tool_call", toolCallId: work, title, kind: "think", status, content }];
}

function reportWords(event: Event): string | undefined {
  if (event.kind === "decision-made") return councilWords(event.report);
  if (event.kind === "review-end") return reviewWords(event.report);
  return event.kind === "spiral-end" ? spiralWords(event.report) : undefined;
}
