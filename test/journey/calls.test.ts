/** Calls as small models write them: mended, asked again, or refused, and never run as guessed. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { call, journey, lastText, resultOf, WIRES } from "../kit/journey.ts";
import { TYPESCRIPT_FIX } from "../kit/repositories.ts";

const { path, old, new: next } = TYPESCRIPT_FIX;
const EDIT = { path, edits: [{ old, new: next }] };
const DONE = { text: "Done." };

describe.concurrent.each(WIRES)("%s: arguments", (wire) => {
  const written: readonly (readonly [string, unknown, string])[] = [
    ["a number as text", { path, limit: "3" }, "1\t"],
    ["an unclosed object", `{"path": "${path}", "limit": 3`, "1\t"],
    ["single quotes and a trailing comma", `{'path': '${path}',}`, "1\t"],
  ];
  // Ollama's arguments are an object on the wire; broken text can only come from the others.
  test.each(written.filter(([, input]) => wire === "openai" || typeof input !== "string"))(
    "%s is mended",
    async (_name, input, seen) => {
      await using setting = await journey({ wire, script: [call("read", input), DONE] });
      const run = await setting.ask(["-p", "look"]);
      expect(run).toMatchObject({ code: 0, stdout: "Done.\n" });
      expect(lastText(setting.server.chats[1] ?? { body: {} })).toContain(seen);
    },
  );

  test("what cannot be mended is asked again with the schema, once", async () => {
    await using setting = await journey({
      wire,
      script: [
        call("write", { path: "new.txt" }),
        { text: JSON.stringify({ path: "new.txt", content: "asked again" }) },
        DONE,
      ],
    });
    const run = await setting.ask(["-p", "write"]);
    expect(run).toMatchObject({ code: 0 });
    expect(setting.read("new.txt")).toBe("asked again");
    expect(setting.server.chats).toHaveLength(3);
  });

  test("a call that stays wrong is told to the model and never run", async () => {
    await using setting = await journey({
      wire,
      script: [call("write", { path: "new.txt" }), { text: "I would rather not." }, DONE],
    });
    const run = await setting.ask(["-o", "json", "write"]);
    expect(existsSync(join(setting.folder, "new.txt"))).toBe(false);
    expect(resultOf(run)).toMatchObject({ is_error: true, error: { code: "tool-call-invalid" }, exit_code: 1 });
  });
});

const TEXT_CALLS: readonly (readonly [string, string])[] = [
  ["Hermes", `<tool_call>\n${JSON.stringify({ name: "edit", arguments: EDIT })}\n</tool_call>`],
  [
    "Qwen",
    `<function=edit>\n<parameter=path>\n${path}\n</parameter>\n<parameter=edits>\n${JSON.stringify(EDIT.edits)}\n</parameter>\n</function>`,
  ],
  ["fenced JSON", `\`\`\`json\n${JSON.stringify({ name: "edit", arguments: EDIT })}\n\`\`\``],
  ["Mistral", `[TOOL_CALLS][${JSON.stringify({ name: "edit", arguments: EDIT })}]`],
  ["Llama", JSON.stringify({ name: "edit", parameters: EDIT })],
];

describe.concurrent.each(WIRES)("%s: calls printed as text", (wire) => {
  test.each(TEXT_CALLS)("%s is run", async (_name, text) => {
    await using setting = await journey({ wire, script: [call("read", { path }), { text }, DONE] });
    const run = await setting.ask(["-p", "fix it"]);
    expect(run.stderr).toBe("");
    expect(run).toMatchObject({ code: 0, stdout: "Done.\n\n[not verified since the last edit]\n" });
    expect(setting.read(path)).toContain(next);
  });

  test("inside a thinking channel too", async () => {
    const text = TEXT_CALLS[0]?.[1] ?? "";
    await using setting = await journey({
      wire,
      script: [call("read", { path }), { text: `<think>I should edit.\n${text}</think>` }, DONE],
    });
    const run = await setting.ask(["-p", "fix it"]);
    expect(run.code).toBe(0);
    expect(setting.read(path)).toContain(next);
  });
});
