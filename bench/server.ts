/** The scripted model server as a process of its own; tells its parent when requests come and answers end. */
import {
  answerOllamaState,
  type OllamaOptions,
  ollamaLines,
  type RecordedRequest,
  type Reply,
  sendChunks,
  sendJson,
  startRecordingServer,
} from "../demo/model-server.ts";

/** What the model says: the same text always, or one tool call after the other until `count` answers are in the thread. */
export type Play =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "calls";
      readonly count: number;
      readonly calls: readonly { name: string; arguments: object }[];
      /** Time to the first byte of each answer. */
      readonly delayMs: number;
    };

export interface Told {
  readonly kind: "listening" | "request" | "answered";
  /** Address of the server, or path of the request. */
  readonly place: string;
  /** Nanoseconds of the machine's monotonic clock as decimal text: every process here reads the same one. */
  readonly at: string;
  /** Body of a chat request. */
  readonly body?: string;
}

const tell = (message: Omit<Told, "at">) => process.send?.({ ...message, at: String(process.hrtime.bigint()) });

const play = JSON.parse(process.argv[2] ?? "{}") as Play;
const options: OllamaOptions = { model: "bench:latest", maxWindow: 262_144, loadedWindow: 262_144, script: [] };

function answer(request: RecordedRequest): Reply {
  if (play.kind === "text") return { text: play.text };
  const messages = Array.isArray(request.body["messages"]) ? request.body["messages"] : [];
  const done = messages.filter((message: { role?: string }) => message.role === "assistant").length;
  const call = play.calls[done % play.calls.length];
  return { delayMs: play.delayMs, ...(done < play.count && call ? { toolCalls: [call] } : { text: "done" }) };
}

const server = await startRecordingServer(async (request, response, state) => {
  const chat = request.path === "/api/chat";
  tell({ kind: "request", place: request.path, ...(chat ? { body: request.raw.toString("utf8") } : {}) });
  if (answerOllamaState(options, request, response)) return;
  if (!chat) return sendJson(response, 404, "404 page not found");
  const reply = answer(request);
  const lines = ollamaLines(reply, request, "bench:latest");
  response.on("finish", () => tell({ kind: "answered", place: request.path }));
  await sendChunks(response, reply, lines, "application/x-ndjson", state);
});
tell({ kind: "listening", place: server.url });
process.on("disconnect", () => process.exit(0));
