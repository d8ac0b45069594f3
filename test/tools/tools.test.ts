import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { expect, test } from "vitest";
import * as z from "zod/mini";
import { canonicalJson } from "../../src/base/canonical-json.ts";
import { toFault } from "../../src/base/error.ts";
import type { Hands } from "../../src/core/ports/hands.ts";
import type { Tool } from "../../src/core/tool.ts";
import askUser from "../../src/tools/ask_user.ts";
import edit from "../../src/tools/edit.ts";
import glob from "../../src/tools/glob.ts";
import grep from "../../src/tools/grep.ts";
import read from "../../src/tools/read.ts";
import shell from "../../src/tools/shell.ts";
import todoWrite from "../../src/tools/todo_write.ts";
import toolCall from "../../src/tools/tool_call.ts";
import toolSearch from "../../src/tools/tool_search.ts";
import webFetch from "../../src/tools/web_fetch.ts";
import write from "../../src/tools/write.ts";
import { type Kit, makeKit } from "../sandbox/kit.ts";

const signal = new AbortController().signal;

async function use(
  kit: Kit,
  tool: Tool,
  input: Record<string, unknown>,
): Promise<{ text: string; failed: boolean; details: Record<string, unknown> }> {
  const parsed = tool.input.safeParse(input);
  if (!parsed.success) throw new Error(`bad input for ${tool.name}`);
  const hands = kit.sandbox.hands(kit.grant(tool.effects));
  const result = await tool.run(parsed.data, hands, signal);
  const text = result.parts.map((part) => (part.type === "text" ? part.text : `<${part.mediaType}>`)).join("");
  return { text, failed: result.failed, details: result.details ?? {} };
}

test("the ten first declarations cost at most 780 tokens", () => {
  const strip = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strip);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => key !== "$schema" && key !== "additionalProperties")
        .map(([key, item]) => [key, strip(item)]),
    );
  };
  const tools = [read, write, edit, glob, grep, shell, todoWrite, askUser, toolSearch, toolCall].map((tool) => ({
    type: "function",
    function: {
      name: tool.name,
      description: tool.summary,
      parameters: strip(z.toJSONSchema(tool.input as unknown as z.ZodMiniType)),
    },
  }));
  expect(encode(canonicalJson(tools)).length).toBeLessThanOrEqual(780);
  expect(read.input.safeParse({ path: "a", extra: 1 }).success).toBe(false);
});

test("read numbers lines, pages, and remembers what was seen", async () => {
  await using kit = await makeKit({}, ({ workspace }) => {
    writeFileSync(
      join(workspace, "a.txt"),
      `\ufeff${Array.from({ length: 2500 }, (_, index) => `line ${index + 1}`).join("\r\n")}\r\n`,
    );
    writeFileSync(join(workspace, "empty"), "");
  });
  const whole = await use(kit, read, { path: "a.txt" });
  expect(whole.text.split("\n")[0]).toBe("    1\tline 1");
  expect(whole.text).toMatch(/2000\tline 2000\n\(500 more lines; continue with offset 2001\)$/);
  expect(whole.details).toMatchObject({ path: join(kit.workspace, "a.txt"), lines: 2500, first: 1, last: 2000 });
  expect((await use(kit, read, { path: "a.txt", offset: 2499, limit: 9 })).text).toBe(
    " 2499\tline 2499\n 2500\tline 2500",
  );
  expect(await use(kit, read, { path: "a.txt", offset: 9000 })).toMatchObject({ failed: true });
  expect((await use(kit, read, { path: "empty" })).text).toBe("(empty file)");
});

test("read shows images and folders, refuses binaries, and suggests a name", async () => {
  await using kit = await makeKit({}, ({ workspace }) => {
    writeFileSync(join(workspace, "p.png"), Buffer.from("\x89PNG\r\n\x1a\nrest", "latin1"));
    writeFileSync(join(workspace, "b.bin"), Buffer.from([1, 0, 2]));
    writeFileSync(join(workspace, "latin.txt"), Buffer.from("caf\xe9", "latin1"));
    mkdirSync(join(workspace, "src"));
    writeFileSync(join(workspace, "src/index.ts"), "x");
  });
  expect((await use(kit, read, { path: "p.png" })).text).toBe("<image/png>");
  expect(await use(kit, read, { path: "b.bin" })).toMatchObject({ failed: true });
  expect(await use(kit, read, { path: "latin.txt" })).toMatchObject({ failed: true });
  expect((await use(kit, read, { path: "." })).text).toBe("b.bin\nlatin.txt\np.png\nsrc/");
  expect((await use(kit, read, { path: "src/idnex.ts" })).text).toContain("did you mean src/index.ts?");
});

test("write and edit refuse what the agent did not see, and show the difference", async () => {
  await using kit = await makeKit({}, ({ workspace }) => writeFileSync(join(workspace, "a.txt"), "one\ntwo\n"));
  const at = join(kit.workspace, "a.txt");
  expect(await use(kit, write, { path: "a.txt", content: "x" })).toMatchObject({
    failed: true,
    text: expect.stringContaining("read it before") as string,
  });
  await use(kit, read, { path: "a.txt" });
  writeFileSync(at, "one\nTWO\n");
  for (const [tool, input] of [
    [write, { path: "a.txt", content: "x" }],
    [edit, { path: "a.txt", edits: [{ old: "one", new: "1" }] }],
  ] as const) {
    const refused = await use(kit, tool, input);
    expect(refused.failed).toBe(true);
    expect(refused.text).toContain("-two\n+TWO");
  }
  expect(readFileSync(at, "utf8")).toBe("one\nTWO\n");
  await use(kit, read, { path: "a.txt" });
  const edited = await use(kit, edit, { path: "a.txt", edits: [{ old: "one", new: "1" }] });
  expect(edited).toMatchObject({ failed: false, details: { added: 1, removed: 1 } });
  expect(await use(kit, write, { path: "a.txt", content: "new\n" })).toMatchObject({ failed: false });
  expect(readFileSync(at, "utf8")).toBe("new\n");
  expect(await use(kit, write, { path: "b/c.txt", content: "n" })).toMatchObject({
    failed: false,
    text: `created ${join(kit.workspace, "b/c.txt")} (1 line)`,
  });
});

test("an edit keeps the byte order mark and CRLF; a rewrite keeps them too", async () => {
  const bytes = "\ufeffone\r\ntwo\r\n";
  await using kit = await makeKit({}, ({ workspace }) => writeFileSync(join(workspace, "a.txt"), bytes));
  await use(kit, edit, { path: "a.txt", edits: [{ old: "one\ntwo", new: "1\n2\n3" }] });
  expect(readFileSync(join(kit.workspace, "a.txt"), "utf8")).toBe("\ufeff1\r\n2\r\n3\r\n");
  await use(kit, read, { path: "a.txt" });
  await use(kit, write, { path: "a.txt", content: "a\nb\n" });
  expect(readFileSync(join(kit.workspace, "a.txt"), "utf8")).toBe("\ufeffa\r\nb\r\n");
});

test("a failed or fuzzy edit says so", async () => {
  await using kit = await makeKit({}, ({ workspace }) =>
    writeFileSync(join(workspace, "a.txt"), "alpha beta gamma delta\n"),
  );
  const failed = await use(kit, edit, {
    path: "a.txt",
    edits: [
      { old: "alpha", new: "A" },
      { old: "omega", new: "O" },
    ],
  });
  expect(failed).toMatchObject({ failed: true, text: expect.stringContaining("edit 2 of 2") as string });
  expect(readFileSync(join(kit.workspace, "a.txt"), "utf8")).toBe("alpha beta gamma delta\n");
  const fuzzy = await use(kit, edit, { path: "a.txt", edits: [{ old: "alpha beta gama delta", new: "done" }] });
  expect(fuzzy.text).toContain("-alpha beta gamma delta\n+done");
});

test("glob and grep answer with paths and numbered lines", async () => {
  await using kit = await makeKit({}, ({ workspace }) => writeFileSync(join(workspace, "a.ts"), "one\ntwo\nthree\n"));
  const at = join(kit.workspace, "a.ts");
  expect((await use(kit, glob, { pattern: "*.ts" })).text).toBe(at);
  expect((await use(kit, glob, { pattern: "*.py" })).text).toBe("no files match");
  expect((await use(kit, grep, { pattern: "two", context: 1 })).text).toBe(`${at}\n1-one\n2:two\n3-three`);
  expect((await use(kit, grep, { pattern: "two", filesOnly: true })).text).toBe(at);
  expect((await use(kit, grep, { pattern: "none" })).text).toBe("no matches");
});

test("shell tells exit codes, timeouts and cut output; terminal control is removed", async () => {
  const run = async (result: object) => {
    const base = { exitCode: 0, signal: null, output: "", truncated: false, timedOut: false, durationMs: 1.4 };
    const hands = { exec: { run: async () => ({ ...base, ...result }) } } as Hands;
    const outcome = await shell.run({ command: "x", timeout: 3 }, hands, signal);
    return {
      failed: outcome.failed,
      text: outcome.parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
    };
  };
  expect(await run({})).toEqual({ failed: false, text: "(no output)" });
  expect(await run({ output: "\u001b[31mred\u001b[0m\r\n10%\r99%\rdone\n", exitCode: 2 })).toEqual({
    failed: true,
    text: "red\ndone\n[exit code 2]",
  });
  expect(await run({ exitCode: null, timedOut: true, output: "a", durationMs: 3040 })).toEqual({
    failed: true,
    text: "a\n[killed after 3 s]",
  });
  expect((await run({ output: "a", truncated: true, spill: "/tmp/out" })).text).toContain("/tmp/out");
});

test("the other tools use their one hand", async () => {
  const todos: unknown[] = [];
  const hands = {
    session: { setTodos: (list) => todos.push(...list) },
    human: { ask: async (question) => (question === "?" ? undefined : "blue") },
    deferred: { search: async () => [{ name: "t", summary: "s", parameters: {} }] },
    net: {
      get: async (url) => ({ url, status: url.endsWith("404") ? 404 : 200, contentType: "text/html", body: "page" }),
    },
  } as Hands;
  const text = async (tool: Tool, input: Record<string, unknown>) => {
    const result = await tool.run(input, hands, signal);
    return {
      failed: result.failed,
      text: result.parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
    };
  };
  expect(await text(todoWrite, { todos: [{ text: "a", status: "done" }] })).toEqual({
    failed: false,
    text: "1 of 1 done",
  });
  expect(todos).toEqual([{ text: "a", status: "done" }]);
  expect(await text(askUser, { question: "colour" })).toEqual({ failed: false, text: "blue" });
  expect(await text(askUser, { question: "?" })).toMatchObject({ failed: true });
  expect(await text(toolSearch, { query: "x" })).toEqual({
    failed: false,
    text: '{"name":"t","summary":"s","parameters":{}}',
  });
  expect(await text(toolCall, { name: "x", input: {} })).toEqual({ failed: true, text: "no such tool: x" });
  expect(await text(webFetch, { url: "https://a" })).toEqual({ failed: false, text: "page" });
  expect(await text(webFetch, { url: "https://a/404" })).toMatchObject({ failed: true });
  await expect(todoWrite.run({ todos: [] }, {}, signal)).rejects.toSatisfy(
    (error) => toFault(error).code === "internal",
  );
});
