import { client, methods, ndJsonStream, PROTOCOL_VERSION } from "@agentclientprotocol/sdk";
import { expect, test } from "vitest";
import { editorAgent } from "../../src/acp/agent.ts";
import type { App, LiveSession } from "../../src/core/ports/app.ts";
import type { Serving } from "../../src/core/ports/serving.ts";

const { session } = methods.agent;
const ID = "one";
const prompt = [{ type: "text" as const, text: "go" }];
const asked = { sessionId: ID, cwd: "/work", mcpServers: [] };

/** An editor beside an agent whose sessions do nothing; closing one waits for `gate`. */
async function beside(gate: { held: Promise<void> }) {
  const lives: { closed: boolean }[] = [];
  const open = async () => {
    const live = { closed: false };
    lives.push(live);
    return {
      ...{ notes: [], window: { tokens: 1 } },
      prompt: async () => ({ status: "done", text: "ok" }),
      close: async () => {
        await gate.held;
        live.closed = true;
      },
    } as unknown as LiveSession;
  };
  const list = () => [{ id: ID, workspace: "/work", title: "", updatedAt: 0 }];
  const app = {
    workspace: "/work",
    open,
    sessions: async () => ({ list, read: () => [] }),
    models: async () => ({ list: async () => ({ models: [] }) }),
  } as unknown as App;
  const ground = { app, base: { mode: "default", addDirs: [], model: {} }, budget: {} };
  const serving = {
    ...{ version: "0", signal: new AbortController().signal, tell: () => undefined },
    ground: async () => ground,
  } as unknown as Serving;
  const editor = editorAgent(serving);
  const [there, back] = [new TransformStream<Uint8Array>(), new TransformStream<Uint8Array>()];
  editor.app.connect(ndJsonStream(back.writable, there.readable));
  const connection = client({ name: "test" })
    .onNotification(methods.client.session.update, () => undefined)
    .connect(ndJsonStream(there.writable, back.readable));
  await connection.agent.request(methods.agent.initialize, {
    protocolVersion: PROTOCOL_VERSION,
    clientCapabilities: {},
  });
  return { agent: connection.agent, close: () => editor.close(), lives, end: () => connection.close() };
}

test("a session that is loaded twice at once leaves none of its forerunners open", async () => {
  const held = Promise.withResolvers<void>();
  const { agent, close, lives, end } = await beside({ held: held.promise });
  await agent.request(session.load, asked);
  await agent.request(session.prompt, { sessionId: ID, prompt });
  const both = [agent.request(session.load, asked), agent.request(session.load, asked)];
  // One of the two may answer while the other still puts the forerunner away: it is used at once.
  const used = Promise.race(both).then(() => agent.request(session.prompt, { sessionId: ID, prompt }));
  for (let round = 0; round < 5; round++) await agent.request(session.list, {});
  held.resolve();
  await Promise.all([...both, used]);
  await agent.request(session.prompt, { sessionId: ID, prompt });
  await close();
  expect(lives.length).toBeGreaterThan(1);
  expect(lives.every(({ closed }) => closed)).toBe(true);
  end();
});
