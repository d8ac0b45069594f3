/** `crucible acp` as an editor uses it: the SDK's own client around the real binary. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type ContentBlock, type McpServer, methods, type SessionUpdate } from "@agentclientprotocol/sdk";
import { expect, test, vi } from "vitest";
import { type Editor, startEditor } from "../kit/editor.ts";
import { call, type Journey, journey, lastText, messagesOf } from "../kit/journey.ts";
import { alive, kitEntry } from "../kit/mcp.ts";
import { serve } from "../kit/serve.ts";

const { session } = methods.agent;
const DONE = { text: "Done." };
const CART = { "src/cart.ts": "export const total = 1;\nexport const tax = 2;\n" };
const text = (words: string): ContentBlock[] => [{ type: "text", text: words }];
const begin = (editor: Editor, setting: Journey, mcpServers: McpServer[] = []) =>
  editor.agent.request(session.new, { cwd: setting.folder, mcpServers });
const calls = (editor: Editor) =>
  editor.updates.filter(({ sessionUpdate }) => sessionUpdate.startsWith("tool_call")) as Extract<
    SessionUpdate,
    { sessionUpdate: "tool_call" | "tool_call_update" }
  >[];

test("a prompt: thoughts and words stream, an edit shows its diff and place, todos are the plan", async () => {
  const edit = call("edit", { path: "src/cart.ts", edits: [{ old: "total = 1", new: "total = 3" }] });
  const todos = call("todo_write", {
    todos: [
      { text: "look", status: "done" },
      { text: "mend", status: "in_progress" },
    ],
  });
  await using setting = await journey({
    script: [{ ...call("read", { path: "src/cart.ts" }), thinking: "Where is it?" }, edit, todos, DONE],
    files: CART,
  });
  await using editor = await startEditor(setting);
  const { sessionId, modes, configOptions } = await begin(editor, setting);
  expect(modes).toMatchObject({ currentModeId: "default" });
  expect(JSON.stringify(configOptions)).toContain("scripted");
  const { stopReason } = await editor.agent.request(session.prompt, { sessionId, prompt: text("mend it") });
  expect(stopReason).toBe("end_turn");
  expect(editor.words()).toContain("Done.");
  expect(editor.words("agent_thought_chunk")).toBe("Where is it?");
  const path = join(setting.folder, "src/cart.ts");
  expect(calls(editor)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        sessionUpdate: "tool_call",
        kind: "read",
        status: "pending",
        locations: [{ path }],
      }) as unknown,
      expect.objectContaining({ sessionUpdate: "tool_call", kind: "edit", name: "edit" }) as unknown,
    ]),
  );
  const diff = calls(editor)
    .flatMap(({ content }) => content ?? [])
    .find(({ type }) => type === "diff");
  expect(diff).toMatchObject({
    path,
    oldText: CART["src/cart.ts"].trimEnd(),
    newText: "export const total = 3;\nexport const tax = 2;",
  });
  expect(editor.updates).toContainEqual({
    sessionUpdate: "plan",
    entries: [
      { content: "look", priority: "medium", status: "completed" },
      { content: "mend", priority: "medium", status: "in_progress" },
    ],
  });
  expect(editor.updates.find(({ sessionUpdate }) => sessionUpdate === "available_commands_update")).toMatchObject({
    availableCommands: expect.arrayContaining([expect.objectContaining({ name: "council" })]) as unknown,
  });
  expect(editor.updates.some(({ sessionUpdate }) => sessionUpdate === "usage_update")).toBe(true);
});

test("questions: allowed once, refused, and a lasting yes only where rules can hold it", async () => {
  const outside = call("read", { path: "/etc/hostname" });
  await using setting = await journey({ script: [outside, outside, DONE] });
  await using editor = await startEditor(setting);
  const { sessionId } = await begin(editor, setting);
  editor.answers.push("allow_once", "reject_once");
  await editor.agent.request(session.prompt, { sessionId, prompt: text("look there") });
  expect(editor.asked).toHaveLength(2);
  expect(editor.asked[0]?.toolCall.title).toContain("/etc/hostname");
  for (const { options } of editor.asked) {
    const rules = options.some(({ kind }) => kind === "allow_always");
    const given = setting.journal().find(({ kind }) => kind === "approval-asked") as { rules?: unknown[] };
    expect(rules).toBe((given.rules?.length ?? 0) > 0);
  }
  expect(
    setting
      .audit()
      .filter(({ action }) => action === "approval")
      .map(({ decision }) => decision),
  ).toEqual(["yes", "no"]);
});

test("modes, a plan that is accepted, and a slash command", async () => {
  await using setting = await journey({
    script: [
      call("write", { path: "new.txt", content: "x" }),
      { text: "The plan." },
      call("write", { path: "new.txt", content: "x" }),
      DONE,
      { text: "Planned." },
    ],
  });
  await using editor = await startEditor(setting);
  const { sessionId } = await begin(editor, setting);
  await editor.agent.request(session.setMode, { sessionId, modeId: "plan" });
  await expect(editor.agent.request(session.setMode, { sessionId, modeId: "yolo" })).rejects.toThrow(/mode/);
  editor.answers.push("Yes, carry it out", "Not yet");
  await editor.agent.request(session.prompt, { sessionId, prompt: text("make new.txt") });
  expect(setting.read("new.txt")).toBe("x");
  const modes = editor.updates.flatMap((update) =>
    update.sessionUpdate === "current_mode_update" ? [update.currentModeId] : [],
  );
  expect(modes).toEqual(["plan", "default"]);
  await editor.agent.request(session.prompt, { sessionId, prompt: text("/undo") });
  expect(editor.words()).toContain("taken back: 1 turn, 1 file");
  expect(existsSync(join(setting.folder, "new.txt"))).toBe(false);
  await editor.agent.request(session.prompt, { sessionId, prompt: text("/plan something") });
  expect(lastText(setting.server.chats.at(-1) ?? { body: {} })).toContain("something");
  await expect(editor.agent.request(session.prompt, { sessionId, prompt: text("/council") })).rejects.toThrow(
    /needs words/,
  );
});

test("/compact puts a summary in the place of what was said", async () => {
  const long = "Every word of this answer counts. ".repeat(120);
  await using setting = await journey({
    server: { window: 8_192 },
    script: [
      ...["one", "two", "three"].map((which) => ({ text: `${long}${which}` })),
      { text: "In short: words." },
      DONE,
    ],
  });
  await using editor = await startEditor(setting);
  const { sessionId } = await begin(editor, setting);
  const say = (words: string) => editor.agent.request(session.prompt, { sessionId, prompt: text(words) });
  for (const words of ["first", "second", "third"]) await say(words);
  expect(await say("/compact")).toMatchObject({ stopReason: "end_turn" });
  expect(editor.words()).toContain("is a summary now");
  await say("go on");
  expect(setting.journal().some(({ kind }) => kind === "context-compacted")).toBe(true);
  expect(JSON.stringify(messagesOf(setting.server.chats.at(-1) ?? { body: {} }))).toContain("In short: words.");
});

test("/council is a council, shown as one entry that grows", async () => {
  const says = JSON.stringify({
    answer: "Yes.",
    choice: "A",
    confidence: 0.9,
    reason: "so",
    summary: "Yes",
    checks: [],
  });
  await using setting = await journey({ script: () => ({ text: says }) });
  await using editor = await startEditor(setting);
  const { sessionId } = await begin(editor, setting);
  const { stopReason } = await editor.agent.request(session.prompt, {
    sessionId,
    prompt: text("/council is it good?"),
  });
  expect(stopReason).toBe("end_turn");
  const entries = calls(editor).filter(({ title }) => title === "council");
  expect(entries).toHaveLength(1);
  const last = calls(editor).findLast(({ toolCallId }) => toolCallId === entries[0]?.toolCallId);
  expect(last).toMatchObject({ status: "completed" });
});

test("cancel stops the turn; the session goes on, is listed, and is told again when it is loaded", async () => {
  await using setting = await journey({
    script: [{ text: "a".repeat(4_000), chunkDelayMs: 50 }, { text: "Second answer." }, { text: "Third." }],
  });
  let id = "";
  {
    await using editor = await startEditor(setting);
    const { sessionId } = await begin(editor, setting);
    id = sessionId;
    const prompt = editor.agent.request(session.prompt, { sessionId, prompt: text("long") });
    await vi.waitFor(() => expect(editor.words()).toContain("aaaa"), 10_000);
    await expect(editor.agent.request(session.prompt, { sessionId, prompt: text("too early") })).rejects.toThrow(
      /still at work/,
    );
    await editor.agent.notify(session.cancel, { sessionId });
    expect(await prompt).toMatchObject({ stopReason: "cancelled" });
    await editor.agent.request(session.prompt, { sessionId, prompt: text("and now?") });
    expect(editor.words()).toContain("Second answer.");
  }
  await using editor = await startEditor(setting);
  const { sessions } = await editor.agent.request(session.list, { cwd: setting.folder });
  expect(sessions.map(({ sessionId }) => sessionId)).toEqual([id]);
  await editor.agent.request(session.load, { sessionId: id, cwd: setting.folder, mcpServers: [] });
  expect(editor.words("user_message_chunk")).toContain("and now?");
  expect(editor.words()).toContain("Second answer.");
  await editor.agent.request(session.prompt, { sessionId: id, prompt: text("third") });
  expect(JSON.stringify(messagesOf(setting.server.chats.at(-1) ?? { body: {} }))).toContain("Second answer.");
  await expect(
    editor.agent.request(session.load, { sessionId: "nobody", cwd: setting.folder, mcpServers: [] }),
  ).rejects.toThrow(/no session/);
});

test("pictures, buffers and files of a prompt; two sessions side by side; a server that is down is told with its mend", async () => {
  await using setting = await journey({ script: () => DONE, files: CART });
  await using editor = await startEditor(setting);
  const [one, two] = [await begin(editor, setting), await begin(editor, setting)];
  expect(one.sessionId).not.toBe(two.sessionId);
  const path = join(setting.folder, "src/cart.ts");
  const prompt: ContentBlock[] = [
    { type: "text", text: "look at " },
    { type: "resource", resource: { uri: pathToFileURL(path).href, text: "unsaved buffer words" } },
    { type: "resource_link", uri: pathToFileURL(path).href, name: "cart.ts" },
    { type: "resource_link", uri: "https://example.com/x", name: "a page" },
  ];
  await Promise.all([
    editor.agent.request(session.prompt, { sessionId: one.sessionId, prompt }),
    editor.agent.request(session.prompt, { sessionId: two.sessionId, prompt: text("hello") }),
  ]);
  const sent = setting.server.chats.map(({ raw }) => raw.toString()).join("\n");
  expect(sent).toContain("unsaved buffer words");
  expect(sent).toContain("export const total = 1;");
  const sound: ContentBlock[] = [{ type: "audio", data: "", mimeType: "audio/wav" }];
  await expect(editor.agent.request(session.prompt, { sessionId: one.sessionId, prompt: sound })).rejects.toThrow(
    /cannot hold audio/,
  );
  await setting.server.close();
  const three = await begin(editor, setting);
  await expect(editor.agent.request(session.prompt, { sessionId: three.sessionId, prompt: text("x") })).rejects.toThrow(
    /ollama/i,
  );
});

test("MCP servers of the editor are there, confined like all others", async () => {
  await using setting = await journey({ script: [call("tool_search", { query: "anything" }), DONE] });
  await using editor = await startEditor(setting);
  const { command, args } = kitEntry(setting, "plain");
  const mcpServers = [{ name: "my server!", command, args, env: [] }];
  const { sessionId } = await begin(editor, setting, mcpServers);
  await editor.agent.request(session.prompt, { sessionId, prompt: text("what is there?") });
  expect(JSON.stringify(messagesOf(setting.server.chats[0] ?? { body: {} }))).toContain("my-server");
  const sse = [{ type: "sse" as const, name: "old", url: "http://127.0.0.1:9", headers: [] }];
  await expect(editor.agent.request(session.new, { cwd: setting.folder, mcpServers: sse })).rejects.toThrow(
    /sse is not spoken/,
  );
});

test("an editor that dies in the middle of a command leaves nothing behind", async () => {
  await using setting = await journey({ script: [call("shell", { command: "sleep 986" }), DONE] });
  await using editor = await startEditor(setting, { words: ["--permission-mode", "auto"] });
  const { sessionId } = await begin(editor, setting);
  editor.agent.request(session.prompt, { sessionId, prompt: text("wait") }).catch(() => undefined);
  await vi.waitFor(() => expect(alive("sleep\x00986").length).toBeGreaterThan(0), 15_000);
  editor.served.child.stdin.destroy();
  editor.served.child.stdout.destroy();
  expect(await editor.served.ended).toBe(0);
  expect(alive("sleep\x00986")).toEqual([]);
  expect(setting.journal().at(-1)?.kind).toBe("turn-end");
});

test("garbage, unknown methods, calls before and after the handshake: answered, and nothing else on standard output", async () => {
  await using setting = await journey({ script: [DONE] });
  await using served = serve(setting, ["acp", ...setting.model]);
  let out = "";
  served.child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  const lines = () =>
    out
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { id?: unknown; error?: { code: number } });
  const send = (id: number, method: string, params: unknown) =>
    served.child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
  served.child.stdin.write("nonsense\n{\n[]\n42\n");
  send(1, "session/new", { cwd: setting.folder, mcpServers: [] });
  send(2, "initialize", { protocolVersion: 1 });
  await vi.waitFor(() => expect(lines().some(({ id }) => id === 2)).toBe(true), 10_000);
  send(3, "initialize", { protocolVersion: 99 });
  send(4, "no/such", {});
  send(5, "session/new", { cwd: 7 });
  send(6, "session/prompt", { sessionId: "nobody", prompt: [] });
  send(7, "session/new", { cwd: "/no/such/folder", mcpServers: [] });
  await vi.waitFor(() => expect(lines().map(({ id }) => id)).toEqual(expect.arrayContaining([3, 4, 5, 6, 7])), 10_000);
  const codes = Object.fromEntries(lines().map(({ id, error }) => [String(id), error?.code]));
  expect(codes).toMatchObject({ 1: -32_600, 4: -32_601, 5: -32_602, 6: -32_002, 7: -32_602 });
  expect(setting.server.chats).toHaveLength(0);
  served.child.stdin.end();
  expect(await served.ended).toBe(0);
});
