/** An editor of the protocol's own SDK around the real binary: keeps what it is told, answers as it was told to. */
import { Readable, Writable } from "node:stream";
import {
  type ClientCapabilities,
  type ClientContext,
  client,
  methods,
  ndJsonStream,
  PROTOCOL_VERSION,
  type RequestPermissionRequest,
  type SessionUpdate,
} from "@agentclientprotocol/sdk";
import type { Journey } from "./journey.ts";
import { type Served, serve } from "./serve.ts";

export interface Editor extends AsyncDisposable {
  readonly agent: ClientContext;
  readonly served: Served;
  readonly updates: SessionUpdate[];
  readonly asked: RequestPermissionRequest[];
  /** Which option is chosen, by its kind or its name; the next one each time. */
  readonly answers: string[];
  /** Words of one kind of chunk, joined. */
  words(kind?: "agent_message_chunk" | "agent_thought_chunk" | "user_message_chunk"): string;
}

export interface EditorOptions {
  readonly words?: readonly string[];
  readonly capabilities?: ClientCapabilities;
}

export async function startEditor(setting: Journey, options: EditorOptions = {}): Promise<Editor> {
  const served = serve(setting, ["acp", ...setting.model, ...(options.words ?? [])]);
  const updates: SessionUpdate[] = [];
  const asked: RequestPermissionRequest[] = [];
  const answers: string[] = [];
  const app = client({ name: "test" })
    .onNotification(methods.client.session.update, ({ params }) => void updates.push(params.update))
    .onRequest(methods.client.session.requestPermission, ({ params }) => {
      asked.push(params);
      const wanted = answers.shift() ?? "reject_once";
      const option = params.options.find(({ kind, name }) => kind === wanted || name === wanted);
      if (!option) return { outcome: { outcome: "cancelled" } };
      return { outcome: { outcome: "selected", optionId: option.optionId } };
    })
    .onRequest(methods.client.elicitation.create, () => ({
      action: "accept",
      content: { answer: answers.shift() ?? "" },
    }));
  const { stdin, stdout } = served.child;
  const connection = app.connect(
    ndJsonStream(
      Writable.toWeb(stdin) as WritableStream<Uint8Array>,
      Readable.toWeb(stdout) as ReadableStream<Uint8Array>,
    ),
  );
  await connection.agent.request(methods.agent.initialize, {
    protocolVersion: PROTOCOL_VERSION,
    clientCapabilities: options.capabilities ?? {},
  });
  return {
    agent: connection.agent,
    ...{ served, updates, asked, answers },
    words: (kind = "agent_message_chunk") =>
      updates
        .map((update) => (update.sessionUpdate === kind && update.content.type === "text" ? update.content.text : ""))
        .join(""),
    async [Symbol.asyncDispose]() {
      connection.close();
      await served[Symbol.asyncDispose]();
    },
  };
}
