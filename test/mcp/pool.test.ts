/** The servers of one session, without a sandbox: prompts, roots, a list that changes while it is in use, a start that is shared. */
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { expect, test, vi } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import type {
  Document,
  ForeignHands,
  McpEntry,
  ServerOrder,
  ServerProcess,
  StdioEntry,
} from "../../src/core/ports/mcp.ts";
import { oauthBook } from "../../src/mcp/client/oauth.ts";
import { pinBook } from "../../src/mcp/client/pins.ts";
import { createPool } from "../../src/mcp/client/pool.ts";
import { tempFolder } from "../kit/temp.ts";

const KIT = resolve(import.meta.dirname, "../kit/mcp-server.mjs");
const signal = new AbortController().signal;

function memory(): Document {
  let value: unknown;
  return {
    read: () => value,
    write: (next) => {
      value = structuredClone(next);
    },
  };
}

function startProcess(order: ServerOrder): ServerProcess {
  const child = spawn(order.words[0] ?? "", order.words.slice(1), { stdio: ["pipe", "pipe", "pipe"] });
  const ended = Promise.withResolvers<{ code: number | null; signal: string | null }>();
  let words = "";
  child.stderr.on("data", (chunk) => (words += String(chunk)));
  child.stdin.on("error", () => undefined);
  child.on("close", (code, name) => ended.resolve({ code, signal: name }));
  return {
    write: (text) => new Promise((done, fail) => child.stdin.write(text, (error) => (error ? fail(error) : done()))),
    onOutput: (take) => void child.stdout.on("data", take),
    lastWords: () => words,
    ended: ended.promise,
    kill: () => void child.kill("SIGKILL"),
  };
}

function pool(behaviours: Readonly<Record<string, readonly string[]>>, more: Partial<StdioEntry> = {}) {
  const entries = Object.entries(behaviours).map(
    ([name, args]): McpEntry => ({
      ...{
        name,
        origin: "f:1",
        scope: "user",
        enabled: true,
        transport: "stdio",
        command: process.execPath,
        args: [KIT, ...args],
      },
      ...{
        env: {},
        hosts: [],
        read: [],
        profile: "workspace-read",
        tools: { allow: [], deny: [] },
        approve: ["echo"],
        timeoutMs: 5_000,
      },
      ...{ sampling: "ask", secrets: [], ...more },
    }),
  );
  const orders: ServerOrder[] = [];
  const notes: string[] = [];
  const lifetime = new AbortController();
  const folders = { now: ["/ws/a b"] };
  const made = createPool(entries, {
    ...{
      version: "1",
      oauth: oauthBook(memory(), Date.now),
      pins: pinBook(memory()),
      clock: systemClock,
      offline: false,
    },
    answers: {
      human: { present: false, approve: async () => "no", ask: async () => undefined },
      consent: async () => false,
    },
    roots: () => folders.now,
    lifetime: lifetime.signal,
    note: (server, text) => void notes.push(`${server}: ${text}`),
  });
  const progress: string[] = [];
  const hands: ForeignHands = {
    serve: async (order) => {
      orders.push(order);
      return startProcess(order);
    },
    dial: () => Promise.reject(new Error("no network here")),
    progress: (text) => void progress.push(text),
    spill: () => "/tmp/spilled",
  };
  const use = async (name: string, input = {}) => {
    const tool = await made.find(name, hands, signal);
    const [part] = (await tool?.run(input, { foreign: hands }, signal))?.parts ?? [];
    return part?.type === "text" ? part.text : undefined;
  };
  return {
    ...{ made, hands, orders, notes, progress, folders, use },
    async [Symbol.asyncDispose]() {
      lifetime.abort();
      await made.close();
    },
  };
}

test("prompts of every server, filled in and labelled external; a failing server spoils nothing", async () => {
  await using scene = pool({ kit: ["plain"], broken: ["broken"] });
  const { made, hands } = scene;
  expect(await made.prompts(hands, signal)).toEqual([
    {
      server: "kit",
      name: "hello",
      description: "Greets.",
      arguments: [{ name: "who", description: "", required: true }],
    },
  ]);
  expect(await made.runPrompt({ server: "kit", name: "hello", args: { who: "you" } }, hands, signal)).toEqual([
    { type: "text", text: "greet you", label: { integrity: "external", confidentiality: "public" } },
  ]);
  await expect(made.runPrompt({ server: "none", name: "x", args: {} }, hands, signal)).rejects.toThrow(
    "there is no MCP server none",
  );
  expect(made.servers().map(({ name, state }) => `${name} ${state}`)).toEqual(["kit ready", "broken failed"]);
  expect(scene.orders).toHaveLength(3);
  expect(made.index()).toMatch(
    /^MCP servers \(their tools are found by tool_search\):\nkit: 13 tools: echo, env, .*\nbroken: not yet started$/,
  );
  expect((made.index() ?? "").split("\n").every((line) => line.length <= 160)).toBe(true);
});

test("roots are told, and told again when they change; none to a server that sees no files", async () => {
  using temp = tempFolder();
  const log = join(temp.path, "log");
  await using scene = pool({ kit: ["plain", log] });
  expect(await scene.use("mcp__kit__roots")).toBe('{"roots":[{"uri":"file:///ws/a%20b","name":"a b"}]}');
  scene.folders.now = ["/ws/other"];
  scene.made.rootsChanged();
  expect(await scene.use("mcp__kit__roots")).toContain("file:///ws/other");
  const { readFileSync } = await import("node:fs");
  await vi.waitFor(() => expect(readFileSync(log, "utf8")).toContain("notifications/roots/list_changed"));
  await using blind = pool({ kit: ["plain"] }, { profile: "none" });
  expect(await blind.use("mcp__kit__roots")).not.toContain("file:");
});

test("a list that changes is asked for anew before the next call; new tools are marked", async () => {
  await using scene = pool({ kit: ["plain"] });
  expect(await scene.use("mcp__kit__change")).toBe("changed");
  const tool = await scene.made.find("mcp__kit__extra", scene.hands, signal);
  expect(tool?.foreign).toMatchObject({ approved: false, changed: [expect.stringContaining("new"), "+ New."] });
  expect(scene.made.servers()[0]?.changed).toEqual(["mcp__kit__extra"]);
  expect((await scene.made.find("mcp__kit__echo", scene.hands, signal))?.foreign).toMatchObject({
    approved: true,
    changed: [],
  });
  tool?.foreign?.accept();
  expect((await scene.made.find("mcp__kit__extra", scene.hands, signal))?.foreign?.changed).toEqual([]);
  expect(scene.notes).toContain('kit: info: "the list is another one"');
  expect(scene.orders).toHaveLength(1);
});

test("many at once share one start; progress is told; denied tools are not there", async () => {
  await using scene = pool({ kit: ["plain"] }, { tools: { allow: [], deny: ["e*"] } });
  const results = await Promise.all([
    scene.use("mcp__kit__progress"),
    scene.use("mcp__kit__progress"),
    scene.made.all(scene.hands, signal),
  ]);
  expect(results.slice(0, 2)).toEqual(["done", "done"]);
  expect(scene.orders).toHaveLength(1);
  expect(scene.progress).toContain("2/3 step 2\n");
  expect(results[2].map(({ name }) => name)).not.toContain("mcp__kit__echo");
  expect(await scene.use("mcp__kit__echo")).toBeUndefined();
  expect(scene.made.owns("mcp__kit__echo")).toBe(true);
  expect(scene.made.owns("mcp__other__echo")).toBe(false);
});

test("with nobody there forms are declined and the model is not lent", async () => {
  await using scene = pool({ kit: ["plain"] });
  expect(await scene.use("mcp__kit__form")).toBe('{"action":"decline"}');
  expect(await scene.use("mcp__kit__sample")).toContain("-32601");
});

test("a switched-off server does nothing", async () => {
  await using scene = pool({ kit: ["plain"] }, { enabled: false });
  expect(scene.made.index()).toBeUndefined();
  expect(await scene.made.all(scene.hands, signal)).toEqual([]);
  expect(scene.made.servers()[0]?.state).toBe("off");
  expect(await scene.use("mcp__kit__echo")).toMatch(/MCP server kit is switched off/);
  expect(scene.orders).toEqual([]);
});

test("only what the entry names may lie near: where a login led to may not move onto this machine, nor to another port of the host", async () => {
  const dialled: unknown[] = [];
  const hands = {
    dial: async (order: unknown) => {
      dialled.push(order);
      throw new Error("not now");
    },
  } as unknown as ForeignHands;
  const entry: McpEntry = {
    ...{ name: "far", origin: "f:1", scope: "user", enabled: true, transport: "http", url: "http://10.0.0.7:80/mcp" },
    ...{ tools: { allow: [], deny: [] }, approve: [], timeoutMs: 1_000, secrets: [], headers: {} },
    ...{ sampling: "ask", oauth: { hosts: ["10.0.0.8:443"] } },
  };
  const oauth = oauthBook(memory(), systemClock.now);
  oauth.merge(entry, { hosts: ["10.0.0.7:443", "10.0.0.8:443", "login.example:443"] });
  const made = createPool([entry], {
    ...{ pins: pinBook(memory()), oauth, version: "0", roots: () => [], clock: systemClock, offline: false },
    ...{ lifetime: signal, note: () => undefined },
    answers: {
      human: { present: false, approve: async () => "no", ask: async () => undefined },
      consent: async () => false,
      sample: async () => ({ text: "", model: "" }),
    },
  });
  await expect(made.report("far", false, hands, signal)).rejects.toThrow("not now");
  expect(dialled[0]).toEqual({
    server: "far",
    hosts: ["10.0.0.7:80", "10.0.0.7:443", "10.0.0.8:443", "login.example:443"],
    reachable: ["10.0.0.7:80", "10.0.0.8:443"],
  });
  await made.close();
});
